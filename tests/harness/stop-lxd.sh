#!/usr/bin/env bash
# Ends the daemon that start-lxd.sh started in LXD_DIR, and removes the folder.
export LXD_DIR=${LXD_DIR:?a scratch folder}
pid=$(cat "$LXD_DIR.pid" 2>/dev/null) || exit 0
if grep -qa lxd "/proc/$pid/cmdline" 2>/dev/null; then
    lxd shutdown --timeout 10 >/dev/null 2>&1 || kill "$pid"
    for _ in $(seq 100); do
        [ -s "/proc/$pid/cmdline" ] || break
        sleep 0.1
    done
    [ ! -s "/proc/$pid/cmdline" ] || kill -9 "$pid"
fi
for mount in shmounts devlxd; do umount -l "$LXD_DIR/$mount" 2>/dev/null; done
rm -rf "$LXD_DIR" "$LXD_DIR.pid" "$LXD_DIR.log" "$LXD_DIR.out"
