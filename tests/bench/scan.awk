# From stopwatch's lines, where a label is NAME/BYTES (0: no image), to a table of time for size: of processor
# time, which the machine's other work changes least.
BEGIN { FS = "\t" }
{ seen($1); add("wall " $1, $2 / 1000); add("cpu " $1, $3 / 1000); add("peak " $1, $4 / 1024) }
END {
    print "| image | MB | min | median | max | CPU | peak | CPU/MB |"
    print "|:--|--:|--:|--:|--:|--:|--:|--:|"
    for (i = 1; i <= label_count; i++) row(labels[i])
}

function row(label,    parts, cpu) {
    split(label, parts, "/")
    cpu = quantile("cpu " label, 0.5)
    printf "| %s | %s | %.1f | %.1f | %.1f | %.1f | %.1f | %s |\n", parts[1], per(parts[2] / 1e6, 1),
        quantile("wall " label, 0), quantile("wall " label, 0.5), quantile("wall " label, 1), cpu,
        quantile("peak " label, 1), parts[2] ? per(cpu / (parts[2] / 1e6), 2) : "-"
}

function per(value, digits) { return value ? sprintf("%.*f", digits, value) : "-" }
