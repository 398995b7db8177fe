"""Where the program under test is, and in which form tests run."""
import os
import pathlib

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("IMGSRV_BUILD") or SOURCE / "build/dev").resolve()
BINARY = BUILD / "bin/imgsrv"

# Soak tests: as often as it takes, not as a default run can bear.
LONG_FORM = os.environ.get("IMGSRV_SOAK") == "1"


def clean_environment():
    """Ours, without IMGSRV_* of the tests, which the program would take for settings."""
    return {k: v for k, v in os.environ.items() if not k.startswith("IMGSRV_") and k != "LOG_LEVEL"}
