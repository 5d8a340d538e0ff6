# shellcheck shell=bash
# To be sourced by the end-to-end tests of the daemon: a clrmond of one's own, in the scenario's folder, and what it says.
# shellcheck disable=SC2034,SC2119,SC2120,SC2153,SC2154

# shellcheck disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
CLRMOND=${CLRMOND:-$e2e_here/../../build/dev/clrmond}
DAEMON_PID='' DAEMON_LOG='' DAEMON_SOCKET='' DAEMON_URL='' FOLLOWER_PID='' FOLLOWER=''

# An image is looked into once per test, not once per scenario. Removed by daemon_scenarios_end.
DAEMON_CACHE=$(mktemp -d "${TMPDIR:-/tmp}/clrmon-e2e-cache.XXXXXX")
trap 'rm -rf "$DAEMON_CACHE"' EXIT

# daemon_config [LINE...]: the scenario's configuration; LINEs, which come last, win.
daemon_config() {
    DAEMON_SOCKET=$E2E_TMP/control.sock
    printf '%s\n' "socket = $DAEMON_SOCKET" 'listen = 127.0.0.1:0' "state_dir = $E2E_TMP/state" \
        "cache_dir = $DAEMON_CACHE" 'grace = 2s' 'recheck_interval = 2s' 'poll_interval = 500ms' "$@" \
        >"$E2E_TMP/clrmond.conf"
}

# daemon_spawn: with the configuration that is there; DAEMON_AS: command to run it. Sets DAEMON_PID, DAEMON_LOG.
DAEMON_AS=()
daemon_spawn() {
    local workload=$LAB_PID out=$LAB_OUT
    lab_spawn "${DAEMON_AS[@]}" "$CLRMOND" --config "$E2E_TMP/clrmond.conf"
    DAEMON_PID=$LAB_PID DAEMON_LOG=$LAB_OUT LAB_PID=$workload LAB_OUT=$out
    daemon_sees_to answers || daemon_fail "does not begin"
    DAEMON_URL=$(sed -n 's,^clrmond: metrics at \(http://[^ ]*\)/metrics$,\1,p' "$DAEMON_LOG")
}

# daemon_start [LINE...]: LINEs of configuration; answers when this returns.
daemon_start() {
    daemon_config "$@"
    daemon_spawn
}

daemon_fail() { fail "$*; the daemon's log ends with: $(tail -20 "$DAEMON_LOG")"; }

# daemon_sees_to COMMAND...: until it holds; fails when the daemon is gone and it still does not.
daemon_sees_to() {
    local deadline=$((SECONDS + 61))
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        lab_gone "$DAEMON_PID" && { "$@"; return; }
        sleep 0.1
    done
}

answers() { "$CLRMON" --socket "$DAEMON_SOCKET" status -j >/dev/null 2>&1; }

# ask VERB [ARG...]: as "clrmon", of the daemon.
ask() { clrmon --socket "$DAEMON_SOCKET" "$@"; }

# status_holds JQ: of a new "clrmon status".
status_holds() {
    ask status -j
    json_holds "$1"
}

# Each record that was written is received or counted as lost. Those of waits are of another kind.
# shellcheck disable=SC2016
accounts='(.hits | .gc_control + .provider + .exec + .exit + .fork) as $written | .records | .received + .lost.ring_full == $written'

status_is() { ask status -j; jq -r "$1" <<<"$OUTPUT"; } # JQ

# daemon_is PID JQ: of a new "clrmon check --daemon".
daemon_is() {
    ask check --daemon -j -p "$1"
    holds "$2"
}

daemon_verdict() { daemon_is "$1" ".verdict == \"$2\""; } # PID VERDICT

expect_daemon() { eventually 30 daemon_verdict "$1" "$2"; expect_status "${status_of[$2]}"; } # PID VERDICT

