-- Times are microseconds since 1970 UTC; booleans are 0 and 1; ids are UUIDs.

CREATE TABLE upload_sessions (
    id                TEXT PRIMARY KEY,
    expected_digest   TEXT NOT NULL,
    expected_size     BIGINT NOT NULL CHECK (expected_size >= 0),
    media_type_hint   TEXT,
    filename_hint     TEXT,
    state             TEXT NOT NULL CHECK (state IN ('created', 'uploading', 'completed', 'ingesting', 'ready', 'failed', 'aborted')),
    storage_upload_id TEXT NOT NULL DEFAULT '',
    -- The running SHA-256 over parts 1..hashed_parts; empty: nothing hashed yet.
    hash_state        BLOB,
    hashed_parts      INTEGER NOT NULL DEFAULT 0,
    hashed_bytes      BIGINT NOT NULL DEFAULT 0,
    failure_message   TEXT,
    created_by        TEXT,
    created_us        BIGINT NOT NULL,
    updated_us        BIGINT NOT NULL,
    expires_us        BIGINT NOT NULL,
    -- Promotion: who holds it, until when, which attempt, and not before when.
    lease_owner       TEXT,
    lease_expires_us  BIGINT NOT NULL DEFAULT 0,
    attempt           INTEGER NOT NULL DEFAULT 0,
    not_before_us     BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX upload_sessions_work ON upload_sessions (state, not_before_us);
CREATE INDEX upload_sessions_expiry ON upload_sessions (expires_us);

CREATE TABLE upload_parts (
    upload_id   TEXT NOT NULL REFERENCES upload_sessions (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL CHECK (number BETWEEN 1 AND 10000),
    etag        TEXT NOT NULL,
    size        BIGINT NOT NULL CHECK (size >= 0),
    received_us BIGINT NOT NULL,
    PRIMARY KEY (upload_id, number)
);

-- Verified bytes. A row here is what makes a blob trusted.
CREATE TABLE blobs (
    digest      TEXT PRIMARY KEY,
    size        BIGINT NOT NULL CHECK (size >= 0),
    storage_key TEXT NOT NULL,
    created_us  BIGINT NOT NULL
);

CREATE TABLE images (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    display_name TEXT,
    description  TEXT,
    created_us   BIGINT NOT NULL,
    updated_us   BIGINT NOT NULL
);

CREATE TABLE versions (
    id           TEXT PRIMARY KEY,
    image_id     TEXT NOT NULL REFERENCES images (id),
    version      TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('draft', 'publishing', 'published')),
    published_us BIGINT,
    created_us   BIGINT NOT NULL,
    updated_us   BIGINT NOT NULL,
    UNIQUE (image_id, version),
    CHECK ((state = 'published') = (published_us IS NOT NULL))
);

CREATE TABLE artifacts (
    id               TEXT PRIMARY KEY,
    version_id       TEXT NOT NULL REFERENCES versions (id),
    operating_system TEXT NOT NULL,
    architecture     TEXT NOT NULL,
    variant          TEXT NOT NULL,
    format           TEXT NOT NULL,
    blob_digest      TEXT NOT NULL,
    blob_size        BIGINT NOT NULL CHECK (blob_size >= 0),
    media_type       TEXT NOT NULL,
    created_us       BIGINT NOT NULL,
    UNIQUE (version_id, operating_system, architecture, variant, format)
);
CREATE INDEX artifacts_blob ON artifacts (blob_digest);

CREATE TABLE attachments (
    id          TEXT PRIMARY KEY,
    artifact_id TEXT NOT NULL REFERENCES artifacts (id),
    name        TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    blob_digest TEXT NOT NULL,
    blob_size   BIGINT NOT NULL CHECK (blob_size >= 0),
    created_us  BIGINT NOT NULL,
    UNIQUE (artifact_id, name)
);
CREATE INDEX attachments_blob ON attachments (blob_digest);

CREATE TABLE aliases (
    id         TEXT PRIMARY KEY,
    image_id   TEXT NOT NULL REFERENCES images (id),
    alias      TEXT NOT NULL,
    version_id TEXT NOT NULL REFERENCES versions (id),
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    UNIQUE (image_id, alias)
);
CREATE INDEX aliases_version ON aliases (version_id);

CREATE TABLE publish_jobs (
    id              TEXT PRIMARY KEY,
    version_id      TEXT NOT NULL REFERENCES versions (id),
    state           TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'abandoned')),
    failed_step     TEXT,
    reason          TEXT,
    failure_message TEXT,
    started_us      BIGINT,
    finished_us     BIGINT,
    created_us      BIGINT NOT NULL,
    updated_us      BIGINT NOT NULL
);
-- A version has one job at a time; abandoned ones are history.
CREATE UNIQUE INDEX publish_jobs_live ON publish_jobs (version_id) WHERE state <> 'abandoned';
CREATE INDEX publish_jobs_state ON publish_jobs (state);

