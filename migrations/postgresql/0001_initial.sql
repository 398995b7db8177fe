-- The same schema as migrations/sqlite. Times are microseconds since 1970 UTC; booleans are 0 and 1; ids are UUIDs.
-- Texts are ordered by their bytes, so that lists and pages come in one order on every database.

CREATE TABLE upload_sessions (
    id                TEXT COLLATE "C" PRIMARY KEY,
    expected_digest   TEXT COLLATE "C" NOT NULL,
    expected_size     BIGINT NOT NULL CHECK (expected_size >= 0),
    media_type_hint   TEXT COLLATE "C",
    filename_hint     TEXT COLLATE "C",
    state             TEXT COLLATE "C" NOT NULL CHECK (state IN ('created', 'uploading', 'completed', 'ingesting', 'ready', 'failed', 'aborted')),
    storage_upload_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- The running SHA-256 over parts 1..hashed_parts; empty: nothing hashed yet.
    hash_state        BYTEA,
    hashed_parts      INTEGER NOT NULL DEFAULT 0,
    hashed_bytes      BIGINT NOT NULL DEFAULT 0,
    failure_message   TEXT COLLATE "C",
    created_by        TEXT COLLATE "C",
    created_us        BIGINT NOT NULL,
    updated_us        BIGINT NOT NULL,
    expires_us        BIGINT NOT NULL,
    -- Promotion: who holds it, until when, which attempt, and not before when.
    lease_owner       TEXT COLLATE "C",
    lease_expires_us  BIGINT NOT NULL DEFAULT 0,
    attempt           INTEGER NOT NULL DEFAULT 0,
    not_before_us     BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX upload_sessions_work ON upload_sessions (state, not_before_us);
CREATE INDEX upload_sessions_expiry ON upload_sessions (expires_us);

CREATE TABLE upload_parts (
    upload_id   TEXT COLLATE "C" NOT NULL REFERENCES upload_sessions (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL CHECK (number BETWEEN 1 AND 10000),
    etag        TEXT COLLATE "C" NOT NULL,
    size        BIGINT NOT NULL CHECK (size >= 0),
    received_us BIGINT NOT NULL,
    PRIMARY KEY (upload_id, number)
);

-- Verified bytes. A row here is what makes a blob trusted.
CREATE TABLE blobs (
    digest      TEXT COLLATE "C" PRIMARY KEY,
    size        BIGINT NOT NULL CHECK (size >= 0),
    storage_key TEXT COLLATE "C" NOT NULL,
    created_us  BIGINT NOT NULL
);

CREATE TABLE images (
    id           TEXT COLLATE "C" PRIMARY KEY,
    name         TEXT COLLATE "C" NOT NULL UNIQUE,
    display_name TEXT COLLATE "C",
    description  TEXT COLLATE "C",
    created_us   BIGINT NOT NULL,
    updated_us   BIGINT NOT NULL
);

CREATE TABLE versions (
    id           TEXT COLLATE "C" PRIMARY KEY,
    image_id     TEXT COLLATE "C" NOT NULL REFERENCES images (id),
    version      TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('draft', 'publishing', 'published')),
    published_us BIGINT,
    created_us   BIGINT NOT NULL,
    updated_us   BIGINT NOT NULL,
    UNIQUE (image_id, version),
    CHECK ((state = 'published') = (published_us IS NOT NULL))
);

CREATE TABLE artifacts (
    id               TEXT COLLATE "C" PRIMARY KEY,
    version_id       TEXT COLLATE "C" NOT NULL REFERENCES versions (id),
    operating_system TEXT COLLATE "C" NOT NULL,
    architecture     TEXT COLLATE "C" NOT NULL,
    variant          TEXT COLLATE "C" NOT NULL,
    format           TEXT COLLATE "C" NOT NULL,
    blob_digest      TEXT COLLATE "C" NOT NULL,
    blob_size        BIGINT NOT NULL CHECK (blob_size >= 0),
    media_type       TEXT COLLATE "C" NOT NULL,
    created_us       BIGINT NOT NULL,
    UNIQUE (version_id, operating_system, architecture, variant, format)
);
CREATE INDEX artifacts_blob ON artifacts (blob_digest);

CREATE TABLE attachments (
    id          TEXT COLLATE "C" PRIMARY KEY,
    artifact_id TEXT COLLATE "C" NOT NULL REFERENCES artifacts (id),
    name        TEXT COLLATE "C" NOT NULL,
    media_type  TEXT COLLATE "C" NOT NULL,
    blob_digest TEXT COLLATE "C" NOT NULL,
    blob_size   BIGINT NOT NULL CHECK (blob_size >= 0),
    created_us  BIGINT NOT NULL,
    UNIQUE (artifact_id, name)
);
CREATE INDEX attachments_blob ON attachments (blob_digest);

CREATE TABLE aliases (
    id         TEXT COLLATE "C" PRIMARY KEY,
    image_id   TEXT COLLATE "C" NOT NULL REFERENCES images (id),
    alias      TEXT COLLATE "C" NOT NULL,
    version_id TEXT COLLATE "C" NOT NULL REFERENCES versions (id),
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    UNIQUE (image_id, alias)
);
CREATE INDEX aliases_version ON aliases (version_id);

CREATE TABLE publish_jobs (
    id              TEXT COLLATE "C" PRIMARY KEY,
    version_id      TEXT COLLATE "C" NOT NULL REFERENCES versions (id),
    state           TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'abandoned')),
    failed_step     TEXT COLLATE "C",
    reason          TEXT COLLATE "C",
    failure_message TEXT COLLATE "C",
    started_us      BIGINT,
    finished_us     BIGINT,
    created_us      BIGINT NOT NULL,
    updated_us      BIGINT NOT NULL
);
-- A version has one job at a time; abandoned ones are history.
CREATE UNIQUE INDEX publish_jobs_live ON publish_jobs (version_id) WHERE state <> 'abandoned';
CREATE INDEX publish_jobs_state ON publish_jobs (state);

