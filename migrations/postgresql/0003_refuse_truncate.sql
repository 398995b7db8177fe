-- Triggers for each row do not see a TRUNCATE.
CREATE TRIGGER images_truncate_never BEFORE TRUNCATE ON images
EXECUTE FUNCTION imgsrv_refuse('immutable: images are not truncated');
CREATE TRIGGER versions_truncate_never BEFORE TRUNCATE ON versions
EXECUTE FUNCTION imgsrv_refuse('immutable: versions are not truncated');
CREATE TRIGGER artifacts_truncate_never BEFORE TRUNCATE ON artifacts
EXECUTE FUNCTION imgsrv_refuse('immutable: artifacts are not truncated');
CREATE TRIGGER attachments_truncate_never BEFORE TRUNCATE ON attachments
EXECUTE FUNCTION imgsrv_refuse('immutable: attachments are not truncated');
CREATE TRIGGER blobs_truncate_never BEFORE TRUNCATE ON blobs
EXECUTE FUNCTION imgsrv_refuse('immutable: trusted blobs are not truncated');
