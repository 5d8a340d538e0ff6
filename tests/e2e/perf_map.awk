# Of a perf map, "ADDRESS SIZE NAME" for each method that was JIT'd, as contract_names calls it: without its signature and without
# what it is instantiated for. A line of the map is "ADDRESS SIZE RETURNS [MODULE] TYPE::METHOD(ARGUMENTS)[TIER]".
# Of an address that was given to a second method, after the first one's code was freed, the last counts.
/\[(PreJIT|ReadyToRun)\]$/ || / stub(<[0-9]+>)? / || !/::/ { next }
{
    at = index($0, "::")
    type = substr($0, 1, at - 1)
    method = substr($0, at + 2)
    while (match(type, /\[[^][]*\] /))
        type = substr(type, RSTART + RLENGTH)
    sub(/\[.*/, "", type)
    sub(/\(.*/, "", method)
    sub(/\[.*/, "", method)
    if (!($1 in name))
        order[++count] = $1
    size[$1] = $2
    name[$1] = type == "dynamicClass" ? method : type "." method
}
END {
    for (i = 1; i <= count; i++)
        print order[i], size[order[i]], name[order[i]]
}
