"""What is published never changes, whoever writes to the database: stray SQL is refused by triggers."""
import sqlite3

from harness import check


def rows(connection):
    return [connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
            for table in ("versions", "artifacts", "attachments")]


def test_stray_statements(world):
    writer = world.writer
    writer.published("solid", "1", b"solid")
    artifact = world.named["artifact_id"]
    draft = writer.draft("solid", "draft")["id"]
    spare = writer.artifact("solid", "draft", world.named["digest"], len(world.data)).expect(201).json["id"]
    connection = sqlite3.connect(world.server.data / "imgsrv.db", timeout=30, isolation_level=None)
    facts = dict(
        zip(("version_id", "image_id"), connection.execute(
            "SELECT v.id, v.image_id FROM versions v JOIN images i ON i.id = v.image_id WHERE i.name = 'world' AND v.version = '1.0'"
        ).fetchone()), artifact=artifact, attachment=world.named["attachment_id"], draft=draft, spare=spare,
        digest=world.named["digest"], size=len(world.data),
        artifact_row=connection.execute("SELECT rowid FROM artifacts WHERE id = ?", [artifact]).fetchone()[0],
        attachment_row=connection.execute("SELECT rowid FROM attachments WHERE id = ?",
                                          [world.named["attachment_id"]]).fetchone()[0],
        version_row=connection.execute("SELECT v.rowid FROM versions v JOIN artifacts a ON a.version_id = v.id WHERE a.id = ?",
                                       [artifact]).fetchone()[0],
        image_row=connection.execute("SELECT rowid FROM images WHERE name = 'world'").fetchone()[0],
        blob_row=connection.execute("SELECT rowid FROM blobs WHERE digest = ?", [world.named["digest"]]).fetchone()[0])
    new_artifact = "'new', '{0}', 'linux', 'x86_64', 'default', 'qcow2', '{digest}', {size}, 'a/b', 1"
    same_artifact = "'linux', 'x86_64', 'default', 'raw', '{digest}', {size}, 'a/b', 1"
    statements = [
        "UPDATE versions SET version = '2.0' WHERE id = '{version_id}'",
        "UPDATE versions SET state = 'draft', published_us = NULL WHERE id = '{version_id}'",
        "UPDATE versions SET state = 'publishing', published_us = NULL WHERE id = '{version_id}'",
        "UPDATE versions SET published_us = 1 WHERE id = '{version_id}'",
        "UPDATE versions SET updated_us = 1 WHERE id = '{version_id}'",
        "UPDATE versions SET id = 'other' WHERE id = '{version_id}'",
        "UPDATE versions SET image_id = 'other' WHERE id = '{version_id}'",
        "UPDATE OR REPLACE versions SET version = '1.0', image_id = '{image_id}' WHERE id = '{draft}'",
        "UPDATE OR REPLACE versions SET id = '{version_id}' WHERE id = '{draft}'",
        "UPDATE OR REPLACE versions SET rowid = {version_row} WHERE id = '{draft}'",
        "UPDATE versions SET state = 'published', published_us = 1 WHERE id = '{draft}'",
        "DELETE FROM versions WHERE id = '{version_id}'",
        "DELETE FROM versions",
        "INSERT OR REPLACE INTO versions (id, image_id, version, state, created_us, updated_us) "
        "VALUES ('{version_id}', '{image_id}', '1.0', 'draft', 1, 1)",
        "INSERT OR REPLACE INTO versions (id, image_id, version, state, created_us, updated_us) "
        "VALUES ('new', '{image_id}', '1.0', 'draft', 1, 1)",
        "INSERT OR REPLACE INTO versions (id, image_id, version, state, created_us, updated_us) "
        "VALUES ('{version_id}', '{image_id}', '3.0', 'draft', 1, 1)",
        "INSERT OR REPLACE INTO versions (rowid, id, image_id, version, state, created_us, updated_us) "
        "VALUES ({version_row}, 'new', '{image_id}', '3.0', 'draft', 1, 1)",
        "INSERT INTO versions (id, image_id, version, state, published_us, created_us, updated_us) "
        "VALUES ('new', '{image_id}', '3.0', 'published', 1, 1, 1)",
        "UPDATE artifacts SET blob_digest = 'sha256:0' WHERE id = '{artifact}'",
        "UPDATE artifacts SET version_id = '{draft}' WHERE id = '{artifact}'",
        "UPDATE artifacts SET version_id = '{version_id}' WHERE id = '{spare}'",
        "UPDATE artifacts SET media_type = 'x/y'",
        "UPDATE OR REPLACE artifacts SET id = '{artifact}' WHERE id = '{spare}'",
        "DELETE FROM artifacts WHERE id = '{artifact}'",
        "INSERT INTO artifacts VALUES (" + new_artifact.replace("{0}", "{version_id}") + ")",
        "INSERT OR REPLACE INTO artifacts VALUES ('{artifact}', '{version_id}', " + same_artifact + ")",
        "INSERT OR REPLACE INTO artifacts VALUES ('new', '{version_id}', " + same_artifact + ")",
        "INSERT OR REPLACE INTO artifacts VALUES ('{artifact}', '{draft}', 'linux', 'arm', 'default', 'raw', '{digest}', 1, 'a/b', 1)",
        "INSERT OR REPLACE INTO artifacts (rowid, id, version_id, operating_system, architecture, variant, format, "
        "blob_digest, blob_size, media_type, created_us) VALUES ({artifact_row}, 'new', '{draft}', 'linux', 'arm', 'default', "
        "'raw', '{digest}', 1, 'a/b', 1)",
        "UPDATE attachments SET name = 'other' WHERE id = '{attachment}'",
        "UPDATE attachments SET artifact_id = '{spare}' WHERE id = '{attachment}'",
        "DELETE FROM attachments WHERE id = '{attachment}'",
        "INSERT INTO attachments VALUES ('new', '{artifact}', 'new', 'a/b', '{digest}', {size}, 1)",
        "INSERT OR REPLACE INTO attachments VALUES ('new', '{artifact}', 'notes.txt', 'a/b', '{digest}', {size}, 1)",
        "INSERT OR REPLACE INTO attachments VALUES ('{attachment}', '{spare}', 'n', 'a/b', '{digest}', {size}, 1)",
        "INSERT OR REPLACE INTO attachments (rowid, id, artifact_id, name, media_type, blob_digest, blob_size, created_us) "
        "VALUES ({attachment_row}, 'new', '{spare}', 'n', 'a/b', '{digest}', 1, 1)",
        "UPDATE images SET name = 'renamed' WHERE name = 'world'",
        "UPDATE images SET id = 'other' WHERE name = 'world'",
        "DELETE FROM images WHERE name = 'world'",
        "INSERT OR REPLACE INTO images (id, name, created_us, updated_us) VALUES ('{image_id}', 'renamed', 1, 1)",
        "INSERT OR REPLACE INTO images (id, name, created_us, updated_us) VALUES ('new', 'world', 1, 1)",
        "INSERT OR REPLACE INTO images (rowid, id, name, created_us, updated_us) VALUES ({image_row}, 'new', 'new', 1, 1)",
        "UPDATE blobs SET size = 1 WHERE digest = '{digest}'",
        "UPDATE blobs SET digest = 'sha256:0' WHERE digest = '{digest}'",
        "DELETE FROM blobs WHERE digest = '{digest}'",
        "INSERT OR REPLACE INTO blobs VALUES ('{digest}', 1, 'elsewhere', 1)",
        "INSERT OR REPLACE INTO blobs VALUES ('{digest}', {size}, 'elsewhere', 1)",
        "INSERT OR REPLACE INTO blobs (rowid, digest, size, storage_key, created_us) VALUES ({blob_row}, 'sha256:1', 1, 'x', 1)",
        "INSERT INTO aliases VALUES ('new', '{image_id}', 'early', '{draft}', 1, 1)",
        "UPDATE aliases SET version_id = '{draft}' WHERE alias = 'latest'",
    ]
    before = rows(connection)
    manifest = world.anonymous.get("/v1/images/world/versions/1.0").expect(200).body
    for keys in ("ON", "OFF"):
        connection.execute(f"PRAGMA foreign_keys = {keys}")
        for statement in statements:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute(statement.format(**facts))
                outcome = "done"
            except sqlite3.IntegrityError as error:
                outcome = str(error)
            connection.execute("ROLLBACK")
            words = ("immutable", "alias", "incomplete", "referenced") if keys == "OFF" else ("",)
            check.true(outcome != "done" and any(w in outcome for w in words),
                       f"foreign keys {keys}: {statement[:110]}", outcome)
    check.equal(rows(connection), before, "nothing has changed")
    check.equal(world.anonymous.get("/v1/images/world/versions/1.0").body, manifest, "the manifest neither")
    connection.close()


def run(world):
    check.run(test_stray_statements, world)
