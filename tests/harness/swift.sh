#!/bin/bash
# A throwaway OpenStack Swift with its S3 interface for tests, on loopback: stricter than others in places (no conditional
# PUT, no aws-chunked).
#
#   swift.sh with COMMAND...   starts one, runs COMMAND with the variables below, stops it, returns COMMAND's status
#
# IMGSRV_TEST_S3_ENDPOINT, …_BUCKET, …_ACCESS_KEY, …_SECRET_KEY, …_REGION    a bucket of its own
# IMGSRV_TEST_S3_OTHER_ACCESS_KEY, …_OTHER_SECRET_KEY                        a user who may not use the bucket
set -euo pipefail
export IMGSRV_TEST_S3_BUCKET=imgsrv-test IMGSRV_TEST_S3_REGION=us-east-1
export IMGSRV_TEST_S3_ACCESS_KEY=test:tester IMGSRV_TEST_S3_SECRET_KEY=testing
export IMGSRV_TEST_S3_OTHER_ACCESS_KEY=test2:tester2 IMGSRV_TEST_S3_OTHER_SECRET_KEY=testing2

for program in swift-proxy-server swift-account-server swift-container-server swift-object-server memcached; do
    command -v $program >/dev/null || {
        echo "swift.sh: $program is missing (apt-get install --no-install-recommends swift-proxy swift-account" \
            "swift-container swift-object memcached)" >&2
        exit 1
    }
done

daemons="proxy account container object memcached"
is_own() { grep -qaE 'swift-|memcached' "$1"; }
# shellcheck source=tests/harness/daemons.sh
. "$(dirname "$(readlink -f "$0")")/daemons.sh"

configure() { # PORT: the proxy's; those after it are the other daemons'
    local name port=$1
    cat >"$dir/swift.conf" <<EOF
[swift-hash]
swift_hash_path_suffix = test
swift_hash_path_prefix = test
[storage-policy:0]
name = one
default = yes
EOF
    # Debian's Python, whose packages Swift belongs to. One process is much quicker than nine of swift-ring-builder.
    /usr/bin/python3 - "$dir" "$port" >"$dir/log/rings" 2>&1 <<'EOF'
import sys
from swift.common.ring import RingBuilder

folder, port = sys.argv[1], int(sys.argv[2])
for n, name in enumerate(("account", "container", "object"), 1):
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=1)
    place = {"region": 1, "zone": 1, "device": "d1", "weight": 1, "meta": ""}
    builder.add_dev({**place, **{f"{kind}ip": "127.0.0.1" for kind in ("", "replication_")},
                     **{f"{kind}port": port + n for kind in ("", "replication_")}})
    builder.rebalance()
    builder.get_ring().save(f"{folder}/{name}.ring.gz")
EOF
    for name in account container object; do
        port=$((port + 1))
        cat >"$dir/$name.conf" <<EOF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
user = $(id -un)
workers = 0
swift_dir = $dir
devices = $dir/devices
mount_check = false
fallocate_reserve = 0
log_name = $name
log_address = /nonexistent
log_level = WARNING
[pipeline:main]
pipeline = $name-server
[app:$name-server]
use = egg:swift#$name
disk_chunk_size = 1048576
network_chunk_size = 1048576
EOF
    done
    cat >"$dir/proxy.conf" <<EOF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $1
user = $(id -un)
workers = 0
swift_dir = $dir
log_name = proxy
log_address = /nonexistent
log_level = WARNING
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache s3api tempauth copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
client_chunk_size = 1048576
object_chunk_size = 1048576
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$(($1 + 4))
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
check_bucket_owner = false
min_segment_size = 5242880
max_upload_part_num = 10000
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
user_test2_tester2 = testing2 .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
EOF
}

answers() { [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 2 "$IMGSRV_TEST_S3_ENDPOINT/healthcheck")" = 200 ]; }

start_all() { # PORT
    local name
    rm -rf "$dir"/*
    mkdir -p "$dir/devices/d1" "$dir/log"
    configure "$1"
    daemon memcached memcached -l 127.0.0.1 -p $(($1 + 4)) -u "$(id -un)" -m 64
    for name in account container object proxy; do daemon $name swift-$name-server "$dir/$name.conf" -v; done
    for _ in $(seq 1200); do
        for name in $daemons; do alive "$name" || return 1; done
        answers && return 0
        sleep 0.05
    done
    return 1
}

make_bucket() {
    local token
    # By Swift's own interface: curl takes the colon in an access key for the end of it.
    token=$(curl -fsS -D - -o /dev/null -H "X-Storage-User: $IMGSRV_TEST_S3_ACCESS_KEY" \
        -H "X-Storage-Pass: $IMGSRV_TEST_S3_SECRET_KEY" "$IMGSRV_TEST_S3_ENDPOINT/auth/v1.0" |
        sed -n 's/^X-Auth-Token: \(.*\)\r$/\1/p')
    # The storage daemons may come up after the proxy.
    curl -fsS -o /dev/null -X PUT --retry 60 --retry-all-errors --retry-delay 1 -H "X-Auth-Token: $token" \
        "$IMGSRV_TEST_S3_ENDPOINT/v1/AUTH_test/$IMGSRV_TEST_S3_BUCKET"
}

case ${1:-} in
with)
    shift
    with_store swift "$@"
    ;;
*) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
