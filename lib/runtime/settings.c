/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/settings.h"

#include "util/text.h"

bool settings_is_on(struct knob knob)
{
    return knob_number(knob.value, 0) != 0;
}

static const char *get_text(const struct environment *environment, const char *name)
{
    const char *value = environment_get(environment, name);

    return value && *value ? value : NULL;
}

static const char *profiler_path(const struct environment *environment)
{
    static const char *const names[] = {
#ifdef __aarch64__
        "CORECLR_PROFILER_PATH_ARM64",
#else
        "CORECLR_PROFILER_PATH_64",
#endif
        "CORECLR_PROFILER_PATH",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *path = get_text(environment, names[i]);

        if (path)
            return path;
    }
    return NULL;
}

/* The one that is 0, if any is. */
static struct knob diagnostics_knob(const struct environment *environment)
{
    struct knob all = environment_knob(environment, "EnableDiagnostics");
    struct knob port = environment_knob(environment, "EnableDiagnostics_IPC");

    return knob_number(all.value, 1) != 0 && port.value ? port : all;
}

void settings_parse(const struct environment *environment, struct settings *out)
{
    const char *profiling = environment_get(environment, "CORECLR_ENABLE_PROFILING");

    *out = (struct settings){
        .event_pipe = environment_knob(environment, "EnableEventPipe"),
        .event_pipe_config = environment_knob(environment, "EventPipeConfig"),
        .event_log = environment_knob(environment, "EnableEventLog"),
        .lttng = environment_knob(environment, "LTTng"),
        .user_events = environment_knob(environment, "EnableUserEvents"),
        .gc_server = environment_knob(environment, "gcServer"),
        .gc_name = environment_knob(environment, "GCName"),
        .diagnostics = diagnostics_knob(environment),
        .startup_hooks = get_text(environment, "DOTNET_STARTUP_HOOKS"),
        .profiling = knob_number(profiling, 0) == 1,
        .profiler = get_text(environment, "CORECLR_PROFILER"),
        .profiler_path = profiler_path(environment),
    };
    out->diagnostics_off = knob_number(out->diagnostics.value, 1) == 0;
    diagnostic_ports_parse(environment_knob(environment, "DiagnosticPorts").value, &out->ports);
}

const struct mapping *settings_profiler_image(const struct settings *settings,
                                              const struct maps *maps)
{
    if (!settings->profiler_path)
        return NULL;
    return maps_find(maps, text_file_name(settings->profiler_path));
}
