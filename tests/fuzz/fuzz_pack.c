/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "locate/pack.h"

/* What one pack says is what its own export says: encoded and read again it is the same. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct inspection first, second;
    struct reason why = {""};
    json_t *pack, *again = NULL;

    if (pack_parse((const char *)data, size, &first, &why) < 0)
        return why.text[0] ? 0 : (__builtin_trap(), 0);
    pack = pack_encode(&first);
    if (!pack || pack_decode(pack, &second, &why) < 0 || !(again = pack_encode(&second)) ||
        !json_equal(pack, again) || !findings_are_credible(&first.findings) ||
        memcmp(&first.identity.build_id, &second.identity.build_id, sizeof(struct build_id)) != 0 ||
        memcmp(&first.fingerprint, &second.fingerprint, sizeof(first.fingerprint)) != 0 ||
        memcmp(first.findings.sites, second.findings.sites, sizeof(first.findings.sites)) != 0)
        __builtin_trap();
    json_decref(pack);
    json_decref(again);
    return 0;
}
