# Sourced by scripts that start servers. See ports.py, which shares out ports in the same way.
# shellcheck shell=bash

# Sets $port to the first of 64 ports that are this script's, and its servers', until all of them have ended.
reserve_ports() {
    local lock folder=/tmp/imgsrv-test-ports-$EUID
    mkdir -p "$folder"
    while :; do
        port=$((10000 + 64 * (RANDOM % 343)))
        exec {lock}<>"$folder/$port"
        flock -n "$lock" && return
        exec {lock}>&-
    done
}
