# From lines of LABEL and figures, whose names are in the variable "names", separated by tabs, to a table: the least,
# the median, the most. A figure "-" is none.
BEGIN { FS = "\t"; columns = split(names, name, "\t") }
{
    seen($1)
    for (i = 1; i <= columns; i++) if ($(i + 1) != "-") add($1 " " i, $(i + 1))
}
END {
    printf "| median (min-max) |"
    for (i = 1; i <= columns; i++) printf " %s |", name[i]
    printf "\n|:--|"
    for (i = 1; i <= columns; i++) printf "--:|"
    print ""
    for (row = 1; row <= label_count; row++) {
        printf "| %s |", labels[row]
        for (i = 1; i <= columns; i++) printf " %s |", cell(labels[row] " " i)
        print ""
    }
}

function cell(key) {
    if (!count[key]) return "-"
    if (quantile(key, 0) == quantile(key, 1)) return short(quantile(key, 0))
    return short(quantile(key, 0.5)) " (" short(quantile(key, 0)) "-" short(quantile(key, 1)) ")"
}

function short(value) { return value == int(value) ? sprintf("%d", value) : sprintf(value < 1 ? "%.3f" : "%.1f", value) }
