-- Which object store is this database's: its id, which an object in the store bears too. At most one row.
-- placed_us: since when the object is there. NULL: it was about to be put.
CREATE TABLE store_identity (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    store_id  TEXT COLLATE "C" NOT NULL CHECK (store_id <> ''),
    placed_us BIGINT
);
