/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/site.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SYMBOLS_MAX 5

/* Mangled names: GCEventStatus in src/coreclr/gc/gceventstatus.h; contexts in
 * src/coreclr/vm/eventtrace.cpp; provider and sessions in vm/eventpipe.cpp (3.x),
 * src/native/eventpipe/ep.c (5.0 and later); locks in vm/syncblk.cpp; waits in
 * vm/comwaithandle.cpp. An exit is no symbol. */
static const struct {
    const char *name;
    bool function;
    const char *symbols[SYMBOLS_MAX];
} sites[SITE_MAX] = {
    [SITE_GC_STATE_LEVELS] = {"gc.state.levels", false, {"_ZN13GCEventStatus13enabledLevelsE"}},
    [SITE_GC_STATE_KEYWORDS] = {"gc.state.keywords",
                                false,
                                {"_ZN13GCEventStatus15enabledKeywordsE"}},
    [SITE_GC_CONTROL_PUBLIC_WKS] =
        {"gc.control.public.wks",
         true,
         {"_ZN3WKS6GCHeap13ControlEventsE14GCEventKeyword12GCEventLevel"}},
    [SITE_GC_CONTROL_PUBLIC_SVR] =
        {"gc.control.public.svr",
         true,
         {"_ZN3SVR6GCHeap13ControlEventsE14GCEventKeyword12GCEventLevel"}},
    [SITE_GC_CONTROL_PRIVATE_WKS] =
        {"gc.control.private.wks",
         true,
         {"_ZN3WKS6GCHeap20ControlPrivateEventsE14GCEventKeyword12GCEventLevel"}},
    [SITE_GC_CONTROL_PRIVATE_SVR] =
        {"gc.control.private.svr",
         true,
         {"_ZN3SVR6GCHeap20ControlPrivateEventsE14GCEventKeyword12GCEventLevel"}},
    [SITE_PROVIDER_CONTEXT_RUNTIME] = {"provider.context.runtime",
                                       false,
                                       {"MICROSOFT_WINDOWS_DOTNETRUNTIME_PROVIDER_DOTNET_Context",
                                        "MICROSOFT_WINDOWS_DOTNETRUNTIME_PROVIDER_Context"}},
    [SITE_PROVIDER_CONTEXT_PRIVATE] =
        {"provider.context.private",
         false,
         {"MICROSOFT_WINDOWS_DOTNETRUNTIME_PRIVATE_PROVIDER_DOTNET_Context",
          "MICROSOFT_WINDOWS_DOTNETRUNTIME_PRIVATE_PROVIDER_Context"}},
    [SITE_PROVIDER_CONTEXT_RUNDOWN] =
        {"provider.context.rundown",
         false,
         {"MICROSOFT_WINDOWS_DOTNETRUNTIME_RUNDOWN_PROVIDER_DOTNET_Context",
          "MICROSOFT_WINDOWS_DOTNETRUNTIME_RUNDOWN_PROVIDER_Context"}},
    [SITE_PROVIDER_CONTEXT_STRESS] =
        {"provider.context.stress",
         false,
         {"MICROSOFT_WINDOWS_DOTNETRUNTIME_STRESS_PROVIDER_DOTNET_Context",
          "MICROSOFT_WINDOWS_DOTNETRUNTIME_STRESS_PROVIDER_Context"}},
    [SITE_PROVIDER_CALLBACK_RUNTIME] =
        {"provider.callback.runtime",
         true,
         {"_Z33EventPipeEtwCallbackDotNETRuntimePK5_GUIDjhmmP21EventFilterDescriptorPv",
          "_Z33EventPipeEtwCallbackDotNETRuntimeP14minipal_guid__jhmmP22_EventFilterDescriptorPv"}},
    [SITE_PROVIDER_CALLBACK_PRIVATE] =
        {"provider.callback.private",
         true,
         {"_Z40EventPipeEtwCallbackDotNETRuntimePrivatePK5_GUIDjhmmP21EventFilterDescriptorPv",
          "_Z40EventPipeEtwCallbackDotNETRuntimePrivateP14minipal_guid__jhmmP22_"
          "EventFilterDescriptorPv"}},
    [SITE_EVENTPIPE_PROVIDER_RUNTIME] = {"eventpipe.provider.runtime",
                                         false,
                                         {"EventPipeProviderDotNETRuntime"}},
    [SITE_EVENTPIPE_SESSIONS] = {"eventpipe.sessions",
                                 false,
                                 {"_ep_sessions", "_ZN9EventPipe11s_pSessionsE"}},
    [SITE_LOCK_CONTENTION_ENTER] = {"lock.contention.enter",
                                    true,
                                    {"_ZN9AwareLock17EnterEpilogHelperEP6Threadi"}},
    [SITE_LOCK_CONTENTION_EXIT] = {"lock.contention.exit", true, {NULL}},
    [SITE_WAIT_ENTER] = {"wait.handle.enter",
                         true,
                         {"WaitHandle_WaitOneCore", "_ZN16WaitHandleNative16CorWaitOneNativeEPvii",
                          "_ZN16WaitHandleNative16CorWaitOneNativeEPvi",
                          "_ZN16WaitHandleNative16CorWaitOneNativeEP10SafeHandleibb"}},
    [SITE_WAIT_EXIT] = {"wait.handle.exit", true, {NULL}},
    [SITE_EVENTPIPE_WRITE] = {"eventpipe.write",
                              true,
                              {"_ZN9EventPipe10WriteEventER14EventPipeEventPhjPK5_GUIDS5_"}},
};