CREATE TABLE publish_steps (
    id               TEXT PRIMARY KEY,
    job_id           TEXT NOT NULL REFERENCES publish_jobs (id) ON DELETE CASCADE,
    name             TEXT NOT NULL,
    sequence         INTEGER NOT NULL,
    blocking         INTEGER NOT NULL CHECK (blocking IN (0, 1)),
    state            TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'skipped')),
    attempt_count    INTEGER NOT NULL DEFAULT 0,
    lease_owner      TEXT,
    lease_expires_us BIGINT NOT NULL DEFAULT 0,
    not_before_us    BIGINT NOT NULL DEFAULT 0,
    failure_message  TEXT,
    progress_done    BIGINT NOT NULL DEFAULT 0,
    progress_total   BIGINT NOT NULL DEFAULT 0,
    queued_us        BIGINT NOT NULL,
    started_us       BIGINT,
    finished_us      BIGINT,
    UNIQUE (job_id, sequence)
);
CREATE INDEX publish_steps_work ON publish_steps (state);

-- What publish steps derived from a version. The rows of a version that is not published are not shown.
CREATE TABLE projection_rows (
    step       TEXT NOT NULL,
    version_id TEXT NOT NULL REFERENCES versions (id),
    key        TEXT NOT NULL,
    json       TEXT NOT NULL,
    row_schema INTEGER NOT NULL,
    PRIMARY KEY (step, version_id, key)
);
CREATE INDEX projection_rows_version ON projection_rows (version_id);

-- Goes up by one with every change that an anonymous reader can see.
CREATE TABLE catalogue_generation (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation BIGINT NOT NULL
);
INSERT INTO catalogue_generation (id, generation) VALUES (1, 1);

CREATE TABLE principals (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL CHECK (kind IN ('user', 'service')),
    display_name TEXT NOT NULL,
    attributes   TEXT,
    issuer       TEXT,
    subject      TEXT,
    created_us   BIGINT NOT NULL,
    UNIQUE (issuer, subject),
    CHECK ((issuer IS NULL) = (subject IS NULL))
);

CREATE TABLE principal_roles (
    principal_id TEXT NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    role_id      TEXT NOT NULL CHECK (role_id IN ('auth-manager', 'content-writer')),
    granted_us   BIGINT NOT NULL,
    PRIMARY KEY (principal_id, role_id)
);

CREATE TABLE api_tokens (
    id           TEXT PRIMARY KEY,
    principal_id TEXT NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    name         TEXT,
    verifier     TEXT NOT NULL,
    created_us   BIGINT NOT NULL,
    expires_us   BIGINT NOT NULL,
    last_used_us BIGINT,
    revoked_us   BIGINT
);
CREATE INDEX api_tokens_principal ON api_tokens (principal_id);

-- Immutability: what is published never changes, whoever asks.
--
-- INSERT OR REPLACE and UPDATE OR REPLACE remove the rows they collide with, by any key or by rowid, without the triggers
-- for DELETE: so each table refuses to collide with a row that must stay. (NEW.rowid is -1 when none was given.)

CREATE TRIGGER artifacts_insert_draft BEFORE INSERT ON artifacts
WHEN (SELECT state FROM versions WHERE id = NEW.version_id) IS NOT 'draft'
  OR EXISTS (SELECT 1 FROM artifacts a WHERE a.id = NEW.id OR a.rowid = NEW.rowid)
BEGIN SELECT RAISE(ABORT, 'immutable: artifacts of a version that is not a draft'); END;

CREATE TRIGGER artifacts_update_never BEFORE UPDATE ON artifacts
BEGIN SELECT RAISE(ABORT, 'immutable: artifacts are added and removed, never changed'); END;

CREATE TRIGGER artifacts_delete_draft BEFORE DELETE ON artifacts
WHEN (SELECT state FROM versions WHERE id = OLD.version_id) IS NOT 'draft'
BEGIN SELECT RAISE(ABORT, 'immutable: artifacts of a version that is not a draft'); END;

CREATE TRIGGER attachments_insert_draft BEFORE INSERT ON attachments
WHEN (SELECT v.state FROM artifacts a JOIN versions v ON v.id = a.version_id WHERE a.id = NEW.artifact_id) IS NOT 'draft'
  OR EXISTS (SELECT 1 FROM attachments t WHERE t.id = NEW.id OR t.rowid = NEW.rowid)
BEGIN SELECT RAISE(ABORT, 'immutable: attachments of a version that is not a draft'); END;

CREATE TRIGGER attachments_update_never BEFORE UPDATE ON attachments
BEGIN SELECT RAISE(ABORT, 'immutable: attachments are added and removed, never changed'); END;

CREATE TRIGGER attachments_delete_draft BEFORE DELETE ON attachments
WHEN (SELECT v.state FROM artifacts a JOIN versions v ON v.id = a.version_id WHERE a.id = OLD.artifact_id) IS NOT 'draft'
BEGIN SELECT RAISE(ABORT, 'immutable: attachments of a version that is not a draft'); END;

CREATE TRIGGER versions_insert_draft BEFORE INSERT ON versions
WHEN NEW.state <> 'draft'
  OR EXISTS (SELECT 1 FROM versions v WHERE v.id = NEW.id OR v.rowid = NEW.rowid
             OR (v.image_id = NEW.image_id AND v.version = NEW.version AND v.state <> 'draft'))
