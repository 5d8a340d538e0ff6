# From daemon_arrivals' lines to a table, in milliseconds: an event's own time to the line's arrival, and our
# change to the first line's.
BEGIN { FS = "\t" }
{
    seen($1); add("event " $1, $2 / 1000)
    if ($3 != "-") add("change " $1, $3 / 1000)
    causes[$1, $4]++; all_causes[$4]
}
END {
    print "| change | lines | from the event's time: min | median | p95 | max | from our change: min | median | max | causes |"
    print "|:--|--:|--:|--:|--:|--:|--:|--:|--:|:--|"
    for (i = 1; i <= label_count; i++) row(labels[i])
}

function row(label,    change) {
    change = "change " label
    printf "| %s | %d | %.2f | %.2f | %.2f | %.2f |", label, count["event " label], quantile("event " label, 0),
        quantile("event " label, 0.5), quantile("event " label, 0.95), quantile("event " label, 1)
    if (count[change]) printf " %.1f | %.1f | %.1f |", quantile(change, 0), quantile(change, 0.5), quantile(change, 1)
    else printf " - | - | - |"
    for (cause in all_causes) if (causes[label, cause]) printf " %s %d", cause, causes[label, cause]
    print " |"
}
