# From stopwatch's lines to each contender's share for one of PROCESSES.
BEGIN { FS = "\t" }
{ seen($1); add($1, $2 / 1000) }
END {
    for (i = 1; i <= label_count; i++) {
        split(labels[i], parts, "/")
        printf "%s%s %.2f ms", i == 1 ? "\nA process's share: " : "; ", parts[2], quantile(labels[i], 0.5) / processes
    }
    print ""
}
