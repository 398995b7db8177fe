#!/usr/bin/env bash
# imgsrv beside nginx and docker-registry: see bench.py.
#   tests/bench/run.sh [BUILD_DIR [ARGUMENT...]]        ROUNDS=5 by default
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
export IMGSRV_BUILD=${1:-$here/../../build/release} PYTHONPATH=$here/.. PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/bench.py" "${@:2}"