CREATE TABLE publish_steps (
    id               TEXT COLLATE "C" PRIMARY KEY,
    job_id           TEXT COLLATE "C" NOT NULL REFERENCES publish_jobs (id) ON DELETE CASCADE,
    name             TEXT COLLATE "C" NOT NULL,
    sequence         INTEGER NOT NULL,
    blocking         INTEGER NOT NULL CHECK (blocking IN (0, 1)),
    state            TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'skipped')),
    attempt_count    INTEGER NOT NULL DEFAULT 0,
    lease_owner      TEXT COLLATE "C",
    lease_expires_us BIGINT NOT NULL DEFAULT 0,
    not_before_us    BIGINT NOT NULL DEFAULT 0,
    failure_message  TEXT COLLATE "C",
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
    step       TEXT COLLATE "C" NOT NULL,
    version_id TEXT COLLATE "C" NOT NULL REFERENCES versions (id),
    key        TEXT COLLATE "C" NOT NULL,
    json       TEXT COLLATE "C" NOT NULL,
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
    id           TEXT COLLATE "C" PRIMARY KEY,
    kind         TEXT COLLATE "C" NOT NULL CHECK (kind IN ('user', 'service')),
    display_name TEXT COLLATE "C" NOT NULL,
    attributes   TEXT COLLATE "C",
    issuer       TEXT COLLATE "C",
    subject      TEXT COLLATE "C",
    created_us   BIGINT NOT NULL,
    UNIQUE (issuer, subject),
    CHECK ((issuer IS NULL) = (subject IS NULL))
);

CREATE TABLE principal_roles (
    principal_id TEXT COLLATE "C" NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    role_id      TEXT COLLATE "C" NOT NULL CHECK (role_id IN ('auth-manager', 'content-writer')),
    granted_us   BIGINT NOT NULL,
    PRIMARY KEY (principal_id, role_id)
);

CREATE TABLE api_tokens (
    id           TEXT COLLATE "C" PRIMARY KEY,
    principal_id TEXT COLLATE "C" NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    name         TEXT COLLATE "C",
    verifier     TEXT COLLATE "C" NOT NULL,
    created_us   BIGINT NOT NULL,
    expires_us   BIGINT NOT NULL,
    last_used_us BIGINT,
    revoked_us   BIGINT
);
CREATE INDEX api_tokens_principal ON api_tokens (principal_id);

-- Immutability: what is published never changes, whoever asks.

CREATE FUNCTION imgsrv_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'check_violation';
END $$;

-- The state of the version is read under a lock, so that a publish and an edit cannot pass each other.
CREATE FUNCTION imgsrv_require_draft_version(wanted TEXT) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found TEXT;
BEGIN
    SELECT state INTO found FROM versions WHERE id = wanted FOR SHARE;
    IF found IS DISTINCT FROM 'draft' THEN
        RAISE EXCEPTION 'immutable: a version that is not a draft' USING ERRCODE = 'check_violation';
    END IF;
END $$;

CREATE FUNCTION imgsrv_artifacts_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM imgsrv_require_draft_version(OLD.version_id);
        RETURN OLD;
    END IF;
    PERFORM imgsrv_require_draft_version(NEW.version_id);
    RETURN NEW;
