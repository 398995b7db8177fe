#!/bin/bash
# A throwaway Ceph with its S3 gateway for tests: one monitor, one storage daemon, one gateway, on loopback.
#
#   rgw.sh with COMMAND...   starts one, runs COMMAND with the variables below, stops it, returns COMMAND's status
#
# For a COMMAND that wants to see it go away (needs IMGSRV_TEST_RGW_DIR):
#   rgw.sh kill-gateway | start-gateway      between the two, connections are refused
#   rgw.sh freeze-storage | thaw-storage     between the two, requests hang
#
# IMGSRV_TEST_S3_ENDPOINT, …_BUCKET, …_ACCESS_KEY, …_SECRET_KEY, …_REGION    a bucket of its own
# IMGSRV_TEST_S3_OTHER_ACCESS_KEY, …_OTHER_SECRET_KEY                        a user who may not use the bucket
# IMGSRV_TEST_RGW_DIR                                                        its folder; gateway.pid, storage.pid
#
# IMGSRV_TEST_RGW_STORE=bluestore keeps the data in a file instead of in memory, which takes twice its size.
set -euo pipefail
export IMGSRV_TEST_S3_BUCKET=imgsrv-test IMGSRV_TEST_S3_REGION=us-east-1
export IMGSRV_TEST_S3_ACCESS_KEY=TESTACCESSKEY0000001 IMGSRV_TEST_S3_SECRET_KEY=testsecretkey0000000000000000000000000001
export IMGSRV_TEST_S3_OTHER_ACCESS_KEY=TESTACCESSKEY0000002
export IMGSRV_TEST_S3_OTHER_SECRET_KEY=testsecretkey0000000000000000000000000002

for program in ceph-mon ceph-osd radosgw radosgw-admin ceph; do
    command -v $program >/dev/null || {
        echo "rgw.sh: $program is missing (apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common)" >&2
        exit 1
    }
done

daemons="gateway storage monitor"
is_own() { grep -qa "$dir/ceph.conf" "$1"; }
# shellcheck source=tests/harness/daemons.sh
. "$(dirname "$(readlink -f "$0")")/daemons.sh"

# until_up NAME QUESTION...: waits until the question is answered, or the daemon gone.
until_up() {
    local name=$1
    shift
    for _ in $(seq 1200); do
        alive "$name" || return 1
        "$@" && return 0
        sleep 0.05
    done
    return 1
}

