#!/bin/bash
# A throwaway PostgreSQL for tests.
#
#   postgres.sh with COMMAND...   starts one, runs COMMAND with the variables below, stops it, returns COMMAND's status
#   postgres.sh start|stop|restart   for a COMMAND that wants to see it go away (needs IMGSRV_TEST_POSTGRES_DIR)
#
# IMGSRV_TEST_POSTGRES_URL     a superuser's URL over TCP, with TLS available
# IMGSRV_TEST_POSTGRES_LOCKED  host and port part of a URL for the role "locked", who has the password "right"
# IMGSRV_TEST_POSTGRES_DIR     its folder; data/postmaster.pid holds the process id
#
# IMGSRV_TEST_POSTGRES_FSYNC=on makes it durable, for tests that kill it.
set -euo pipefail

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || { echo "postgres.sh: no PostgreSQL server is installed (apt-get install postgresql)" >&2; exit 1; }
fsync=${IMGSRV_TEST_POSTGRES_FSYNC:-off}

# shellcheck source=tests/harness/ports.sh
. "$(dirname "$(readlink -f "$0")")/ports.sh"

# PostgreSQL refuses to run as root.
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

start() { as "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start >/dev/null || { cat "$dir/log" >&2; return 1; }; }
stop() { as "$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 60 stop >/dev/null; }

create() {
    dir=$(mktemp -d /tmp/imgsrv-postgres-XXXXXX)
    [ "$(id -u)" = 0 ] && chown postgres "$dir"
    as "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1 ||
        { cat "$dir/initdb.log" >&2; return 1; }
    as openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -keyout "$dir/data/server.key" -out "$dir/data/server.crt" 2>/dev/null
    as tee "$dir/data/pg_hba.conf" >/dev/null <<EOF
host all locked 127.0.0.1/32 scram-sha-256
local all all trust
host all all 127.0.0.1/32 trust
EOF
    as tee -a "$dir/data/postgresql.conf" >/dev/null <<EOF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir'
ssl = on
fsync = $fsync
full_page_writes = $fsync
synchronous_commit = $fsync
max_connections = 200
EOF
    # Programs that know nothing of the reservation may have the port, so try again.
    for _ in 1 2 3 4 5; do
        reserve_ports
        as tee "$dir/data/postgresql.auto.conf" >/dev/null <<<"port = $port"
        if start 2>/dev/null; then
            as "$bin/createdb" -h "$dir" -p "$port" -U postgres test
            as "$bin/psql" -q -h "$dir" -p "$port" -U postgres -c "CREATE ROLE locked LOGIN PASSWORD 'right'" test
            return 0
        fi
    done
    cat "$dir/log" >&2
    return 1
}

case ${1:-} in
with)
    shift
    create
    trap 'stop || true; rm -rf "$dir"' EXIT  # the command may have stopped it
    IMGSRV_TEST_POSTGRES_DIR=$dir \
    IMGSRV_TEST_POSTGRES_URL="postgresql://postgres@127.0.0.1:$port/test" \
    IMGSRV_TEST_POSTGRES_LOCKED="127.0.0.1:$port" "$@"
    ;;
start | stop) dir=${IMGSRV_TEST_POSTGRES_DIR:?}; "$1" ;;
restart) dir=${IMGSRV_TEST_POSTGRES_DIR:?}; stop; start ;;
*) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
