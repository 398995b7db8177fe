# Sourced by the scripts that start a store of several daemons. They set $daemons, their names in the order in which they are
# stopped, and define
#   is_own FILE      whether a command line is that of one of them
#   start_all PORT   fails when a port is taken
#   make_bucket
# Everything of theirs is in $dir.
# shellcheck shell=bash disable=SC2154

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
    # Free ports: taken by chance are taken by someone else now and then, so try again.
    for _ in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 12000))
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
