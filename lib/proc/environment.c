/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/environment.h"

#include <string.h>

#include "proc/procfs.h"

int environment_read(pid_t pid, struct environment *out, struct reason *why)
{
    ssize_t length = procfs_load(pid, "environ", ENVIRONMENT_BYTES_MAX, &out->text);

    out->length = length > 0 ? (size_t)length : 0;
    out->cut = length == ENVIRONMENT_BYTES_MAX;
    return length < 0 ? procfs_reason(pid, (int)length, why) : 0;
}

void environment_close(struct environment *environment)
{
    free(environment->text);
    *environment = (struct environment){0};
}

const char *environment_get(const struct environment *environment, const char *name)
{
    size_t name_length = strlen(name);

    for (size_t at = 0; at < environment->length; at += strlen(environment->text + at) + 1) {
        const char *entry = environment->text + at;

        if (strncmp(entry, name, name_length) == 0 && entry[name_length] == '=')
            return entry + name_length + 1;
    }
    return NULL;
}

const char *knob_prefix_text(enum knob_prefix prefix)
{
    static const char *const texts[] = {
        [KNOB_UNSET] = "",
        [KNOB_DOTNET] = "DOTNET_",
        [KNOB_COMPLUS] = "COMPlus_",
    };

    return texts[prefix];
}

struct knob environment_knob(const struct environment *environment, const char *name)
{
    for (enum knob_prefix prefix = KNOB_DOTNET; prefix <= KNOB_COMPLUS; prefix++) {
        char full_name[96];
        const char *value;

        snprintf(full_name, sizeof(full_name), "%s%s", knob_prefix_text(prefix), name);
        value = environment_get(environment, full_name);
        if (value && *value)
            return (struct knob){.value = value, .prefix = prefix};
    }
    return (struct knob){0};
}

uint64_t knob_number(const char *value, uint64_t otherwise)
{
    char *end;
    uint64_t number;

    if (!value)
        return otherwise;
    errno = 0;
    number = strtoul(value, &end, 16);
    return end == value || errno == ERANGE || number > UINT32_MAX ? otherwise : number;
}
