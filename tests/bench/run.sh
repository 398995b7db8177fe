#!/usr/bin/env bash
# imgsrv beside nginx and docker-registry on this machine, in turn, in one run: medians, ratios, CPU seconds, peak memory.
#   tests/bench/run.sh [BUILD_DIR]        ROUNDS=5 by default
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
exec python3 "$here/bench.py" "${1:-$here/../../build/release}"