answers() { [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 2 "$1/")" = 200 ]; }
storage_is_up() { grep -q 'booting -> active' "$dir/log/osd.0.log" 2>/dev/null; }

start_gateway() {
    daemon gateway radosgw -f -c "$dir/ceph.conf" -n client.rgw.a
    until_up gateway answers "$IMGSRV_TEST_S3_ENDPOINT"
}

configure() { # PORT: the gateway's; those after it are the other daemons'
    cat >"$dir/ceph.conf" <<EOF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon_host = v2:127.0.0.1:$(($1 + 1))/0
mon_initial_members = a
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
ms_bind_msgr1 = false
ms_bind_port_min = $(($1 + 2))
ms_bind_port_max = $(($1 + 40))
ms_mon_client_mode = crc
run_dir = $dir/run
admin_socket = $dir/run/\$name.asok
crash_dir = $dir/run
log_file = $dir/log/\$name.log
log_to_stderr = false
err_to_stderr = true
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
# A single storage daemon that was frozen for longer than its read lease may never renew it (Ceph issue 80404).
osd_pool_default_read_lease_ratio = 20
mon_allow_pool_size_one = true
mon_allow_pool_delete = true
mon_warn_on_insecure_global_id_reclaim_allowed = false
mon_warn_on_pool_no_redundancy = false
mon_data_avail_crit = 1
mon_data_avail_warn = 2
mon_max_pg_per_osd = 1000
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
debug_none = 0/0
debug_ms = 0/0

[mon.a]
mon_data = $dir/mon
mon_cluster_log_file = $dir/log/cluster.log

[osd.0]
osd_data = $dir/osd
osd_objectstore = ${IMGSRV_TEST_RGW_STORE:-memstore}
memstore_device_bytes = 8589934592
bluestore_block_create = true
bluestore_block_size = 21474836480
bluestore_fsck_on_mount = false
osd_class_load_list = *
osd_class_default_list = *
osd_memory_target = 1073741824

[client.rgw.a]
rgw_data = $dir/rgw
rgw_frontends = beast endpoint=127.0.0.1:$1 tcp_nodelay=1
rgw_thread_pool_size = 64
# A gateway that is killed while it joins parts leaves a lock; by default it blocks others for 10 minutes.
rgw_mp_lock_max_time = 30
rgw_dynamic_resharding = false
rgw_override_bucket_index_max_shards = 1
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_gc_obj_min_wait = 5
rgw_gc_processor_period = 5
rgw_print_continue = true
EOF
}

start_all() { # PORT
    local conf="-c $dir/ceph.conf" osd
    rm -rf "$dir"/*
    mkdir -p "$dir"/{mon,osd,rgw,run,log}
    configure "$1"
    export CEPH_CONF="$dir/ceph.conf"
    # shellcheck disable=SC2086
    {
        monmaptool --create --fsid "$(sed -n 's/^fsid = //p' "$dir/ceph.conf")" --addv a "[v2:127.0.0.1:$(($1 + 1))]" \
            --set-min-mon-release pacific "$dir/monmap" &&
            ceph-mon $conf -i a --mkfs --monmap "$dir/monmap"
        daemon monitor ceph-mon -f $conf -i a
        osd=$(cat /proc/sys/kernel/random/uuid)
        ceph $conf --connect-timeout 20 osd new "$osd" && ceph-osd $conf -i 0 --mkfs --osd-uuid "$osd" || return 1
        daemon storage ceph-osd -f $conf -i 0
        until_up storage storage_is_up || return 1
        radosgw-admin $conf -n client.rgw.a user create --uid=test --display-name=test \
            --access-key="$IMGSRV_TEST_S3_ACCESS_KEY" --secret-key="$IMGSRV_TEST_S3_SECRET_KEY" &&
            radosgw-admin $conf -n client.rgw.a user create --uid=other --display-name=other \
                --access-key="$IMGSRV_TEST_S3_OTHER_ACCESS_KEY" --secret-key="$IMGSRV_TEST_S3_OTHER_SECRET_KEY"
    } >"$dir/log/setup" 2>&1 || return 1
    start_gateway
}

make_bucket() {
    curl -fsS -o /dev/null -X PUT --aws-sigv4 "aws:amz:$IMGSRV_TEST_S3_REGION:s3" -H "x-amz-content-sha256: UNSIGNED-PAYLOAD" \
        --user "$IMGSRV_TEST_S3_ACCESS_KEY:$IMGSRV_TEST_S3_SECRET_KEY" "$IMGSRV_TEST_S3_ENDPOINT/$IMGSRV_TEST_S3_BUCKET"
}

# Returns once it is stopped: the signal alone says only that it will be.
freeze_storage() {
    alive storage || return 1
    kill -STOP "$(cat "$dir/storage.pid")"
    until grep -q '^State:.T' "/proc/$(cat "$dir/storage.pid")/status"; do sleep 0.01; done
}

# run COMMAND...
run() { IMGSRV_TEST_RGW_DIR=$dir "$@"; }

case ${1:-} in
with)
    shift
    with_store rgw run "$@"
    ;;
kill-gateway) dir=${IMGSRV_TEST_RGW_DIR:?}; end gateway ;;
start-gateway) dir=${IMGSRV_TEST_RGW_DIR:?}; start_gateway ;;
freeze-storage) dir=${IMGSRV_TEST_RGW_DIR:?}; freeze_storage ;;
thaw-storage) dir=${IMGSRV_TEST_RGW_DIR:?}; alive storage && kill -CONT "$(cat "$dir/storage.pid")" ;;
*) sed -n '2,16s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
