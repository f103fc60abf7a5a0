#!/bin/sh
# Measures on this machine: `run.sh run target/release/belfry [--subscribers 100,1000] …` what fan-out and idle sockets
# cost, `run.sh lists target/release/belfry` how long first pages take (on BELFRY_TEST_POSTGRES where that is set).
set -eu
mode=$1
belfry=$(realpath "$2")
shift 2
cd "$(dirname "$0")"
# 10,000 sockets and what else a process holds.
ulimit -n "$(ulimit -Hn)"
export CARGO_TARGET_DIR=../../target/bench
cargo build --quiet --release
if [ "$mode" = lists ] && [ -n "${BELFRY_TEST_POSTGRES:-}" ]; then
    set -- --database "$BELFRY_TEST_POSTGRES" "$@"
fi
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
"$CARGO_TARGET_DIR/release/belfry-bench" "$mode" --belfry "$belfry" --data "$data" "$@"
