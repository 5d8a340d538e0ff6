/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/structure.h"

/* The search of an image's code: what it disassembles and follows is all in the file. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings = {0};
    struct reason why;
    struct image image;

    if (size > 1 << 20 || image_open(&image, data, size, &why) < 0)
        return -1;
    (void)!structure_find(&image, NULL, &findings, &why);
    for (enum site site = 0; site < SITE_MAX; site++)
        if (finding_is_found(&findings.sites[site]) &&
            !(site_is_function(site) ? image_is_code(&image, findings.sites[site].address)
                                     : image_is_writable(&image, findings.sites[site].address)))
            __builtin_trap();
    image_close(&image);
    return 0;
}
