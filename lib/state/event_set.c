/* SPDX-License-Identifier: Apache-2.0 */
#include "state/event_set.h"

#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"

#define PREFIX "Microsoft-Windows-DotNETRuntime"

struct keyword {
    uint64_t bit;
    const char *name;
};

static const struct keyword runtime_keywords[] = {
    {0x1, "GC"},
    {0x2, "GCHandle"},
    {0x4, "AssemblyLoader"},
    {0x8, "Loader"},
    {0x10, "Jit"},
    {0x20, "NGen"},
    {0x40, "StartEnumeration"},
    {0x80, "EndEnumeration"},
    {0x400, "Security"},
    {0x800, "AppDomainResourceManagement"},
    {0x1000, "JitTracing"},
    {0x2000, "Interop"},
    {0x4000, "Contention"},
    {0x8000, "Exception"},
    {0x10000, "Threading"},
    {0x20000, "JittedMethodILToNativeMap"},
    {0x40000, "OverrideAndSuppressNGenEvents"},
    {0x80000, "Type"},
    {0x100000, "GCHeapDump"},
    {0x200000, "GCSampledObjectAllocationHigh"},
    {0x400000, "GCHeapSurvivalAndMovement"},
    {0x800000, "GCHeapCollect"},
    {0x1000000, "GCHeapAndTypeNames"},
    {0x2000000, "GCSampledObjectAllocationLow"},
    {0x20000000, "PerfTrack"},
    {0x40000000, "Stack"},
    {0x80000000, "ThreadTransfer"},
    {0x100000000, "Debugger"},
    {0x200000000, "Monitoring"},
    {0x400000000, "CodeSymbols"},
    {0x800000000, "EventSource"},
    {0x1000000000, "Compilation"},
    {0x2000000000, "CompilationDiagnostic"},
    {0x4000000000, "MethodDiagnostic"},
    {0x8000000000, "TypeDiagnostic"},
    {0x10000000000, "JitInstrumentationData"},
    {0x20000000000, "Profiler"},
    {0x40000000000, "WaitHandle"},
    {0x80000000000, "AllocationSampling"},
    {0, NULL},
};

static const struct keyword private_keywords[] = {
    {0x1, "GCPrivate"},
    {0x2, "Binding"},
    {0x4, "NGenForceRestore"},
    {0x8, "PrivateFusion"},
    {0x10, "LoaderHeapPrivate"},
    {0x20, "DynamicTypeUsage"},
    {0x400, "SecurityPrivate"},
    {0x2000, "InteropPrivate"},
    {0x4000, "GCHandlePrivate"},
    {0x20000, "MulticoreJitPrivate"},
    {0x20000000, "PerfTrackPrivate"},
    {0x40000000, "StackPrivate"},
    {0x80000000, "Startup"},
    {0, NULL},
};

static const struct keyword rundown_keywords[] = {
    {0x1, "GC"},
    {0x8, "Loader"},
    {0x10, "Jit"},
    {0x20, "NGen"},
    {0x40, "StartRundown"},
    {0x100, "EndRundown"},
    {0x800, "AppDomainResourceManagement"},
    {0x10000, "Threading"},
    {0x20000, "JittedMethodILToNativeMap"},
    {0x40000, "OverrideAndSuppressNGenEvents"},
    {0x20000000, "PerfTrack"},
    {0x40000000, "Stack"},
    {0x80000000, "ThreadTransfer"},
    {0x2000000000, "CompilationDiagnostic"},
    {0, NULL},
};

static const struct keyword stress_keywords[] = {{0x40000000, "Stack"}, {0, NULL}};

static const struct {
    const char *name;
    const char *short_name;
    const struct keyword *keywords;
} providers[PROVIDER_MAX] = {
    [PROVIDER_RUNTIME] = {PREFIX, "Runtime", runtime_keywords},
    [PROVIDER_PRIVATE] = {PREFIX "Private", "Private", private_keywords},
    [PROVIDER_RUNDOWN] = {PREFIX "Rundown", "Rundown", rundown_keywords},
    [PROVIDER_STRESS] = {PREFIX "Stress", "Stress", stress_keywords},
};

const char *provider_name(enum provider provider)
{
    return providers[provider].name;
}

const char *provider_short_name(enum provider provider)
{
    return providers[provider].short_name;
}

enum provider provider_of_name(const char *name)
{
    enum provider provider = 0;

    while (provider < PROVIDER_MAX && strcmp(providers[provider].name, name) != 0)
        provider++;
    return provider;
}

void level_format(struct event_set set, char text[static LEVEL_TEXT_MAX])
{
    static const char *const names[] = {"LogAlways", "Critical",      "Error",
                                        "Warning",   "Informational", "Verbose"};
    const char *name = set.level < ARRAY_SIZE(names) ? names[set.level] : "Level";

    if (!set.level && !set.keywords)
        name = "None";
    snprintf(text, LEVEL_TEXT_MAX, "%s(%u)", name, set.level);
}

void keywords_format(enum provider provider, uint64_t keywords, char text[static KEYWORDS_TEXT_MAX])
{
    size_t used = 0;

    strcpy(text, keywords == UINT64_MAX && provider < PROVIDER_MAX ? "all" : "");
    if (text[0] || provider == PROVIDER_MAX)
        return;
    for (const struct keyword *keyword = providers[provider].keywords; keyword->name; keyword++) {
        if (!(keywords & keyword->bit))
            continue;
        if (used + strlen(", ") + strlen(keyword->name) + sizeof(", ...") > KEYWORDS_TEXT_MAX) {
            strcpy(text + used, ", ...");
            return;
        }
        used += (size_t)sprintf(text + used, "%s%s", used ? ", " : "", keyword->name);
    }
}