END $$;

CREATE FUNCTION imgsrv_attachments_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM imgsrv_require_draft_version((SELECT version_id FROM artifacts WHERE id = OLD.artifact_id));
        RETURN OLD;
    END IF;
    PERFORM imgsrv_require_draft_version((SELECT version_id FROM artifacts WHERE id = NEW.artifact_id));
    RETURN NEW;
END $$;

CREATE TRIGGER artifacts_draft BEFORE INSERT OR DELETE ON artifacts
FOR EACH ROW EXECUTE FUNCTION imgsrv_artifacts_draft();

CREATE TRIGGER artifacts_update_never BEFORE UPDATE ON artifacts
FOR EACH ROW EXECUTE FUNCTION imgsrv_refuse('immutable: artifacts are added and removed, never changed');

CREATE TRIGGER attachments_draft BEFORE INSERT OR DELETE ON attachments
FOR EACH ROW EXECUTE FUNCTION imgsrv_attachments_draft();

CREATE TRIGGER attachments_update_never BEFORE UPDATE ON attachments
FOR EACH ROW EXECUTE FUNCTION imgsrv_refuse('immutable: attachments are added and removed, never changed');

CREATE FUNCTION imgsrv_versions_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
            RAISE EXCEPTION 'immutable: a version starts as a draft' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'draft' THEN
            RAISE EXCEPTION 'immutable: only a draft can be deleted' USING ERRCODE = 'check_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.state = 'published' THEN
        RAISE EXCEPTION 'immutable: a published version' USING ERRCODE = 'check_violation';
    END IF;
    IF (OLD.id, OLD.image_id, OLD.version) IS DISTINCT FROM (NEW.id, NEW.image_id, NEW.version) THEN
        RAISE EXCEPTION 'immutable: the identity of a version' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state = 'draft' AND NEW.state = 'published' THEN
        RAISE EXCEPTION 'immutable: no such transition of a version' USING ERRCODE = 'check_violation';
    END IF;
    -- A version is published only when every blob it names is trusted and has the size it was declared with.
    IF NEW.state = 'published' AND (
        NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.version_id = NEW.id)
        OR EXISTS (SELECT 1 FROM artifacts a LEFT JOIN blobs b ON b.digest = a.blob_digest AND b.size = a.blob_size
                   WHERE a.version_id = NEW.id AND b.digest IS NULL)
        OR EXISTS (SELECT 1 FROM artifacts a JOIN attachments t ON t.artifact_id = a.id
                   LEFT JOIN blobs b ON b.digest = t.blob_digest AND b.size = t.blob_size
                   WHERE a.version_id = NEW.id AND b.digest IS NULL)) THEN
        RAISE EXCEPTION 'incomplete: a version names a blob that is not trusted' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER versions_rules BEFORE INSERT OR UPDATE OR DELETE ON versions
FOR EACH ROW EXECUTE FUNCTION imgsrv_versions_rules();

CREATE FUNCTION imgsrv_aliases_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM versions v
                   WHERE v.id = NEW.version_id AND v.image_id = NEW.image_id AND v.state = 'published') THEN
        RAISE EXCEPTION 'alias: the target is not a published version of the image' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER aliases_published BEFORE INSERT OR UPDATE ON aliases
FOR EACH ROW EXECUTE FUNCTION imgsrv_aliases_published();

CREATE TRIGGER images_name_fixed BEFORE UPDATE ON images
FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.name IS DISTINCT FROM NEW.name)
EXECUTE FUNCTION imgsrv_refuse('immutable: the name of an image');

CREATE TRIGGER blobs_update_never BEFORE UPDATE ON blobs
FOR EACH ROW WHEN (OLD.digest IS DISTINCT FROM NEW.digest OR OLD.size IS DISTINCT FROM NEW.size
                   OR OLD.storage_key IS DISTINCT FROM NEW.storage_key)
EXECUTE FUNCTION imgsrv_refuse('immutable: a trusted blob');

CREATE FUNCTION imgsrv_blobs_unused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM artifacts a WHERE a.blob_digest = OLD.digest)
       OR EXISTS (SELECT 1 FROM attachments t WHERE t.blob_digest = OLD.digest) THEN
        RAISE EXCEPTION 'referenced: a version names this blob' USING ERRCODE = 'check_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER blobs_delete_unused BEFORE DELETE ON blobs
FOR EACH ROW EXECUTE FUNCTION imgsrv_blobs_unused();
