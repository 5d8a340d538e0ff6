#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# "clrmon contention" and "clrmon probes" of a real runtime: an interval, the lists, single waits, what is switched, the metrics.
# Whether the numbers are right, test_contention_truth.sh says.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/daemon.sh"
row=10.0.14

watched() { # [LINE...]: a daemon, and a workload whose locks it watches
    daemon_start "$@"
    lab_start "$row" locks
    eventually 30 total_is "$LAB_PID" .on
    BEFORE=$(field .waits) # the runtime waits for locks of its own when it begins
}

counted() { total_is "$LAB_PID" ".on and .waits == $((BEFORE + $1))"; } # WAITS, since it is watched

total_is() { # PID JQ: of a new "clrmon contention --total"
    ask contention --total -o json -p "$1"
    holds "$2"
}

waits() { # COUNT: so many, of 20 ms
    lab_say "$LAB_PID" "waits $1 20 1"
    eventually 60 grep -q "^done waits $1 " "$LAB_OUT"
}

storm() { lab_say "$LAB_PID" "storm 4 $1"; } # SECONDS

lists() {
    local by
    watched
    waits 17
    counted 17 || fail "$OUTPUT"
    expect '.waiters == 0 and .source == "uprobe" and .since_s > 0'
    expect_json '.schema == "clrmon.contention/1" and .interval_s == null' "another form"
    expect '([.histogram[].count] | add) == .waits'
    for by in locks owners threads stacks; do
        expect "([.${by}[].waits] | add) + .other.$by.waits == .waits"
    done
    expect '[.locks[].owner_tid] - [.owners[].tid] == []'
    expect '.stacks[0].frames | length > 3'
    for by in process lock stack owner thread; do
        ask contention --total -p "$LAB_PID" --by "$by"
        expect_status 0
        expect_output "^$LAB_PID .* (17|$((BEFORE + 17))) "
        [[ ! ${OUTPUT//$'\n'/} =~ [[:cntrl:]] ]] || fail "control characters by $by"
    done
    ask contention --total -o json -p "$LAB_PID" --top 1
    expect '(.threads | length) == 1 and (.threads[0].waits + .other.threads.waits) == .waits'
    daemon_end
}

# What was before an interval is not in it, whether the process is older than the probes or not.
interval() {
    watched
    lab_start "$row" locks
    eventually 30 total_is "$LAB_PID" .on
    BEFORE=$(field .waits)
    waits 5
    ask contention -i 10ms -o json -p "$LAB_PID"
    expect_status 0
    expect_json '.interval_s == 0.01' "another interval"
    expect '.waits == 0 and (.locks | length) == 0 and .other.locks.waits == 0'
    storm 20
    eventually 10 total_is "$LAB_PID" ".waits > $((BEFORE + 5))"
    ask contention --count 2 -i 500ms -o jsonl -p "$LAB_PID"
    expect_status 0
    [[ $(jq -s 'map(select(.waits > 0 and (.locks[0].waits > 0) and .since_s >= 0.5)) | length' <<<"$OUTPUT") == 2 ]] || fail "$OUTPUT"
    [[ $(jq -s '.[0].now_ns == .[1].since_ns' <<<"$OUTPUT") == true ]] || fail "the second does not begin where the first ends"
    ask contention
    expect_status 0
    expect_output "^$LAB_PID "
    ask top -n 2 -i 1
    expect_status 0
    expect_output "^$LAB_PID .* [0-9.]+ +[0-9.]+ +off$"
    daemon_end
}

followed() {
    watched 'min_wait = 2ms'
    daemon_run_follower contention -f -o jsonl
    daemon_run_other contention -f -o jsonl --min-wait 10s
    waits 7
    eventually 20 follower_has 7 '.wait_ns >= 2000000 and .tid > 0 and .owner_tid > 0 and (.frames | length) > 0'
    jq -e '.wait_ns >= 2000000' "$FOLLOWER" >/dev/null || fail "a shorter wait"
    [[ ! -s $OTHER ]] || fail "a short wait was told: $(<"$OTHER")"
    daemon_end
}

waits_told() { # FILE JQ: of the workload's own, those that are so, in order
    jq -cR 'fromjson? | select(.thread == "Waiter")' "$1" | jq -c "select($2) | [.time, .tid, .owner_tid, .wait_ns]"
}

has_told() { [[ $(waits_told "$1" true | wc -l) == "$2" ]]; } # FILE COUNT

# Short ones and long ones: whoever asks for long ones gets those of all that are, each once.
followed_by_length() {
    local all wide
    watched
    daemon_run contention -f -o jsonl --min-wait 0 -p "$LAB_PID"
    all=$RUN
    daemon_run contention -f -o wide --min-wait 5ms -p "$LAB_PID"
    wide=$RUN
    daemon_run_follower contention -f -o jsonl --min-wait 5ms -p "$LAB_PID"
    lab_say "$LAB_PID" "waits 61 0 1"
    eventually 60 grep -q "^done waits 61 0 1 " "$LAB_OUT"
    waits 7
    eventually 20 has_told "$all" 68
    waits_told "$all" '.wait_ns >= 5000000' >"$E2E_TMP/long"
    (($(wc -l <"$E2E_TMP/long") >= 7)) || fail "waits of 20 ms are missing: $(<"$E2E_TMP/long")"
    eventually 20 has_told "$FOLLOWER" "$(wc -l <"$E2E_TMP/long")"
    waits_told "$FOLLOWER" true | diff "$E2E_TMP/long" - || fail "others than the long ones"
    [[ $(sort -u "$E2E_TMP/long" | wc -l) == "$(wc -l <"$E2E_TMP/long")" ]] || fail "one of them twice"
    waits_told "$all" '.owner_tid' | sed 's/^[^,]*,\([0-9]*,[0-9]*\).*/\1/' | sort -u >"$E2E_TMP/told"
    sed -n 's/^pair \([0-9]*\) \([0-9]*\) .*/\2,\1/p' "$LAB_OUT" | sort -u | diff - "$E2E_TMP/told" || fail "other threads"
    eventually 20 wide_has "$wide" "$(grep -c '"thread":"Waiter"' "$FOLLOWER")"
    daemon_end
}

wide_has() { [[ $(grep -c '^ \{15\}MonitorGate\.Enter$' "$1") == "$2" ]]; } # FILE COUNT: the stacks

daemon_run() { # VERB...: a follower, connected when this returns; its output is RUN
    local workload=$LAB_PID out=$LAB_OUT others
    others=$(status_is .clients.connected)
    lab_spawn "$CLRMON" --socket "$DAEMON_SOCKET" "$@"
    RUN=$LAB_OUT LAB_PID=$workload LAB_OUT=$out
    eventually 10 status_holds ".clients.connected == $((others + 1))"
}
daemon_run_follower() { daemon_run "$@"; FOLLOWER=$RUN; }
daemon_run_other() { daemon_run "$@"; OTHER=$RUN; }

# follower_has COUNT JQ: so many waits of the workload's own, that are so. The last line may be half a one as yet.
follower_has() { [[ $(jq -nR "[inputs | fromjson? | select(.thread == \"Waiter\" and ($2))] | length" "$FOLLOWER") == "$1" ]]; }

family_is() { # FAMILY JQ
    ask probes -j
    json_holds ".families[] | select(.family == \"$1\") | $2"
}

switched() {
    watched
    waits 3
    ask probes contention off -p "$LAB_PID"
    expect_status 0
    expect_output "^ +off for: $LAB_PID$"
    waits 5
    ask contention --total -j -p "$LAB_PID"
    expect_status 3
    expect ".on == false and .waits == $((BEFORE + 3)) and (.why | length) > 0"
    ask contention -i 10ms -p "$LAB_PID"
    expect_status 3
    ask probes contention on -p "$LAB_PID"
    waits 11
    eventually 10 counted 14

    ask probes contention off
    family_is contention '.on == false and .probes == 0' || fail "$OUTPUT"
    status_holds '.families.contention == false' || fail "$OUTPUT"
    has_metric '^clrmon_probe_family_enabled\{family="contention"\} 0$'
    waits 13
    ask probes contention on
    waits 19
    eventually 10 total_is "$LAB_PID" '.on'
    family_is contention '.on and .probes > 1 and .images >= 1' || fail "$OUTPUT"
    daemon_end
}

refused() {
    local words
    watched
    for words in 'gc off' 'gossip on' "contention off -p $$"; do
        # shellcheck disable=SC2086
        ask probes $words
        expect_status 3
        expect_one_error_line
    done
    family_is gc .on || fail "$OUTPUT"
    ask contention -p $$ -i 10ms
    expect_status 3
    expect_one_error_line
    daemon_end
}

off_from_the_beginning() {
    daemon_start 'contention = no'
    lab_start "$row" locks
    eventually 30 daemon_is "$LAB_PID" .gc
    family_is contention '.on == false' || fail "$OUTPUT"
    family_is managed_locks '.on == false' || fail "$OUTPUT"
    ask contention --total -p "$LAB_PID"
    expect_status 3
    expect_output "^$LAB_PID: "
    daemon_end
}

metric() { sed -n "s/^$1{pid=\"$LAB_PID\",.*} \(.*\)$/\1/p" "$E2E_TMP/metrics"; } # NAME: of the last scrape

measured() {
    watched
    waits 23
    eventually 10 metric_is "$LAB_PID" clrmon_monitor_lock_contentions_total $((BEFORE + 23))
    metric_is "$LAB_PID" clrmon_monitor_lock_wait_seconds_count $((BEFORE + 23)) || fail "another count"
    metric_is "$LAB_PID" clrmon_monitor_lock_wait_seconds_bucket $((BEFORE + 23)) ',le="+Inf"' || fail "another last bucket"
    ask contention --total -o json -p "$LAB_PID"
    expect ".waits == $(metric clrmon_monitor_lock_wait_seconds_count) and .wait_ns == ($(metric clrmon_monitor_lock_wait_seconds_sum) * 1e9 | round)"
    metric_is "$LAB_PID" clrmon_monitor_lock_waiters 0 || fail "somebody waits"
    if command -v promtool >/dev/null; then
        promtool check metrics <"$E2E_TMP/metrics" || fail "promtool has something to say"
    fi
    lab_stop "$LAB_PID"
    eventually 30 metric_is "$LAB_PID" clrmon_monitor_lock_contentions_total ''
    daemon_end
}

scenario "lists and tables" lists
scenario "an interval" interval
scenario "single waits" followed
scenario "single waits by their length" followed_by_length
scenario "families are switched" switched
scenario "what is not switched, and not known" refused
scenario "off from the beginning" off_from_the_beginning
scenario "metrics" measured
scenarios_end
