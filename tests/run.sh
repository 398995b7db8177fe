#!/usr/bin/env bash
# The tests, on a bare Debian 12 as on a developer's machine.
#
#   tests/run.sh            unit contract abi badplugins integration e2e lint tidy
#   tests/run.sh PART...    only these; also: asan tsan (unit, contract and integration with that
#                           sanitizer), soak (the long form of kill and memory tests), fuzz (half a minute each;
#                           IMGSRV_FUZZ_SECONDS), bench, mutations (faults that the services' unit tests must notice)
#
# Prints progress, and as its last line exactly "N passed, N failed", counted in test cases. Exits non-zero when anything
# failed, could not be built, or when a named part has no test.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1

# The host loads no plugin that others may write to.
umask 022
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
jobs=$(nproc)
passed=0
failed=0

say() { printf '\n== %s\n' "$*"; }

# count PASSED FAILED
count() {
    passed=$((passed + $1))
    failed=$((failed + $2))
}

finish() {
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0 && passed > 0))
    exit
}

give_up() {
    echo "tests/run.sh: $*" >&2
    count 0 1
    finish
}

built=" "
# build PRESET: configures and builds it, once.
build() {
    [[ $built == *" $1 "* ]] && return
    say "building the preset $1"
    cmake --preset "$1" -DIMGSRV_BUILD_TESTS=ON || give_up "cmake failed"
    cmake --build --preset "$1" -j "$jobs" || give_up "the build failed"
    built+="$1 "
}

# run_labels PRESET LABEL...: the tests that have one of the labels, in one run, so that cores stay busy and servers are shared.
run_labels() {
    local preset=$1 report label IFS='|'
    shift
    say "$* ($preset)"
    for label in "$@"; do
        if [[ $(ctest --test-dir "build/$preset" -N -L "^$label\$" | sed -n 's/^Total Tests: //p') == 0 ]]; then
            echo "there is no test of the part $label"
            count 0 1
        fi
    done
    report=$(mktemp)
    # Most tests wait more than they compute: for servers to start and for disks.
    ctest --test-dir "build/$preset" -L "^($*)\$" -j $((2 * jobs)) --output-on-failure --timeout 1200 \
        --test-output-size-passed 1000000 --test-output-size-failed 1000000 --output-junit "$report"
    IFS=$' \t\n'
    # shellcheck disable=SC2046
    count $(python3 tests/count_cases.py "$report")
    rm -f "$report"
}

lint() {
    local files
    say "lint: clang-format"
    mapfile -t files < <(git ls-files -- '*.h' '*.hpp' '*.c' '*.cpp')
    if clang-format --dry-run -Werror "${files[@]}"; then count 1 0; else count 0 1; fi
    say "lint: what comments and documents cite"
    if python3 tests/cited_paths.py; then count 1 0; else count 0 1; fi
}

tidy() {
    local log
    build ci
    say "clang-tidy"
    log=$(mktemp)
    # The unity batches of host, sdk and plugins, so that the libraries' headers are walked once a batch; sources and
    # headers are seen through them. The tests are read by people.
    if run-clang-tidy -quiet -j "$jobs" -p build/ci -extra-arg=-Wno-unknown-warning-option \
        "^$PWD/build/ci/(host|sdk|plugins)/|^$PWD/(host|sdk|plugins)/" >"$log" 2>&1; then
        count 1 0
    else
        grep -E '(warning|error):' "$log" | sort -u
        count 0 1
    fi
    rm -f "$log"
}

mutations() {
    local log
    say "mutations"
    log=$(mktemp)
    python3 tests/unit/services/mutations.py | tee "$log"
    # shellcheck disable=SC2046
    count $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | grep . || echo 0 1)
    rm -f "$log"
}

parts=("$@")
((${#parts[@]} > 0)) || parts=(unit contract abi badplugins integration e2e lint tidy)

sections=(build test)
[[ " ${parts[*]} " == *" fuzz "* ]] && sections+=(fuzz)
packaging/install-dependencies.sh "${sections[@]}" || give_up "the packages needed could not be installed"

plain=()  # the parts of the preset ci, which run together
for part in "${parts[@]}"; do
    [[ " unit contract abi badplugins integration e2e " != *" $part "* ]] || plain+=("$part")
done

for part in "${parts[@]}"; do
    case $part in
        unit | contract | abi | badplugins | integration | e2e)
            ((${#plain[@]} > 0)) || continue
            build ci
            run_labels ci "${plain[@]}"
            plain=()
            ;;
        soak)
            build release
            IMGSRV_SOAK=1 run_labels release soak
            ;;
        bench)
            build release
            run_labels release bench
            ;;
        fuzz)
            build fuzz
            run_labels fuzz fuzz
            ;;
        asan | tsan)
            build "$part"
            run_labels "$part" unit contract integration
            ;;
        lint) lint ;;
        tidy) tidy ;;
        mutations) mutations ;;
        *) give_up "there is no part '$part'; there are unit contract abi badplugins integration e2e lint tidy asan tsan soak fuzz bench mutations" ;;
    esac
done
finish
