#!/usr/bin/env bash
# Installs the missing Debian packages of the named sections of dependencies.txt (default: build). Quick, and prints nothing,
# when all are there.
set -euo pipefail

list=$(dirname "$(readlink -f "$0")")/dependencies.txt
(($# > 0)) || set -- build

wanted=()
for section in "$@"; do
    mapfile -t packages < <(awk -v want="[$section]" '/^\[/ {inside = $1 == want; found += inside; next}
        inside && NF && !/^#/ {print $1 ($2 == "|" ? "|" $3 : "")}
        END {exit found == 0}' "$list" || echo '!unknown')
    if [[ ${packages[*]: -1} == '!unknown' ]]; then
        echo "install-dependencies.sh: $list has no section [$section]" >&2
        exit 2
    fi
    wanted+=("${packages[@]}")
done

missing=()
for entry in "${wanted[@]}"; do
    package=${entry%%|*}
    [[ $entry != *'|'* ]] || ! command -v "${entry#*|}" >/dev/null || continue
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $status == installed ]] || missing+=("$package")
done
((${#missing[@]} > 0)) || exit 0

as_root=()
if ((EUID != 0)); then
    command -v sudo >/dev/null || { echo "install-dependencies.sh: not root and no sudo; install as root: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi
echo "installing ${#missing[@]} packages: ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ "${apt[@]}" update && "${apt[@]}" install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    echo "install-dependencies.sh: apt-get failed" >&2
    exit 1
}
