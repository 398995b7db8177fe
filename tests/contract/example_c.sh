#!/usr/bin/env bash
# example_c.sh BUILD_DIR SOURCE_DIR CONFORMANCE: builds the C example as its reader would, outside of the tree against an
# installed sdk, and has the conformance kit check what comes out.
set -euo pipefail
build=$1 source=$2 conformance=$3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --component sdk --prefix "$work/prefix" >/dev/null
cp -r "$source/sdk/examples/c" "$work/example"
cmake -G Ninja -S "$work/example" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_C_FLAGS="-Werror" >/dev/null
cmake --build "$work/build" >/dev/null
"$conformance" "$work/build/require_sbom.so" "$source/tests/contract/step_require_sbom.conf"
