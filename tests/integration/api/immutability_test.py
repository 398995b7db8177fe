"""Published data never changes: triggers refuse stray SQL from any client of the database."""
from harness import pair
from harness.checks import check

NEW_ARTIFACT = "'new', '{version_id}', 'linux', 'x86_64', 'default', 'qcow2', '{digest}', {size}, 'a/b', 1"
SAME_ARTIFACT = "'linux', 'x86_64', 'default', 'raw', '{digest}', {size}, 'a/b', 1"

STATEMENTS = [
    "UPDATE versions SET version = '2.0' WHERE id = '{version_id}'",
    "UPDATE versions SET state = 'draft', published_us = NULL WHERE id = '{version_id}'",
    "UPDATE versions SET state = 'publishing', published_us = NULL WHERE id = '{version_id}'",
    "UPDATE versions SET published_us = 1 WHERE id = '{version_id}'",
    "UPDATE versions SET updated_us = 1 WHERE id = '{version_id}'",
    "UPDATE versions SET id = 'other' WHERE id = '{version_id}'",
    "UPDATE versions SET image_id = 'other' WHERE id = '{version_id}'",
    "UPDATE versions SET state = 'published', published_us = 1 WHERE id = '{draft}'",
    "DELETE FROM versions WHERE id = '{version_id}'",
    "DELETE FROM versions",
    "INSERT INTO versions (id, image_id, version, state, published_us, created_us, updated_us) "
    "VALUES ('new', '{image_id}', '3.0', 'published', 1, 1, 1)",
    "UPDATE artifacts SET blob_digest = 'sha256:0' WHERE id = '{artifact}'",
    "UPDATE artifacts SET version_id = '{draft}' WHERE id = '{artifact}'",
    "UPDATE artifacts SET version_id = '{version_id}' WHERE id = '{spare}'",
    "UPDATE artifacts SET media_type = 'x/y'",
    "DELETE FROM artifacts WHERE id = '{artifact}'",
    "INSERT INTO artifacts VALUES (" + NEW_ARTIFACT + ")",
    "UPDATE attachments SET name = 'other' WHERE id = '{attachment}'",
    "UPDATE attachments SET artifact_id = '{spare}' WHERE id = '{attachment}'",
    "DELETE FROM attachments WHERE id = '{attachment}'",
    "INSERT INTO attachments VALUES ('new', '{artifact}', 'new', 'a/b', '{digest}', {size}, 1)",
    "UPDATE images SET name = 'renamed' WHERE name = 'world'",
    "UPDATE images SET id = 'other' WHERE name = 'world'",
    "DELETE FROM images WHERE name = 'world'",
    "UPDATE blobs SET size = 1 WHERE digest = '{digest}'",
    "UPDATE blobs SET digest = 'sha256:0' WHERE digest = '{digest}'",
    "DELETE FROM blobs WHERE digest = '{digest}'",
    "INSERT INTO aliases VALUES ('new', '{image_id}', 'early', '{draft}', 1, 1)",
    "UPDATE aliases SET version_id = '{draft}' WHERE alias = 'latest'",
]

# Ways around that exist only in SQLite.
SQLITE_STATEMENTS = [
    "UPDATE OR REPLACE versions SET version = '1.0', image_id = '{image_id}' WHERE id = '{draft}'",
    "UPDATE OR REPLACE versions SET id = '{version_id}' WHERE id = '{draft}'",
    "UPDATE OR REPLACE versions SET rowid = {version_row} WHERE id = '{draft}'",
    "INSERT OR REPLACE INTO versions (id, image_id, version, state, created_us, updated_us) "
    "VALUES ('{version_id}', '{image_id}', '1.0', 'draft', 1, 1)",
    "INSERT OR REPLACE INTO versions (id, image_id, version, state, created_us, updated_us) "
    "VALUES ('new', '{image_id}', '1.0', 'draft', 1, 1)",
    "INSERT OR REPLACE INTO versions (id, image_id, version, state, created_us, updated_us) "
    "VALUES ('{version_id}', '{image_id}', '3.0', 'draft', 1, 1)",
    "INSERT OR REPLACE INTO versions (rowid, id, image_id, version, state, created_us, updated_us) "
    "VALUES ({version_row}, 'new', '{image_id}', '3.0', 'draft', 1, 1)",
    "UPDATE OR REPLACE artifacts SET id = '{artifact}' WHERE id = '{spare}'",
    "INSERT OR REPLACE INTO artifacts VALUES ('{artifact}', '{version_id}', " + SAME_ARTIFACT + ")",
    "INSERT OR REPLACE INTO artifacts VALUES ('new', '{version_id}', " + SAME_ARTIFACT + ")",
    "INSERT OR REPLACE INTO artifacts VALUES ('{artifact}', '{draft}', 'linux', 'arm', 'default', 'raw', '{digest}', 1, 'a/b', 1)",
    "INSERT OR REPLACE INTO artifacts (rowid, id, version_id, operating_system, architecture, variant, format, "
    "blob_digest, blob_size, media_type, created_us) VALUES ({artifact_row}, 'new', '{draft}', 'linux', 'arm', 'default', "
    "'raw', '{digest}', 1, 'a/b', 1)",
    "INSERT OR REPLACE INTO attachments VALUES ('new', '{artifact}', 'notes.txt', 'a/b', '{digest}', {size}, 1)",
    "INSERT OR REPLACE INTO attachments VALUES ('{attachment}', '{spare}', 'n', 'a/b', '{digest}', {size}, 1)",
    "INSERT OR REPLACE INTO attachments (rowid, id, artifact_id, name, media_type, blob_digest, blob_size, created_us) "
    "VALUES ({attachment_row}, 'new', '{spare}', 'n', 'a/b', '{digest}', 1, 1)",
    "INSERT OR REPLACE INTO images (id, name, created_us, updated_us) VALUES ('{image_id}', 'renamed', 1, 1)",
    "INSERT OR REPLACE INTO images (id, name, created_us, updated_us) VALUES ('new', 'world', 1, 1)",
    "INSERT OR REPLACE INTO images (rowid, id, name, created_us, updated_us) VALUES ({image_row}, 'new', 'new', 1, 1)",
    "INSERT OR REPLACE INTO blobs (digest, size, storage_key, created_us) VALUES ('{digest}', 1, 'elsewhere', 1)",
    "INSERT OR REPLACE INTO blobs (digest, size, storage_key, created_us) VALUES ('{digest}', {size}, 'elsewhere', 1)",
    "INSERT OR REPLACE INTO blobs (rowid, digest, size, storage_key, created_us) VALUES ({blob_row}, 'sha256:1', 1, 'x', 1)",
]

