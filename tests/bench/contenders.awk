# From stopwatch's lines to a table. A label is GROUP/NAME; the ratios are to the first of the group,
# round by round.
BEGIN { FS = "\t" }
{
    seen($1)
    add("wall " $1, $2 / 1000); add("cpu " $1, $3 / 1000); add("peak " $1, $4 / 1024)
}
END {
    print "| contender | min | median | max | CPU | peak | ratio, median (min-max) |"
    print "|:--|--:|--:|--:|--:|--:|--:|"
    for (i = 1; i <= label_count; i++) row(labels[i])
}

function row(label,    parts) {
    split(label, parts, "/")
    if (!(parts[1] in first)) { first[parts[1]] = label; printf "| **%s** | | | | | | |\n", parts[1] }
    printf "| %s | %.1f | %.1f | %.1f | %.1f | %.1f | %s |\n", parts[2], quantile("wall " label, 0),
        quantile("wall " label, 0.5), quantile("wall " label, 1), quantile("cpu " label, 0.5),
        quantile("peak " label, 1), ratio(label, first[parts[1]])
}

function ratio(label, base,    i) {
    if (label == base) return "1"
    for (i = 1; i <= count["wall " label]; i++)
        add("ratio " label, samples["wall " label, i] / samples["wall " base, i])
    return sprintf("%.2f (%.2f-%.2f)", quantile("ratio " label, 0.5), quantile("ratio " label, 0),
        quantile("ratio " label, 1))
}
