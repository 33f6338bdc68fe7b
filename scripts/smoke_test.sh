#!/bin/sh
# Is the pipeline at BASE_URL up, measured and moving? sh and curl only.
#   BASE_URL  default http://127.0.0.1:8083
#   API_KEY   sent as a bearer token when set (needed where http.protect_metrics is on)
#   CA_CERT   PEM file of the authority of an https:// BASE_URL, when it is not one of the system's
#   CLIENT_CERT, CLIENT_KEY  PEM files of a client's certificate (needed with http.tls.client_ca)
#   SMOKE_TIMEOUT_S  how long readiness and movement may take each; default 30
# Exit 0: everything held. Exit 1: the line that starts with FAILED says what did not.
set -eu

BASE_URL=${BASE_URL:-http://127.0.0.1:8083}
BASE_URL=${BASE_URL%/}
SMOKE_TIMEOUT_S=${SMOKE_TIMEOUT_S:-30}

METRICS='
mdp_source_items_total counter
mdp_source_disconnects_total counter
mdp_source_pacing_blocked_total counter
operator_bars_out_total counter
mdp_sink_batches_committed_total counter
mdp_sink_batches_failed_total counter
mdp_sink_queue_depth gauge
mdp_sink_commit_seconds histogram
'

failed() {
  echo "FAILED $*" >&2
  exit 1
}

# get PATH: prints the body; the status decides. Fails with the reason when there is no answer or
# not 200.
get() {
  set -- "$1" --silent --show-error --max-time 10 --write-out '\n%{http_code}' "$BASE_URL$1"
  path=$1
  shift
  [ -z "${CA_CERT:-}" ] || set -- --cacert "$CA_CERT" "$@"
  [ -z "${CLIENT_CERT:-}" ] || set -- --cert "$CLIENT_CERT" --key "${CLIENT_KEY:-$CLIENT_CERT}" "$@"
  [ -z "${API_KEY:-}" ] || set -- --header "Authorization: Bearer $API_KEY" "$@"
  answer=$(curl "$@" 2>&1) || failed "GET $path: $(echo "$answer" | head -n 1)"
  status=$(echo "$answer" | tail -n 1)
  body=$(echo "$answer" | sed '$d')
}

expect_ok() {
  get "$1"
  [ "$status" = 200 ] || failed "GET $1: status $status, expected 200: $body"
  echo "ok     GET $1"
}

# sum NAME: adds up the series of a counter in the last /metrics answer; empty when it has none.
sum() {
  echo "$body" | awk -v name="$1" '
    index($1, name "{") == 1 || $1 == name { total += $NF; seen = 1 }
    END { if (seen) printf "%.0f\n", total }'
}

wait_until_ready() {
  waited=0
  get /health/ready
  until [ "$status" = 200 ]; do
    [ "$waited" -lt "$SMOKE_TIMEOUT_S" ] ||
      failed "GET /health/ready: still $status after $SMOKE_TIMEOUT_S s: $body"
    waited=$((waited + 1))
    sleep 1
    get /health/ready
  done
  echo "ok     GET /health/ready"
}

every_metric_present() {
  echo "$METRICS" | while read -r name type; do
    [ -n "$name" ] || continue
    echo "$body" | grep -q "^# TYPE $name $type\$" ||
      failed "GET /metrics: $name ($type) is missing"
    sample=$name
    [ "$type" != histogram ] || sample=${name}_count
    [ -n "$(sum "$sample")" ] || failed "GET /metrics: $name ($type) has no series"
    echo "ok     metric $name"
  done
}

# stands NAME: ends the test, with what /health has to say about it.
stands() {
  get /health
  failed "$1 stood at ${now:-nothing} for $SMOKE_TIMEOUT_S s: nothing moves; GET /health: $body"
}

# increases NAME: the counter grows within the time allowed.
increases() {
  get /metrics
  first=$(sum "$1")
  waited=0
  while :; do
    sleep 1
    get /metrics
    now=$(sum "$1")
    [ "${now:-0}" -le "${first:-0}" ] || break
    waited=$((waited + 1))
    [ "$waited" -lt "$SMOKE_TIMEOUT_S" ] || stands "$1"
  done
  echo "ok     $1 increases (${first:-0} -> $now)"
}

command -v curl >/dev/null || failed 'needs curl'
expect_ok /health/live
wait_until_ready
expect_ok /health
expect_ok /metrics
every_metric_present
increases mdp_source_items_total
increases mdp_sink_batches_committed_total
echo "passed $BASE_URL is up, measured and moving"
