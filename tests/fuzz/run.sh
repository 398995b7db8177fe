#!/usr/bin/env bash
# run.sh FUZZER SEEDS: runs it for IMGSRV_FUZZ_SECONDS (30) seconds, from the files in SEEDS and what earlier runs found,
# which stays beside the fuzzer. An input that it stumbles over is left there too.
set -euo pipefail
fuzzer=$1 seeds=$2
found=$fuzzer.corpus
mkdir -p "$found"
exec "$fuzzer" -max_total_time="${IMGSRV_FUZZ_SECONDS:-30}" -timeout=5 -rss_limit_mb=1024 -max_len=20000 -print_final_stats=1 \
    -artifact_prefix="$fuzzer-" -dict="$seeds.dict" -verbosity=0 "$found" "$seeds"