BEGIN SELECT RAISE(ABORT, 'immutable: a version starts as a draft'); END;

CREATE TRIGGER versions_identity BEFORE UPDATE ON versions
WHEN OLD.id IS NOT NEW.id OR OLD.image_id IS NOT NEW.image_id OR OLD.version IS NOT NEW.version
  OR OLD.rowid IS NOT NEW.rowid
BEGIN SELECT RAISE(ABORT, 'immutable: the identity of a version'); END;

CREATE TRIGGER versions_published_final BEFORE UPDATE ON versions
WHEN OLD.state = 'published'
BEGIN SELECT RAISE(ABORT, 'immutable: a published version'); END;

CREATE TRIGGER versions_transition BEFORE UPDATE OF state ON versions
WHEN NOT ((OLD.state = 'draft' AND NEW.state IN ('draft', 'publishing'))
       OR (OLD.state = 'publishing' AND NEW.state IN ('publishing', 'published', 'draft')))
BEGIN SELECT RAISE(ABORT, 'immutable: no such transition of a version'); END;

-- A version is published only when every blob it names is trusted and has the size it was declared with.
CREATE TRIGGER versions_publish_complete BEFORE UPDATE OF state ON versions
WHEN NEW.state = 'published' AND (
    NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.version_id = NEW.id)
    OR EXISTS (SELECT 1 FROM artifacts a LEFT JOIN blobs b ON b.digest = a.blob_digest AND b.size = a.blob_size
               WHERE a.version_id = NEW.id AND b.digest IS NULL)
    OR EXISTS (SELECT 1 FROM artifacts a JOIN attachments t ON t.artifact_id = a.id
               LEFT JOIN blobs b ON b.digest = t.blob_digest AND b.size = t.blob_size
               WHERE a.version_id = NEW.id AND b.digest IS NULL))
BEGIN SELECT RAISE(ABORT, 'incomplete: a version names a blob that is not trusted'); END;

CREATE TRIGGER versions_delete_draft BEFORE DELETE ON versions
WHEN OLD.state <> 'draft'
BEGIN SELECT RAISE(ABORT, 'immutable: only a draft can be deleted'); END;

CREATE TRIGGER aliases_insert_published BEFORE INSERT ON aliases
WHEN NOT EXISTS (SELECT 1 FROM versions v WHERE v.id = NEW.version_id AND v.image_id = NEW.image_id AND v.state = 'published')
BEGIN SELECT RAISE(ABORT, 'alias: the target is not a published version of the image'); END;

CREATE TRIGGER aliases_update_published BEFORE UPDATE ON aliases
WHEN NOT EXISTS (SELECT 1 FROM versions v WHERE v.id = NEW.version_id AND v.image_id = NEW.image_id AND v.state = 'published')
BEGIN SELECT RAISE(ABORT, 'alias: the target is not a published version of the image'); END;

CREATE TRIGGER images_insert_new BEFORE INSERT ON images
WHEN EXISTS (SELECT 1 FROM images i WHERE i.id = NEW.id OR i.name = NEW.name OR i.rowid = NEW.rowid)
BEGIN SELECT RAISE(ABORT, 'immutable: an image that is there already'); END;

CREATE TRIGGER images_name_fixed BEFORE UPDATE ON images
WHEN OLD.id IS NOT NEW.id OR OLD.name IS NOT NEW.name OR OLD.rowid IS NOT NEW.rowid
BEGIN SELECT RAISE(ABORT, 'immutable: the name of an image'); END;

CREATE TRIGGER images_delete_unused BEFORE DELETE ON images
WHEN EXISTS (SELECT 1 FROM versions v WHERE v.image_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'referenced: the image has versions'); END;

-- The same row once more does no harm: two uploads of one blob may end at the same time.
CREATE TRIGGER blobs_insert_new BEFORE INSERT ON blobs
WHEN EXISTS (SELECT 1 FROM blobs b WHERE (b.digest = NEW.digest AND (b.size IS NOT NEW.size OR b.storage_key IS NOT NEW.storage_key))
             OR (b.rowid = NEW.rowid AND b.digest IS NOT NEW.digest))
BEGIN SELECT RAISE(ABORT, 'immutable: a trusted blob'); END;

CREATE TRIGGER blobs_update_never BEFORE UPDATE ON blobs
WHEN OLD.digest IS NOT NEW.digest OR OLD.size IS NOT NEW.size OR OLD.storage_key IS NOT NEW.storage_key
  OR OLD.rowid IS NOT NEW.rowid
BEGIN SELECT RAISE(ABORT, 'immutable: a trusted blob'); END;

CREATE TRIGGER blobs_delete_unused BEFORE DELETE ON blobs
WHEN EXISTS (SELECT 1 FROM artifacts a WHERE a.blob_digest = OLD.digest)
  OR EXISTS (SELECT 1 FROM attachments t WHERE t.blob_digest = OLD.digest)
BEGIN SELECT RAISE(ABORT, 'referenced: a version names this blob'); END;
