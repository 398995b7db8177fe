#!/usr/bin/env bash
# usage: sdk_alone.sh SOURCE_DIR: the sdk builds and installs without the server, and a plugin in C++ is built against what
# was installed, passes the installed conformance kit, and exports its table only.
set -euo pipefail
source=$1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }; }

quietly cmake -S "$source/sdk" -B "$work/sdk-build" -G Ninja -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=12 \
    -DCMAKE_INSTALL_PREFIX="$work/prefix"
quietly cmake --build "$work/sdk-build"
quietly cmake --install "$work/sdk-build"

cp -r "$source/sdk/examples/cpp" "$work/example"
quietly cmake -S "$work/example" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_FLAGS=-Werror
quietly cmake --build "$work/build"

printf 'component = limit_size\nmax_size = 1GiB\n' >"$work/limit_size.conf"
"$work/prefix/bin/imgsrv-conformance" "$work/build/limit_size.so" "$work/limit_size.conf"
"$source/tests/abi/exports_only_its_table.sh" "$work/build/limit_size.so"