static const char *const source_names[SOURCE_MAX] = {
    [SOURCE_NONE] = "none", [SOURCE_SYMTAB] = "symtab",       [SOURCE_DEBUG_FILE] = "debug file",
    [SOURCE_PACK] = "pack", [SOURCE_STRUCTURE] = "structure",
};

static const char *const confidence_names[CONFIDENCE_MAX] = {
    [CONFIDENCE_NONE] = "none",
    [CONFIDENCE_PROVEN] = "proven",
    [CONFIDENCE_CERTAIN] = "certain",
};

const char *site_name(enum site site)
{
    return sites[site].name;
}

const char *source_name(enum source source)
{
    return source_names[source];
}

const char *confidence_name(enum confidence confidence)
{
    return confidence_names[confidence];
}

enum site site_of_name(const char *name)
{
    enum site site = 0;

    while (site < SITE_MAX && strcmp(sites[site].name, name) != 0)
        site++;
    return site;
}

enum source source_of_name(const char *name)
{
    for (enum source source = 0; source < SOURCE_MAX; source++)
        if (strcmp(source_names[source], name) == 0)
            return source;
    return SOURCE_NONE;
}

enum confidence confidence_of_name(const char *name)
{
    for (enum confidence confidence = 0; confidence < CONFIDENCE_MAX; confidence++)
        if (strcmp(confidence_names[confidence], name) == 0)
            return confidence;
    return CONFIDENCE_NONE;
}

bool site_is_function(enum site site)
{
    return sites[site].function;
}

const char *const *site_symbols(enum site site)
{
    return sites[site].symbols;
}

void findings_add(struct findings *findings, enum site site, enum source source,
                  enum confidence confidence, uint64_t address, const char *evidence, ...)
{
    struct finding *finding = &findings->sites[site];
    va_list args;

    if (finding_is_found(finding))
        return;
    finding->address = address;
    finding->source = source;
    finding->confidence = confidence;
    va_start(args, evidence);
    vsnprintf(finding->evidence, sizeof(finding->evidence), evidence, args);
    va_end(args);
}

void findings_miss(struct findings *findings, enum site site, const char *why, ...)
{
    struct finding *finding = &findings->sites[site];
    va_list args;

    if (finding_is_found(finding) || finding->evidence[0])
        return;
    va_start(args, why);
    vsnprintf(finding->evidence, sizeof(finding->evidence), why, args);
    va_end(args);
}

static bool is_address(uint64_t address)
{
    return address <= ADDRESS_MAX;
}

static bool exits_are_credible(const struct function_exits *exits)
{
    if (exits->count > EXITS_MAX)
        return false;
    for (size_t i = 0; i < exits->count; i++)
        if (!is_address(exits->items[i].address) || exits->items[i].offset > INT64_MAX ||
            exits->items[i].kind > EXIT_THROWS)
            return false;
    return true;
}

bool findings_are_credible(const struct findings *findings)
{
    const struct lock_layout *lock = &findings->lock;

    return exits_are_credible(&findings->lock_exits) && exits_are_credible(&findings->wait_exits) &&
           findings->marks.start <= MARK_VERSION_MAX && findings->marks.stop <= MARK_VERSION_MAX &&
           findings->events.count <= EVENTS_MAX && findings->events.variables <= ADDRESS_MAX &&
           lock->holder < LOCK_SIZE_MAX && lock->owner_tid < LOCK_SIZE_MAX &&
           lock->sync_index < LOCK_SIZE_MAX && lock->thread_tid < THREAD_SIZE_MAX &&
           lock->sync_table <= ADDRESS_MAX;
}
