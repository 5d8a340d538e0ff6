/* SPDX-License-Identifier: Apache-2.0 */
#include "report/json.h"

#include "locate/identity.h"

json_t *json_hex(uint64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "0x%llx", (unsigned long long)number);
    return json_string(text);
}

json_t *json_text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

const char *json_text_at(const json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));

    return text ? text : "";
}

json_t *json_runtime(const struct target *target)
{
    const struct identity *identity = &target->image->inspection.identity;
    char build_id[BUILD_ID_TEXT_MAX];

    build_id_format(&identity->build_id, build_id);
    return json_pack(
        "{s:o, s:s, s:o, s:s, s:s, s:s}", "version", json_text_or_null(target_version(target)),
        "flavour", flavour_text(target->runtime.flavour), "build_id", json_text_or_null(build_id),
        "arch", machine_name(identity->machine), "libc", libc_text(target->runtime.libc), "gc",
        gc_flavour_text(runtime_gc_flavour(&target->process, &target->runtime.settings)));
}

json_t *json_process(const struct process *process)
{
    return json_pack("{s:i, s:i, s:s, s:s, s:o}", "pid", (int)process->pid, "namespace_pid",
                     (int)process->namespace_pid, "name", process->name, "command",
                     process->command, "container", json_text_or_null(process->container));
}

void json_print(json_t *value, bool one_line)
{
    json_dumpf(value, stdout, one_line ? JSON_COMPACT : JSON_INDENT(2));
    putchar('\n');
    json_decref(value);
}
