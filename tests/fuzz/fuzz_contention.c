/* SPDX-License-Identifier: Apache-2.0 */
#include "contention/contention_json.h"

/* What was understood of a process's contention says the same when it is said again, whole or in
 * parts, and can be subtracted from itself. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int decode(json_t *json, struct contention *out)
{
    struct reason why = {""};
    int r = json ? contention_from_json(json, out, &why) : -1;

    if (json && r < 0 && !why.text[0])
        __builtin_trap();
    json_decref(json);
    return r;
}

static void join(const struct contention *from, size_t most, struct contention *out)
{
    struct contention_place place = {0};
    json_t *json = contention_part(from, &place, most);

    if (decode(json, out) < 0)
        __builtin_trap();
    while ((json = contention_part(from, &place, most))) {
        _contention_ struct contention part = {0};

        if (decode(json, &part) < 0 || contention_append(out, &part) < 0)
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _contention_ struct contention first = {0}, second = {0};

    if (decode(json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL), &first) < 0)
        return 0;
    join(&first, size / 2, &second);
    for (enum contention_by by = 0; by < CONTENTION_BY_MAX; by++)
        if (first.lists[by].count != second.lists[by].count)
            __builtin_trap();
    contention_subtract(&second, &first);
    if (second.sum.waits || second.sum.wait_ns || contention_quantile(&second, 0.99))
        __builtin_trap();
    for (enum contention_by by = 0; by < CONTENTION_BY_MAX; by++)
        contended_list_cut(&first.lists[by], 1);
    return 0;
}