# The synthetic runtime of tests/fixture, in a copy that no other daemon watches. Sets LAB_PID.
CLRMON_FIXTURE=${CLRMON_FIXTURE:-$e2e_here/../../build/dev/tests/fixture}
fixture_start() { # [MODE]
    cp -n "$CLRMON_FIXTURE/libcoreclr.so" "$E2E_TMP/libcoreclr.so"
    lab_spawn "$CLRMON_FIXTURE/program" "$E2E_TMP/libcoreclr.so" "${1:-serve}"
    lab_wait 30 "$LAB_PID" grep -q '^ready ' "$LAB_OUT" || fail "the fixture is not ready: $(<"$LAB_OUT")"
}

fixture_is_watched() { status_holds ".images | any((.path | endswith(\"$E2E_TMP/libcoreclr.so\")) and .probes == 4 and .processes == ${1:-1})"; }

fixture_did() { eventually 120 grep -q "^done $1 " "$LAB_OUT"; } # COUNT

# follow [ARG...]: a "clrmon events -f" into the file FOLLOWER, connected when this returns.
follow() {
    local workload=$LAB_PID out=$LAB_OUT others
    others=$(status_is .clients.connected)
    lab_spawn "$CLRMON" --socket "$DAEMON_SOCKET" events -f -o jsonl "$@"
    FOLLOWER_PID=$LAB_PID FOLLOWER=$LAB_OUT LAB_PID=$workload LAB_OUT=$out
    eventually 10 status_holds ".clients.connected == $((others + 1))"
}

# is_event FILE JQ: one of the file's lines is so. The last may be half a line as yet.
is_event() { jq -nRe "[inputs | fromjson? | select($2)] | length > 0" "$1" >/dev/null; }

# streamed JQ: the follower gets such an event.
streamed() {
    local deadline=$((SECONDS + 31))
    until is_event "$FOLLOWER" "$1"; do
        ((SECONDS < deadline)) || fail "no event that is $1 among $(grep -E "\"pid\":(0|$LAB_PID)," "$FOLLOWER" | tail -20)"
        sleep 0.1
    done
}

# history_of PID: all its events, one a line, into OUTPUT.
history_of() { ask history --since 1h -o jsonl -p "$1"; expect_status 0; }

said_event() { jq -ne "[inputs | select($1)] | length > 0" <<<"$OUTPUT" >/dev/null; } # JQ: of a line of the last output

# history_has JQ: of a new "clrmon history" of all.
history_has() {
    ask history --since 1h -o jsonl
    said_event "$1"
}

metrics() { curl -sSf --max-time 20 "$@" "$DAEMON_URL/metrics"; } # [CURL-ARG...]

# Read whole before it is searched: a failed scrape is not a metric that is missing.
has_metric() { # REGEX
    metrics >"$E2E_TMP/metrics" || fail "no metrics"
    grep -qE -- "$1" "$E2E_TMP/metrics"
}

# metric_is PID NAME VALUE [LABELS]: of a new scrape; VALUE '' when there is no such series. LABELS: ',provider="public"'
metric_is() {
    metrics >"$E2E_TMP/metrics" || return 1
    [[ $(sed -n "s/^$2{pid=\"$1\",.*${4:-}} \(.*\)$/\1/p" "$E2E_TMP/metrics") == "$3" ]]
}

# daemon_end: as systemd ends it: it has to say that all was well, and no sanitizer anything.
daemon_end() {
    local status=0
    kill -s TERM "$DAEMON_PID"
    daemon_sees_to lab_gone "$DAEMON_PID" || daemon_fail "does not end"
    wait "$DAEMON_PID" || status=$?
    lab_stop "$DAEMON_PID"
    ((status == 0)) || daemon_fail "ended with status $status"
    ! grep -qE 'Sanitizer|runtime error:' "$DAEMON_LOG" || daemon_fail "a sanitizer's report"
}

daemon_kill() {
    disown "$DAEMON_PID" # the shell need not say that it was killed
    kill -s KILL "$DAEMON_PID"
    daemon_sees_to lab_gone "$DAEMON_PID"
    lab_stop "$DAEMON_PID"
}
