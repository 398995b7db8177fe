#!/usr/bin/env bash
# A real LXD daemon without systemd: enough to download, verify and store images (no instances). Needs root.
# LXD_DIR: a scratch folder; CA: the image server's authority, which Go reads from SSL_CERT_FILE.
set -u
export LXD_DIR=${LXD_DIR:?a scratch folder} SSL_CERT_FILE=${CA:?the authority of the image server} SSL_CERT_DIR=/nonexistent
# The daemon contacts public image servers when it starts: anything but loopback goes to a dead port.
export HTTP_PROXY=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9 NO_PROXY=127.0.0.1,localhost
unset http_proxy https_proxy no_proxy
mkdir -p "$LXD_DIR"
setsid lxd --group root --logfile "$LXD_DIR.log" >"$LXD_DIR.out" 2>&1 </dev/null &
echo $! >"$LXD_DIR.pid"
lxd waitready --timeout 180 || {
    tail -n 20 "$LXD_DIR.log" "$LXD_DIR.out" >&2
    exit 1
}
