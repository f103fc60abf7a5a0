#!/bin/sh
# Measures on this machine: `run.sh run target/release/belfry [--subscribers 100,1000] …` what fan-out and idle
# sockets cost, beside the servers that `.ci/peers` has found; `run.sh lists target/release/belfry` how long first
# pages take, and `run.sh appends …` how much is committed a second (both on BELFRY_TEST_POSTGRES where that is set);
# `run.sh bus …` and `run.sh storm …`, beside `.ci/with-postgres .ci/with-redis`, what a publish through Redis adds
# and how long a storm of sockets takes; `run.sh fairness …` whether small rooms keep their pace beside busy
# neighbours; `run.sh report --results FILE` prints the tables of an earlier run. Paths in arguments are as from the
# root of the tree.
set -eu
cd "$(dirname "$0")/../.."
mode=$1
shift
if [ "$mode" != report ]; then
    belfry=$(realpath "$1")
    shift
fi
# 10,000 sockets and what else a process holds.
ulimit -n "$(ulimit -Hn)"
cargo build --quiet --release --manifest-path load-tests/bench/Cargo.toml --target-dir target/bench
if [ "$mode" = report ]; then
    exec target/bench/release/belfry-bench report "$@"
fi
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
case $mode in lists | appends)
    if [ -n "${BELFRY_TEST_POSTGRES:-}" ]; then set -- --database "$BELFRY_TEST_POSTGRES" "$@"; fi
    ;;
esac
if [ "$mode" = bus ] || [ "$mode" = storm ]; then
    set -- --database "$BELFRY_TEST_POSTGRES" --redis "$BELFRY_TEST_REDIS" "$@"
fi
if [ "$mode" = run ] && [ -e target/peers/state ]; then
    set -- --peers target/peers "$@"
fi
target/bench/release/belfry-bench "$mode" --belfry "$belfry" --data "$data" "$@"
