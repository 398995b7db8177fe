# Sourced by the scripts that start a store of several daemons. They set $daemons, the daemons' names in the order in which
# to stop them, and define
#   is_own FILE      whether FILE holds the command line of one of them
#   start_all PORT   fails when a port is taken
#   make_bucket
# All their files are in $dir.
# shellcheck shell=bash disable=SC2154

# shellcheck source=tests/harness/ports.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/ports.sh"

# A zombie's command line is empty.
alive() { [ -f "$dir/$1.pid" ] && is_own "/proc/$(cat "$dir/$1.pid")/cmdline" 2>/dev/null; }

# daemon NAME COMMAND...
daemon() {
    local name=$1
    shift
    setsid "$@" >>"$dir/log/$name.out" 2>&1 </dev/null &
    echo $! >"$dir/$name.pid"
    disown
}

# end NAME
end() {
    alive "$1" || return 0
    kill -9 "$(cat "$dir/$1.pid")"
    while alive "$1"; do sleep 0.02; done
    rm -f "$dir/$1.pid"
}

stop_all() {
    local name
    for name in $daemons; do end "$name"; done
}

create() {
    # Programs that know nothing of the reservation may have a port, so try again.
    for _ in 1 2 3 4 5; do
        reserve_ports
        IMGSRV_TEST_S3_ENDPOINT=http://127.0.0.1:$port
        if start_all "$port"; then
            make_bucket
            return
        fi
        stop_all
    done
    tail -n 20 "$dir"/log/* >&2
    return 1
}

# with_store NAME COMMAND...: the command's status
with_store() {
    dir=$(mktemp -d "/tmp/imgsrv-$1-XXXXXX")
    shift
    trap 'stop_all; rm -rf "$dir"' EXIT
    create
    export IMGSRV_TEST_S3_ENDPOINT
    "$@"
}
