# From lines of LABEL, longest gap in microseconds, times done, times stopped, microseconds stopped, to
# a table: the gaps over the rounds, the others summed up.
BEGIN { FS = "\t" }
{ seen($1); add("gap " $1, $2 / 1000); done[$1] += $3; stops[$1] += $4; stopped[$1] += $5 / 1000 }
END {
    print "| beside the target | done | times stopped | stopped, ms | gap: min | median | max |"
    print "|:--|--:|--:|--:|--:|--:|--:|"
    for (i = 1; i <= label_count; i++) row(labels[i])
}

function row(label) {
    printf "| %s | %s | %d | %.0f | %.1f | %.1f | %.1f |\n", label, done[label] ? done[label] : "-",
        stops[label], (stopped[label] > 0 ? stopped[label] : 0), quantile("gap " label, 0), quantile("gap " label, 0.5),
        quantile("gap " label, 1)
}
