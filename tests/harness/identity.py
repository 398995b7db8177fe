"""The id that a database and its object store both bear."""

# Store.keys() does not tell it.
KEY = "imgsrv-store-identity.txt"


def known(backends):
    """(id, whether the store was given it) by the database's word; None: it has none."""
    rows = backends.database.query("SELECT store_id, placed_us IS NOT NULL FROM store_identity")
    return (rows[0][0], bool(rows[0][1])) if rows else None


def borne(store):
    """By the store; None: it has none."""
    try:
        text = store.read(KEY).decode()
    except (AssertionError, FileNotFoundError):
        return None
    return text.split("\n")[0].removeprefix("imgsrv object store ")
