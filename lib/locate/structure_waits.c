/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/entry_points.h"
#include "locate/exits.h"
#include "locate/structure.h"

/*
 * WaitHandle.WaitOne(), and with it System.Threading.Lock and all that is built on events, blocks
 * in one native function that managed code calls by name:
 *
 *     INT32 WaitHandle_WaitOneCore(HANDLE, INT32 timeout, BOOL useTrivialWaits)    QCall, 10.0
 *     FCIMPL WaitHandleNative::CorWaitOneNative(HANDLE, INT32 timeout)             before
 *
 * (src/coreclr/vm/comwaithandle.cpp).
 */

static const struct {
    const char *name;
    enum entry_shape shape;
} entries[] = {
    {"WaitHandle_WaitOneCore", ENTRY_QCALL}, /* 10.0 */
    {"WaitOneCore", ENTRY_FCALL},            /* 3.0 to 9.0 */
    {"WaitOneNative", ENTRY_FCALL},          /* before */
};

static uint64_t find_entry(const struct image *image, const char **name)
{
    uint64_t start = 0;

    for (size_t i = 0; i < ARRAY_SIZE(entries) && !start; i++) {
        *name = entries[i].name;
        start = entry_points_find_only(image, *name, entries[i].shape);
    }
    return start;
}

int structure_find_waits(const struct code *code, struct clues *clues, struct findings *findings,
                         struct reason *why)
{
    struct reason miss = {""};
    const char *name;
    uint64_t start = find_entry(code->image, &name);

    if (!start)
        return reason_set(why, -ENOENT, "the image lists no function WaitHandle_WaitOneCore");
    findings_add(findings, SITE_WAIT_ENTER, SOURCE_STRUCTURE, CONFIDENCE_PROVEN, start,
                 "listed as %s", name);
    if (exits_find(code, start, &findings->wait_exits, &miss) < 0)
        return reason_set(why, -ENOENT, "not all ways out are known: %s", miss.text);
    findings_add(findings, SITE_WAIT_EXIT, SOURCE_STRUCTURE, CONFIDENCE_PROVEN,
                 findings->wait_exits.items[0].address,
                 "the first of %zu ways out of 0x%llx, of which each call passes one",
                 findings->wait_exits.count, (unsigned long long)start);
    return 0;
}
