#!/usr/bin/env bash
# Runs load tests against an instance of its own, one script after the other, and fails where one does:
#   load-tests/run.sh target/release/belfry                   all of them
#   load-tests/run.sh target/release/belfry smoke fan-out     these
# On BELFRY_TEST_POSTGRES and BELFRY_TEST_REDIS where they are set, else on SQLite and alone. INSTANCES starts several;
# TOKENS is how many people there are, GROWTH by how many MiB all instances together may grow in the soak.
set -euo pipefail

unusable() { echo "${0##*/}: $*" >&2; exit 2; }

[ $# -gt 0 ] || { echo "usage: ${0##*/} BELFRY [SCRIPT...]" >&2; exit 2; }
[ -f "$1" ] && [ -x "$1" ] || unusable "$1 is no program; \`make build\` makes target/release/belfry"
belfry=$(realpath "$1")
shift
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- smoke connect-storm fan-out conversation notifications reconnect slow-consumers soak
for script in "$@"; do [ -f "$script.js" ] || unusable "there is no load test $script"; done
instances=${INSTANCES:-1}
[[ $instances =~ ^[1-9][0-9]*$ ]] || unusable "INSTANCES is a number from 1, not $instances"
if [ "$instances" -gt 1 ] && { [ -z "${BELFRY_TEST_POSTGRES:-}" ] || [ -z "${BELFRY_TEST_REDIS:-}" ]; }; then
    unusable "several instances need a Postgres and a Redis in common: .ci/with-postgres .ci/with-redis $0"
fi
../.ci/k6 version >/dev/null || unusable "no k6 here: .ci/k6 could not fetch it, or K6 names none"
# Thousands of sockets, at both ends.
ulimit -n "$(ulimit -Hn)"

folder=$(mktemp -d "${TMPDIR:-/tmp}/belfry-load.XXXXXX")
servers=() k6=''
clean_up() {
    trap '' INT TERM HUP
    # It has nothing to bring to an end, and would take its time.
    if [ -n "$k6" ]; then { kill -KILL "$k6" && wait "$k6"; } 2>/dev/null || true; fi
    for server in "${servers[@]}"; do kill -TERM "$server" 2>/dev/null || true; done
    for server in "${servers[@]}"; do
        for _ in $(seq 100); do kill -0 "$server" 2>/dev/null || continue 2; sleep 0.1; done
        echo "an instance did not end within ten seconds and was killed" >&2
        kill -KILL "$server" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

export BELFRY_DATA=$folder BELFRY_LISTEN=127.0.0.1:0 BELFRY_METRICS_LISTEN=127.0.0.1:0 BELFRY_RATE_LIMITS=off
# Nobody is left to wait for when it ends.
export BELFRY_DRAIN_DELAY=0s BELFRY_DRAIN_WINDOW=0s
if [ -n "${BELFRY_TEST_POSTGRES:-}" ]; then
    export DATABASE_URL=$BELFRY_TEST_POSTGRES BELFRY_JWT_SECRET=only-for-a-load-test-and-gone-afterwards
fi
if [ -n "${BELFRY_TEST_REDIS:-}" ]; then export REDIS_URL=$BELFRY_TEST_REDIS; fi

urls=() metrics=()
for n in $(seq "$instances"); do
    exec {told}< <(exec "$belfry" serve 2>"$folder/log.$n")
    servers+=($!)
    # `metrics at http://…`, then `listening on http://…`; for 30 seconds it waits for its database.
    read -r -t 40 first <&"$told" && read -r -t 40 second <&"$told" || {
        tail -n 5 "$folder/log.$n" >&2
        echo "instance $n did not start" >&2
        exit 1
    }
    metrics+=("${first#metrics at }") urls+=("${second#listening on }")
done

join() { local IFS=,; echo "$*"; }
BELFRY_URL=$(join "${urls[@]}") BELFRY_METRICS=$(join "${metrics[@]}") BELFRY_TOKENS=$folder/tokens RESULTS=$folder
BELFRY_API_KEY=$("$belfry" token --api-key load)
export BELFRY_URL BELFRY_METRICS BELFRY_TOKENS BELFRY_API_KEY RESULTS
"$belfry" token --name Load --count "${TOKENS:-400}" >"$BELFRY_TOKENS"

# Resident memory of all instances in MiB; 0 where the system does not tell, or none is there any more.
resident() {
    { for server in "${servers[@]}"; do cat "/proc/$server/status" || true; done; } 2>/dev/null |
        awk '/^VmRSS/ { kb += $2 } END { print int(kb / 1024) }'
}

failed=()
for script in "$@"; do
    before=$(resident)
    # k6's own server would want a port; what it says on stderr are faults. An interrupt does not wait for its end.
    ../.ci/k6 run --quiet --no-usage-report --address= "$script.js" &
    k6=$!
    wait "$k6" || failed+=("$script")
    k6=''
    after=$(resident)
    [ "$script" = smoke ] || echo "  memory of the server: $before MiB before, $after MiB after"
    if [ "$script" = soak ] && [ $((after - before)) -gt "${GROWTH:-64}" ]; then
        echo "soak: the server grew by more than ${GROWTH:-64} MiB" >&2
        failed+=("memory")
    fi
    for n in "${!servers[@]}"; do
        kill -0 "${servers[n]}" 2>/dev/null && continue
        tail -n 20 "$folder/log.$((n + 1))" >&2
        echo "instance $((n + 1)) ended during $script" >&2
        exit 1
    done
done

rows=()
for script in "$@"; do if [ -f "$folder/$script.md" ]; then rows+=("$folder/$script.md"); fi; done
if [ ${#rows[@]} -gt 0 ]; then
    echo
    echo '| script | load | writes | events | delivery, ms | answer, ms | more, ms |'
    echo '|---|---|---:|---:|---:|---:|---|'
    cat "${rows[@]}"
fi
if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}" >&2
    exit 1
fi
