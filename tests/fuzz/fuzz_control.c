/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "control/protocol.h"

/* Any bytes as a request and as an answer; what was understood says the same when it is said again.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_request(const uint8_t *data, size_t size)
{
    struct control_request first = {0}, second = {0};
    struct reason why = {""};
    _free_ char *packet = NULL;

    if (control_request_parse(data, size, &first, &why) < 0) {
        if (!why.text[0])
            __builtin_trap();
        return;
    }
    packet = control_request_format(&first, &size);
    if (!packet || control_request_parse(packet, size, &second, &why) < 0 ||
        first.verb != second.verb || first.pid != second.pid || first.since_us != second.since_us ||
        first.until_us != second.until_us || first.limit != second.limit ||
        first.follow != second.follow || first.top != second.top || first.bare != second.bare ||
        first.min_wait_ns != second.min_wait_ns || first.on != second.on ||
        strcmp(first.family, second.family) != 0)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_answer answer;
    struct reason why = {""};

    fuzz_request(data, size);
    if (control_answer_parse(data, size, &answer, &why) == 0)
        json_decref(answer.item);
    return 0;
}
