"""The id by which a database and its object store know each other."""

# Not among store.keys().
KEY = "imgsrv-store-identity.txt"


def in_database(backends):
    """(id, whether it was put into the store); None when the database has none."""
    rows = backends.database.query("SELECT store_id, placed_us IS NOT NULL FROM store_identity")
    return (rows[0][0], bool(rows[0][1])) if rows else None


def in_store(store):
    """None when the store has none."""
    try:
        text = store.read(KEY).decode()
    except (AssertionError, FileNotFoundError):
        return None
    return text.split("\n")[0].removeprefix("imgsrv object store ")
