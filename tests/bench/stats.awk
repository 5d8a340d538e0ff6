# Samples by name, in the order of their first appearance; to be loaded before a table.

function add(name, value) { samples[name, ++count[name]] = value }

function seen(label) { if (!(label in known)) { known[label] = 1; labels[++label_count] = label } }

function sorted(name, out,    i, j, value) {
    for (i = 1; i <= count[name]; i++) {
        value = samples[name, i]
        for (j = i - 1; j >= 1 && out[j] > value; j--) out[j + 1] = out[j]
        out[j + 1] = value
    }
    return count[name]
}

# quantile("x", 0) is the least, ("x", 0.5) the median, ("x", 1) the most.
function quantile(name, part,    n, at, out) {
    n = sorted(name, out)
    at = 1 + part * (n - 1)
    return (out[int(at)] + out[int(at + 0.5)]) / 2
}
