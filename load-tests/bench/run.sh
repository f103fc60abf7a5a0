#!/bin/sh
# Measures fan-out and idle memory on this machine: `run.sh target/release/belfry [--subscribers 100,1000] …`.
set -eu
belfry=$(realpath "$1")
shift
cd "$(dirname "$0")"
# 10,000 sockets and what else a process holds.
ulimit -n "$(ulimit -Hn)"
export CARGO_TARGET_DIR=../../target/bench
cargo build --quiet --release
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
"$CARGO_TARGET_DIR/release/belfry-bench" run --belfry "$belfry" --data "$data" "$@"
