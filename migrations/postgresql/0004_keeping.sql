-- What keeps stored bytes true: collecting blobs that nothing names, reading blobs again, and removing objects.

-- Since when nothing names the blob, as the collector saw it. NULL: something does, or it was not looked at yet.
ALTER TABLE blobs ADD COLUMN unreferenced_us BIGINT;
-- When its bytes were found missing or wrong, and how. It is not served then, until it is uploaded again.
ALTER TABLE blobs ADD COLUMN damaged_us BIGINT;
ALTER TABLE blobs ADD COLUMN damage TEXT COLLATE "C";
-- When its bytes were read the last time, and until when a reader has it.
ALTER TABLE blobs ADD COLUMN scrubbed_us BIGINT;
ALTER TABLE blobs ADD COLUMN scrub_lease_us BIGINT NOT NULL DEFAULT 0;
ALTER TABLE blobs ADD COLUMN scrub_owner TEXT COLLATE "C";
CREATE INDEX blobs_unreferenced ON blobs (unreferenced_us) WHERE unreferenced_us IS NOT NULL;
CREATE INDEX blobs_damaged ON blobs (damaged_us) WHERE damaged_us IS NOT NULL;
CREATE INDEX blobs_scrubbed ON blobs (scrubbed_us);
CREATE INDEX blobs_storage_key ON blobs (storage_key);
CREATE INDEX upload_sessions_digest ON upload_sessions (expected_digest);

-- How many projection rows the step put when it succeeded. NULL: before this was kept.
ALTER TABLE publish_steps ADD COLUMN row_count BIGINT;

-- Objects that no row names any more and that are to be removed from the store. Keys are never used twice.
CREATE TABLE object_removals (
    storage_key TEXT COLLATE "C" PRIMARY KEY,
    size        BIGINT NOT NULL,
    queued_us   BIGINT NOT NULL
);
CREATE INDEX object_removals_age ON object_removals (queued_us);

-- While one of them lasts, no object is removed: a backup is being made.
CREATE TABLE removal_holds (
    owner    TEXT COLLATE "C" PRIMARY KEY,
    until_us BIGINT NOT NULL
);

-- When some node began a task the last time that one node at a time does now and then.
CREATE TABLE maintenance_runs (
    task       TEXT COLLATE "C" PRIMARY KEY,
    started_us BIGINT NOT NULL
);

-- Whatever begins to count on a blob takes the collector's mark off in its own transaction, whoever writes it: so either
-- it or the collector wins.
CREATE FUNCTION imgsrv_claim_blob() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE blobs SET unreferenced_us = NULL WHERE digest = to_jsonb(NEW) ->> TG_ARGV[0] AND unreferenced_us IS NOT NULL;
    RETURN NULL;
END $$;

CREATE TRIGGER artifacts_claim_blob AFTER INSERT ON artifacts
FOR EACH ROW EXECUTE FUNCTION imgsrv_claim_blob('blob_digest');
CREATE TRIGGER attachments_claim_blob AFTER INSERT ON attachments
FOR EACH ROW EXECUTE FUNCTION imgsrv_claim_blob('blob_digest');
CREATE TRIGGER upload_sessions_claim_blob AFTER INSERT ON upload_sessions
FOR EACH ROW EXECUTE FUNCTION imgsrv_claim_blob('expected_digest');

-- The bytes of a damaged blob may be replaced by sound ones, under another key; nothing else changes.
DROP TRIGGER blobs_update_never ON blobs;
CREATE TRIGGER blobs_update_never BEFORE UPDATE ON blobs
FOR EACH ROW WHEN (OLD.digest IS DISTINCT FROM NEW.digest OR OLD.size IS DISTINCT FROM NEW.size
                   OR (OLD.storage_key IS DISTINCT FROM NEW.storage_key
                       AND (OLD.damaged_us IS NULL OR NEW.damaged_us IS NOT NULL)))
EXECUTE FUNCTION imgsrv_refuse('immutable: a trusted blob');
