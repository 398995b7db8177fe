#!/usr/bin/env bash
# From a fresh clone to a running image server with two real images in it. Run it again at any time: it does what is still
# missing and prints how to use the rest.
#
#   packaging/quickstart.sh          installs packages, builds, starts imgsrv, publishes a container and a VM image
#   packaging/quickstart.sh --stop   stops the server and keeps its data
#
# Everything it creates is in build/quickstart (or the folder QUICKSTART_DIR). It listens on loopback only:
# HTTP_PORT (8080) and TLS_PORT (8443).
set -euo pipefail

source_dir=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
dir=${QUICKSTART_DIR:-$source_dir/build/quickstart}
http_port=${HTTP_PORT:-8080}
tls_port=${TLS_PORT:-8443}
imgsrv=$source_dir/build/release/bin/imgsrv
api=http://127.0.0.1:$http_port

step() { printf '\n== %s\n' "$*"; }
die() {
    echo "quickstart.sh: $*" >&2
    exit 1
}

# Prints the server's process id if it is ours and alive.
running_pid() {
    local pid
    pid=$(cat "$dir/imgsrv.pid" 2>/dev/null) || return 1
    [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == "$imgsrv"* ]] && echo "$pid"
}

stop() {
    local pid
    if pid=$(running_pid); then
        kill "$pid"
        for _ in $(seq 150); do
            [[ -e /proc/$pid ]] || break
            sleep 0.1
        done
        [[ ! -e /proc/$pid ]] || die "imgsrv (process $pid) does not stop"
        echo "imgsrv is stopped; its data is in $dir"
    else
        echo "imgsrv is not running"
    fi
    rm -f "$dir/imgsrv.pid"
}

case ${1:-} in
    "") ;;
    --stop) stop && exit ;;
    *) die "unknown argument '$1'; the only one is --stop" ;;
esac

step "packages"
"$source_dir/packaging/install-dependencies.sh" build quickstart
echo "all installed"

