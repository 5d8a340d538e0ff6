/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* @json, which is released, is the golden text: with ' for " and ` for ' so that it can be read. */
static inline void expect_golden(json_t *json, const char *golden)
{
    char *text = json_dumps(json, 0), *want = strdup(golden);

    assert_non_null(text);
    for (char *at = want; *at; at++)
        *at = *at == '\'' ? '"' : *at == '`' ? '\'' : *at;
    assert_string_equal(text, want);
    free(text);
    free(want);
    json_decref(json);
}
