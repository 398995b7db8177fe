"""Where the program under test is, and whether tests run in their long form."""
import os
import pathlib

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("IMGSRV_BUILD") or SOURCE / "build/dev").resolve()
BINARY = BUILD / "bin/imgsrv"

# Soak tests: too long for a default run.
LONG_FORM = os.environ.get("IMGSRV_SOAK") == "1"


def clean_environment():
    """Our environment without the tests' IMGSRV_*, which the program would read as settings."""
    return {k: v for k, v in os.environ.items() if not k.startswith("IMGSRV_") and k != "LOG_LEVEL"}
