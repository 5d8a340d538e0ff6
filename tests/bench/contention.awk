# CONTENDER, COMMAND, ns and ns of the processor for each wait or lock, how many. The added cost is to "nothing" of the same round.
BEGIN {
    FS = "\t"
    title["handoff"] = "a wait"; title["uncontended"] = "a lock that nobody else wants"
    name["nothing"] = "nothing"; name["probes"] = "clrmond's probes"; name["floor"] = "programs that only count themselves, same sites"
    name["trace"] = "dotnet-trace, 0x4000:4"; name["listener"] = "an EventListener in the process, 0x4000:4"
}
{
    key = $2 " " $1
    seen(key)
    command[key] = $2; contender[key] = $1
    if ($1 == "nothing") { wall[$2] = $3; cpu[$2] = $4 }
    add("wall " key, $3); add("cpu " key, $4); add("more " key, $3 - wall[$2]); add("more cpu " key, $4 - cpu[$2]); add("n " key, $5)
}
END { for (i = 1; i <= label_count; i++) row(labels[i]) }

function three(what) { return sprintf("%.2f (%.2f to %.2f)", quantile(what, 0.5) / unit, quantile(what, 0) / unit, quantile(what, 1) / unit) }

function row(key) {
    unit = command[key] == "handoff" ? 1000 : 1
    if (!(command[key] in begun)) {
        begun[command[key]] = 1
        printf "%s| %s: %s, median (least to most) | clock | added | processor | added | rounds | of them |\n", NR ? "\n" : "",
            title[command[key]], unit == 1000 ? "us" : "ns"
        print "|:--|--:|--:|--:|--:|--:|--:|"
    }
    printf "| %s | %s | %s | %s | %s | %d | %d |\n", name[contender[key]], three("wall " key), three("more " key), three("cpu " key),
        three("more cpu " key), count["wall " key], quantile("n " key, 0.5)
}
