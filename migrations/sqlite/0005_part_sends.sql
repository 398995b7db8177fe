-- How often bytes were about to go to the object store as one part, written before they do, where etags of parts may
-- repeat. The running hash stands only for parts that were sent once: of a part that was sent more often, the store may keep
-- other bytes of the same etag than those that were hashed.
CREATE TABLE upload_part_sends (
    upload_id TEXT NOT NULL REFERENCES upload_sessions (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL CHECK (number BETWEEN 1 AND 10000),
    sends     INTEGER NOT NULL,
    PRIMARY KEY (upload_id, number)
);
