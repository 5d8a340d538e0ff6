#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# A real Prometheus scrapes clrmond and has the values of "clrmon check".
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/daemon.sh"
# shellcheck disable=SC1091
. "$e2e_here/daemon/prometheus.sh"
row=10.0.14

traced_daemon() {
    daemon_start
    lab_start "$row" idle
    trace "$LAB_PID" 0x1:5
    expect_daemon "$LAB_PID" verbose
    eventually 30 daemon_is "$LAB_PID" '.gc.public.level == 5'
    eventually 10 metric_is "$LAB_PID" clrmon_gc_event_level 5 ',provider="public"'
}

value() { # FILE NAME [JQ]: of our process, as Prometheus has it
    jq -r ".data.result[] | select(.metric.__name__ == \"$2\" and .metric.pid == \"$LAB_PID\" ${3:+and ($3)}) | .value[1]" "$1"
}

expect_value() { # WANTED NAME [JQ]
    local found
    found=$(value "$E2E_TMP/answer" "${@:2}")
    [[ $found == "$1" ]] || fail "Prometheus has '$found' for ${*:2}, not $1"
}

scraped() {
    local address
    traced_daemon
    address=${DAEMON_URL#http://}
    prometheus_scrape "$address" >"$E2E_TMP/answer" || fail "not scraped"
    check_json "$LAB_PID"
    expect_verdict verbose
    expect_value "$(field .gc.public.level)" clrmon_gc_event_level '.metric.provider == "public"'
    expect_value "$(field .gc.private.level)" clrmon_gc_event_level '.metric.provider == "private"'
    expect_value 1 clrmon_gc_event_keywords_info ".metric.provider == \"public\" and .metric.keywords == \"$(field .gc.public.keywords)\""
    expect_value 1 clrmon_gc_verbose
    expect_value 0 clrmon_gc_verbosity_leaked
    expect_value "$(field '.sessions | length')" clrmon_eventpipe_sessions
    [[ $(jq -r ".data.result[] | select(.metric.__name__ == \"clrmon_gc_verbose\" and .metric.pid == \"$LAB_PID\") | .metric.version" "$E2E_TMP/answer") == "$(field .runtime.version)" ]] ||
        fail "another version"
    jq -e '[.data.result[].metric.__name__] | unique | contains(["clrmon_build_info", "clrmon_gc_event_changes_total",
        "clrmon_gc_verbose_seconds_total", "clrmon_probe_hits_total", "clrmon_probe_losses_total",
        "clrmon_probe_cpu_seconds_total", "clrmon_processes", "clrmon_watching"])' "$E2E_TMP/answer" >/dev/null || fail "names are missing"
    daemon_end
}

# The bounds of the bucket that has the wait in the middle, of the last scrape.
bucket_of_half() {
    sed -n "s/^clrmon_monitor_lock_wait_seconds_bucket{pid=\"$LAB_PID\",.*le=\"\([0-9.e+-]*\)\"} \(.*\)/\1 \2/p" "$E2E_TMP/metrics" |
        awk -v all="$(field .waits)" '{ if ($2 * 2 >= all) { print below + 0, $1; exit } below = $1 }'
}

# The median that Prometheus makes of the histogram lies in the bucket that has the wait in the middle; all of the waits are in it.
histogram() {
    local median below above
    daemon_start
    lab_start "$row" locks
    eventually 30 daemon_is "$LAB_PID" .gc
    lab_say "$LAB_PID" "waits 23 20"
    eventually 60 grep -q '^done waits 23 20 ' "$LAB_OUT"
    eventually 10 metric_is "$LAB_PID" clrmon_monitor_lock_waiters 0
    prometheus_scrape "${DAEMON_URL#http://}" "histogram_quantile(0.5, clrmon_monitor_lock_wait_seconds_bucket{pid=\"$LAB_PID\"})" >"$E2E_TMP/answer" ||
        fail "not scraped"
    median=$(jq -r '.data.result[0].value[1]' "$E2E_TMP/answer")
    ask contention --total -o json -p "$LAB_PID"
    expect ".waits >= 23 and (.histogram | map(.count) | add) == .waits"
    read -r below above < <(bucket_of_half)
    jq -ne "$below <= $median and $median <= $above" >/dev/null || fail "the median $median is not in $below to $above"
    daemon_end
}

well_formed() {
    traced_daemon
    prometheus_check "$DAEMON_URL/metrics" || fail "promtool has something to say"
    metrics -D "$E2E_TMP/headers" >/dev/null
    grep -qi '^content-type: text/plain; version=0.0.4' "$E2E_TMP/headers" || fail "$(<"$E2E_TMP/headers")"
    metrics -D "$E2E_TMP/headers" -H 'Accept: application/openmetrics-text; version=1.0.0' >"$E2E_TMP/open"
    grep -qi '^content-type: application/openmetrics-text; version=1.0.0' "$E2E_TMP/headers" || fail "$(<"$E2E_TMP/headers")"
    [[ $(tail -1 "$E2E_TMP/open") == '# EOF' ]] || fail "OpenMetrics without its end"
    ! has_metric '^# EOF' || fail "the plain format with OpenMetrics' end"
    grep -q '^# TYPE clrmon_gc_event_changes counter' "$E2E_TMP/open" || fail "OpenMetrics names a family without _total"
    [[ $(curl -sS -o "$E2E_TMP/health" -w '%{http_code}' "$DAEMON_URL/healthz") == 200 ]] || fail "/healthz: $(<"$E2E_TMP/health")"
    [[ $(curl -sS -o /dev/null -w '%{http_code}' "$DAEMON_URL/other") == 404 ]] || fail "/other is there"
    [[ $(curl -sS -o /dev/null -w '%{http_code}' -X POST "$DAEMON_URL/metrics") == 405 ]] || fail "POST is taken"
    daemon_end
}

forgotten() {
    traced_daemon
    has_metric "pid=\"$LAB_PID\"" || fail "no series of the process"
    lab_stop "$LAB_PID"
    eventually 10 metric_is "$LAB_PID" clrmon_gc_verbose ''
    ! has_metric "pid=\"$LAB_PID\"" || fail "a series of a process that has ended"
    daemon_end
}

off() {
    daemon_start 'listen = off'
    [[ -z $DAEMON_URL ]] || fail "it listens at $DAEMON_URL"
    [[ $(ss -Hltnp) != *"pid=$DAEMON_PID,"* ]] || fail "it listens"
    daemon_end
}

scenario "scraped by Prometheus" scraped
scenario "a histogram" histogram
scenario "promtool, OpenMetrics, /healthz" well_formed
scenario "series of an ended process" forgotten
scenario "listen = off" off
scenarios_end
