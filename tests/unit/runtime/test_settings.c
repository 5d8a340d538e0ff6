/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "runtime/settings.h"

#define PARSE(bytes, out)                                                                          \
    settings_parse(                                                                                \
        &(const struct environment){.text = (char[]){bytes}, .length = sizeof(bytes) - 1}, out)

static void nothing(void **state)
{
    struct settings settings;

    settings_parse(&(const struct environment){0}, &settings);
    assert_false(settings.diagnostics_off);
    assert_false(settings.profiling);
    assert_null(settings.startup_hooks);
    assert_int_equal(settings.ports.count, 0);
    assert_false(settings_is_on(settings.event_pipe));
    assert_null(settings_profiler_image(&settings, &(const struct maps){0}));
}

static void everything(void **state)
{
    struct settings settings;

    PARSE("DOTNET_EnableEventPipe=1\0COMPlus_EventPipeConfig=A:1:5\0DOTNET_EnableEventLog=1\0"
          "DOTNET_LTTng=0\0DOTNET_gcServer=1\0DOTNET_GCName=libclrgc.so\0"
          "DOTNET_STARTUP_HOOKS=/a.dll:/b.dll\0"
          "CORECLR_ENABLE_PROFILING=1\0CORECLR_PROFILER={1}\0CORECLR_PROFILER_PATH=/p.so\0"
          "DOTNET_DiagnosticPorts=/port,nosuspend",
          &settings);
    assert_true(settings_is_on(settings.event_pipe));
    assert_int_equal(settings.event_pipe.prefix, KNOB_DOTNET);
    assert_string_equal(settings.event_pipe_config.value, "A:1:5");
    assert_int_equal(settings.event_pipe_config.prefix, KNOB_COMPLUS);
    assert_true(settings_is_on(settings.event_log));
    assert_false(settings_is_on(settings.lttng));
    assert_true(settings_is_on(settings.gc_server));
    assert_string_equal(settings.gc_name.value, "libclrgc.so");
    assert_string_equal(settings.startup_hooks, "/a.dll:/b.dll");
    assert_true(settings.profiling);
    assert_string_equal(settings.profiler, "{1}");
    assert_string_equal(settings.profiler_path, "/p.so");
    assert_string_equal(settings.ports.entries[0].path, "/port");
    assert_false(settings.ports.entries[0].suspend);
}

static void diagnostics_port(void **state)
{
    struct settings settings;

    PARSE("DOTNET_EnableDiagnostics=0\0DOTNET_EnableDiagnostics_IPC=1", &settings);
    assert_true(settings.diagnostics_off);
    PARSE("DOTNET_EnableDiagnostics=1\0COMPlus_EnableDiagnostics_IPC=0", &settings);
    assert_true(settings.diagnostics_off);
    assert_int_equal(settings.diagnostics.prefix, KNOB_COMPLUS);
    PARSE("DOTNET_EnableDiagnostics_IPC=0", &settings);
    assert_true(settings.diagnostics_off);
    PARSE("DOTNET_EnableDiagnostics=1\0DOTNET_EnableDiagnostics_IPC=1", &settings);
    assert_false(settings.diagnostics_off);
    PARSE("DOTNET_EnableDiagnostics=no", &settings);
    assert_false(settings.diagnostics_off);
}

static void profiler(void **state)
{
    struct mapping entries[] = {
        {.path = "/real/libprofiler.so", .inode = 1, .permissions = MAPPING_EXECUTABLE}};
    const struct maps maps = {.entries = entries, .count = 1};
    struct settings settings;

    PARSE("CORECLR_ENABLE_PROFILING=1\0CORECLR_PROFILER_PATH=/none.so\0"
          "CORECLR_PROFILER_PATH_64=/opt/libprofiler.so\0"
          "CORECLR_PROFILER_PATH_ARM64=/opt/libprofiler.so",
          &settings);
    assert_ptr_equal(settings_profiler_image(&settings, &maps), &entries[0]);
    PARSE("CORECLR_ENABLE_PROFILING=0\0CORECLR_PROFILER_PATH=/none.so", &settings);
    assert_false(settings.profiling);
    assert_null(settings_profiler_image(&settings, &maps));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),
        cmocka_unit_test(everything),
        cmocka_unit_test(diagnostics_port),
        cmocka_unit_test(profiler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