# And only in PostgreSQL.
POSTGRES_STATEMENTS = [
    "UPDATE versions SET (id, version) = ('{version_id}', '1.0') WHERE id = '{draft}'",
    "INSERT INTO versions (id, image_id, version, state, created_us, updated_us) VALUES ('{version_id}', '{image_id}', '1.0', "
    "'draft', 1, 1) ON CONFLICT (id) DO UPDATE SET state = 'draft', published_us = NULL",
    "INSERT INTO artifacts VALUES ('{artifact}', '{draft}', " + SAME_ARTIFACT + ") ON CONFLICT (id) DO UPDATE SET media_type = 'x/y'",
    "INSERT INTO blobs (digest, size, storage_key, created_us) VALUES ('{digest}', 1, 'elsewhere', 1) "
    "ON CONFLICT (digest) DO UPDATE SET storage_key = 'elsewhere'",
    "INSERT INTO images (id, name, created_us, updated_us) VALUES ('{image_id}', 'renamed', 1, 1) "
    "ON CONFLICT (id) DO UPDATE SET name = 'renamed'",
    "MERGE INTO versions v USING (SELECT 1) s ON v.id = '{version_id}' WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM attachments WHERE id = '{attachment}' RETURNING id) SELECT * FROM gone",
    "TRUNCATE attachments",
    "TRUNCATE artifacts CASCADE",
    "TRUNCATE versions CASCADE",
    "TRUNCATE images CASCADE",
    "TRUNCATE blobs",
]


def rows(database):
    return [database.query(f"SELECT * FROM {table} ORDER BY id") for table in ("versions", "artifacts", "attachments")]


def test_stray_statements(world):
    writer, database = world.writer, world.server.backends.database
    writer.published("solid", "1", b"solid")
    artifact, attachment, digest = (world.named[name] for name in ("artifact_id", "attachment_id", "digest"))
    draft = writer.draft("solid", "draft")["id"]
    spare = writer.artifact("solid", "draft", digest, len(world.data)).expect(201).json["id"]
    (version_id, image_id), = database.query(
        "SELECT v.id, v.image_id FROM versions v JOIN images i ON i.id = v.image_id WHERE i.name = 'world' AND v.version = '1.0'")
    facts = {"version_id": version_id, "image_id": image_id, "artifact": artifact, "attachment": attachment, "draft": draft,
             "spare": spare, "digest": digest, "size": len(world.data)}
    if pair.EMBEDDED:
        for name, table, column, value in (("version_row", "versions", "id", version_id),
                                           ("artifact_row", "artifacts", "id", artifact),
                                           ("attachment_row", "attachments", "id", attachment),
                                           ("image_row", "images", "id", image_id), ("blob_row", "blobs", "digest", digest)):
            (facts[name],), = database.query(f"SELECT rowid FROM {table} WHERE {column} = '{value}'")
    before = rows(database)
    manifest = world.anonymous.get("/v1/images/world/versions/1.0").expect(200).body
    own_words = ("immutable", "alias", "incomplete", "referenced")
    for statement in STATEMENTS + (SQLITE_STATEMENTS if pair.EMBEDDED else POSTGRES_STATEMENTS):
        refusal = database.refusal(statement.format(**facts))
        check.true(refusal, f"not refused: {statement[:110]}")
        if pair.EMBEDDED:  # where foreign keys may be off
            refusal = database.refusal(statement.format(**facts), foreign_keys=False) or ""
            check.true(any(w in refusal for w in own_words), f"foreign keys off: {statement[:110]}", refusal)
    check.equal(rows(database), before, "nothing has changed")
    check.equal(world.anonymous.get("/v1/images/world/versions/1.0").body, manifest, "the manifest neither")


def run(world):
    check.run(test_stray_statements, world)
