# shellcheck shell=bash disable=SC2034,SC2154
# To be sourced after lib.sh by the tests of sessions, reset and stop.

CLRMON_FIXTURE=${CLRMON_FIXTURE:-$e2e_here/../../build/dev/tests/fixture}
CLIENT_PID=''

sessions_json() { clrmon sessions -o json -p "$@"; } # PID [ARG...]

# lists PID JQ: a new look, for "eventually".
lists() {
    sessions_json "$1"
    holds "$2"
}

expect_lists() { # SECONDS PID JQ
    eventually "$1" lists "$2" "$3"
    expect_status 0
}

# client PID read|mute PROVIDER KEYWORDS LEVEL: a client of ours that has a session. Sets CLIENT_PID.
client() {
    local workload=$LAB_PID out=$LAB_OUT
    lab_spawn "$CLRMON_FIXTURE/sessions" open "$@"
    CLIENT_PID=$LAB_PID LAB_PID=$workload LAB_OUT=$out
    lab_wait 30 "$CLIENT_PID" grep -q '^session ' "$(lab_out "$CLIENT_PID")" || fail "no session: $(<"$(lab_out "$CLIENT_PID")")"
}

# JQ for what a session asks of a provider.
asks() { echo "any(.sessions[]; .client.pid == $1 and (.providers | any(.name == \"$2\" and .keywords == \"$3\" and .level == $4)))"; } # CLIENT-PID PROVIDER KEYWORDS LEVEL

on() { echo "(.effective | any(.name == \"$1\" and .keywords == \"$2\" and .level == $3))"; } # PROVIDER KEYWORDS LEVEL

# leak PID: a session stays at 0x1:4, and another leaves 0x8001:5 behind. Sets STAYS, the pid of the first one's client.
leak() {
    client "$1" read "$runtime_provider" 0x1 4
    STAYS=$CLIENT_PID
    client "$1" read "$runtime_provider" 0x8001 5
    expect_lists 30 "$1" "$(on "$runtime_provider" 0x8001 5)"
    lab_stop "$CLIENT_PID"
    expect_lists 30 "$1" '(.sessions | length == 1) and (.effective[0] | .stale and .level == 5)'
}
STAYS=''

answers() { lab_say "$1" "$2"; lab_wait 10 "$1" grep -q "^$3" "$LAB_OUT"; } # PID QUESTION ANSWER