# The server refuses plugins that others can write to.
umask 022
step "build"
cd "$source_dir"
cmake --preset release -DIMGSRV_BUILD_TESTS=OFF >/dev/null
targets=(imgsrv)
for plugin in plugins/*/CMakeLists.txt; do targets+=("$(basename "$(dirname "$plugin")")"); done
cmake --build --preset release --parallel "$(nproc)" --target "${targets[@]}"

mkdir -p "$dir"
umask 077

# A certificate authority of our own: Incus and LXD accept image servers only over TLS.
make_authority() {
    local tls=$dir/tls.new
    rm -rf "$tls" && mkdir "$tls"
    openssl ecparam -genkey -name prime256v1 -noout -out "$tls/ca.key"
    openssl req -x509 -new -key "$tls/ca.key" -days 3650 -subj '/CN=imgsrv quickstart' -out "$tls/ca.pem" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
    openssl ecparam -genkey -name prime256v1 -noout -out "$tls/server.key"
    openssl req -new -key "$tls/server.key" -subj /CN=localhost -out "$tls/server.csr"
    openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 825 \
        -out "$tls/server.pem" -extfile <(printf '%s\n' 'subjectAltName=IP:127.0.0.1,DNS:localhost' \
        basicConstraints=CA:FALSE extendedKeyUsage=serverAuth) 2>/dev/null
    mv "$tls" "$dir/tls"
}

start() {
    # The log contains the one-time token; the umask keeps it private.
    setsid "$imgsrv" serve --data-dir "$dir/data" --listen "127.0.0.1:$http_port" --tls-listen "127.0.0.1:$tls_port" \
        --tls-certificate "$dir/tls/server.pem" --tls-key "$dir/tls/server.key" >>"$dir/imgsrv.log" 2>&1 </dev/null &
    echo $! >"$dir/imgsrv.pid"
    for _ in $(seq 300); do
        [[ $(curl -s -o /dev/null -w '%{http_code}' "$api/readyz") == 204 ]] && return
        running_pid >/dev/null || break
        sleep 0.1
    done
    tail -n 5 "$dir/imgsrv.log" >&2
    die "imgsrv did not start (is port $http_port or $tls_port taken?)"
}

step "server"
[[ -d $dir/tls ]] || make_authority
pid=$(running_pid) || pid=
# A server whose program has been rebuilt is replaced.
[[ -z $pid || -e $(readlink "/proc/$pid/exe") ]] || { stop && pid=; }
if [[ -n $pid ]]; then
    echo "imgsrv is already running (process $pid)"
else
    start
    echo "imgsrv is running (process $(cat "$dir/imgsrv.pid"))"
fi

export IMGSRV_SERVER=$api
if [[ ! -s $dir/admin.token ]]; then
    # Printed once, at the first start, and valid for a day. It is used once, to create an administrator's token.
    sed -n 's/^imgsrv bootstrap token (one-time): //p' "$dir/imgsrv.log" | tail -n 1 >"$dir/bootstrap.token"
    [[ -s $dir/bootstrap.token ]] || die "there is no bootstrap token in $dir/imgsrv.log"
    "$imgsrv" token create --token-file "$dir/bootstrap.token" --name admin --role auth-manager --expires 365d --output "$dir/admin.token"
    rm "$dir/bootstrap.token"
fi
[[ -s $dir/publisher.token ]] ||
    "$imgsrv" token create --token-file "$dir/admin.token" --name publisher --role content-writer --expires 365d \
        --output "$dir/publisher.token"

# make_metadata NAME DESCRIPTION: what Incus and LXD need to know about an image.
make_metadata() {
    mkdir -p "$dir/images/$1.metadata"
    cat >"$dir/images/$1.metadata/metadata.yaml" <<YAML
architecture: x86_64
creation_date: $(date +%s)
properties:
  architecture: x86_64
  description: $2
  os: busybox
  release: "1.0"
YAML
    tar -C "$dir/images/$1.metadata" -cJf "$dir/images/$1.incus.tar.xz" metadata.yaml
}

# A container image with a static busybox as init.
make_container() {
    local root=$dir/images/container.root applet
    mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp}
    cp "$(command -v busybox)" "$root/bin/busybox"
    for applet in sh ls cat ps ip hostname mount init poweroff; do ln -sf busybox "$root/bin/$applet"; done
    mkdir -p "$root/sbin" && ln -sf ../bin/busybox "$root/sbin/init"
    printf '::sysinit:/bin/hostname -F /etc/hostname\n::respawn:/bin/sh\n' >"$root/etc/inittab"
    echo busybox >"$root/etc/hostname"
    chmod -R go=u,go-w "$root"
    mksquashfs "$root" "$dir/images/container.squashfs" -noappend -all-root -quiet -no-progress
    make_metadata container "busybox container"
}

make_disk() {
    qemu-img create -q -f qcow2 "$dir/images/disk.qcow2" 64M
    qemu-io -c 'write -q -P 0x5a 0 1M' "$dir/images/disk.qcow2" >/dev/null
    make_metadata disk "an empty 64 MiB disk"
}

step "images"
if [[ ! -e $dir/images/made ]]; then
    rm -rf "$dir/images" && mkdir "$dir/images"
    make_container
    make_disk
    touch "$dir/images/made"
fi
publish=("$imgsrv" publish --token-file "$dir/publisher.token" --os linux --arch x86_64 --alias latest)
"${publish[@]}" busybox 1.0 --rootfs "$dir/images/container.squashfs" --metadata "$dir/images/container.incus.tar.xz" \
    --display-name "Busybox container"
"${publish[@]}" disk 1.0 --disk "$dir/images/disk.qcow2" --metadata "$dir/images/disk.incus.tar.xz" \
    --display-name "An empty disk"

step "what the API shows"
"$imgsrv" images
"$imgsrv" images busybox latest

step "what Incus and LXD see ($api/streams/v1/images.json)"
curl -fsS "$api/streams/v1/images.json" | tr ',' '\n' | grep -E '"(aliases|ftype|combined_[a-z_-]*|size)"' | tr -d '{}[]' || die "no Simple Streams"

step "use it"
cat <<TEXT
imgsrv listens on $api and https://127.0.0.1:$tls_port; everything is in $dir

  trust its authority:     sudo cp '$dir/tls/ca.pem' /usr/local/share/ca-certificates/imgsrv.crt && sudo update-ca-certificates
                           (then restart the daemon: sudo systemctl restart incus or lxd)
  Incus:                   incus remote add images-here https://127.0.0.1:$tls_port --protocol=simplestreams
                           incus launch images-here:busybox my-container
  LXD:                     lxc remote add images-here https://127.0.0.1:$tls_port --protocol=simplestreams
                           lxc launch images-here:busybox my-container
  without installing it:   SSL_CERT_FILE='$dir/tls/ca.pem' lxc image list images-here:

  publish an image:        $imgsrv publish NAME VERSION --os linux --arch x86_64 --disk FILE.qcow2 \\
                             --metadata incus.tar.xz --alias latest --token-file '$dir/publisher.token'
  stop the server:         packaging/quickstart.sh --stop
TEXT
