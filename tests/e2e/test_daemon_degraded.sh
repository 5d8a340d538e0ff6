#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# No probes: processes are read at an interval, and it is said everywhere.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/daemon.sh"
row=10.0.14

expect_polling() { # REGEX, of the reason
    status_holds ".watching.by == \"polling\" and .watching.poll_seconds == 0.5 and (.watching.reason | test(\"$1\"; \"i\"))" ||
        fail "status does not say so"
    ask status
    expect_output 'polling'
    has_metric '^clrmon_watching\{mode="polling"\} 1$' || fail "the metrics do not say polling"
    has_metric '^clrmon_watching\{mode="probes"\} 0$' || fail "the metrics say probes"
    grep -qiE "no probes.*($1)" "$DAEMON_LOG" || daemon_fail "the log does not say so"
}

follows_a_trace() {
    follow
    lab_start "$row" idle
    streamed ".kind == \"process.start\" and .pid == $LAB_PID"
    expect_daemon "$LAB_PID" off
    trace "$LAB_PID" 0x1:5
    streamed ".kind == \"gc.events\" and .pid == $LAB_PID and .provider == \"public\" and .old.level < 5 and .new.level == 5"
    expect_daemon "$LAB_PID" verbose
    expect_client "$TRACE_PID"
    eventually 10 metric_is "$LAB_PID" clrmon_gc_verbose 1
    ended_cleanly "$TRACE_PID"
    streamed ".kind == \"gc.events\" and .pid == $LAB_PID and .provider == \"public\" and .old.level == 5 and .new.level == 0"
    expect_daemon "$LAB_PID" off
    lab_stop "$LAB_PID"
    streamed ".kind == \"process.exit\" and .pid == $LAB_PID"
    eventually 10 metric_is "$LAB_PID" clrmon_gc_verbose ''
}

uses_bpf() { [[ $(readlink "/proc/$DAEMON_PID/fd/"*) == *anon_inode:bpf* ]]; }

switched_off() {
    daemon_start 'probes = no'
    expect_polling 'switched off'
    ! uses_bpf || fail "BPF is used nevertheless"
    follows_a_trace
    daemon_end
}

without_rights() {
    DAEMON_AS=(setpriv --bounding-set=-sys_admin,-bpf,-perfmon --)
    daemon_start
    expect_polling 'permitted|permission'
    follows_a_trace
    daemon_end
}

# The same words are not there when all is well.
with_probes() {
    daemon_start
    lab_start "$row" idle
    expect_daemon "$LAB_PID" off
    status_holds '.watching.by == "probes" and .watching.reason == null' || fail "no probes"
    uses_bpf || fail "no BPF"
    status_holds ".images | any((.path | endswith(\"/$row/libcoreclr.so\")) and .probes - ([.families[].probes] | add) == 6 and .trouble == null)" || fail "not probed"
    has_metric '^clrmon_watching\{mode="probes"\} 1$' || fail "the metrics do not say probes"
    daemon_end
}

scenario "probes = no" switched_off
scenario "no rights for BPF" without_rights
scenario "with rights" with_probes
scenarios_end
