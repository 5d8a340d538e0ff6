/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>

#include "report/json.h"
#include "report/report.h"
#include "report/sessions.h"

/*
 * Observed processes for the renderings, and what they print.
 */

static struct located fixture_image;

/* A process of 10.0.14 with GC verbose on and one client. */
static inline void fixture_verbose(struct report *report)
{
    struct observation *seen = &report->observation;
    struct identity *identity = &fixture_image.inspection.identity;

    memset(report, 0, sizeof(*report));
    *identity = (struct identity){.machine = 62, .version = "10.0.14", .build_id = {"\xab\xcd", 2}};
    report->pid = 2147483000; /* nobody's */
    report->opened = true;
    report->target.image = report->target.gc = &fixture_image;
    report->target.process = (struct process){.pid = report->pid,
                                              .namespace_pid = report->pid,
                                              .name = "dotnet",
                                              .command = "dotnet app.dll"};
    report->target.runtime.flavour = FLAVOUR_SELF_CONTAINED;
    report->target.runtime.libc = LIBC_MUSL;
    seen->gc_readable = seen->provider_readable = true;
    seen->sessions_readable = seen->clients_readable = true;
    seen->gc.public = (struct event_set){5, 0x8001};
    strcpy(seen->gc_source, "structure");
    seen->contexts[PROVIDER_RUNTIME][SINK_EVENTPIPE] =
        (struct observed_context){true, {true, {5, 0x8001}}};
    seen->contexts[PROVIDER_STRESS][SINK_LTTNG] = (struct observed_context){true, {false, {0, 0}}};
    seen->provider = (struct event_set){5, 0x8001};
    seen->provider_sessions = 1;
    seen->sessions.count = 1;
    seen->sessions.items[0] = (struct session){
        .address = 0x7f0012345678,
        .type = SESSION_IPC_STREAM,
        .start = 134399754002500000,
        .rundown_known = true,
        .wants_rundown = true,
        .buffer_bytes = 256 << 20,
        .providers = {{"Microsoft-Windows-DotNETRuntime", {5, 0x8001}, ""}},
        .provider_count = 1,
        .fd = 44,
        .socket = 4711,
    };
    seen->clients.peer_count = 1;
    seen->clients.peers[0] =
        (struct peer){.pid = 77, .name = "dotnet-trace", .command = "dotnet-trace", .uid = 1000};
    seen->clients.connections[seen->clients.connection_count++] =
        (struct diagnostics_connection){.socket = 4711, .far = FAR_PEER, .unread = 4096};
    judge(seen, LEVEL_VERBOSE, &report->judgement);
}

/* The same, with @on of the runtime's own provider on for its session. */
static inline void fixture_sessions(struct sessions_report *report, struct event_set on)
{
    static struct report checked;
    struct survey *survey = &report->survey;

    fixture_verbose(&checked);
    memset(report, 0, sizeof(*report));
    report->pid = checked.pid;
    report->opened = true;
    report->target = checked.target;
    survey->seen = checked.observation;
    survey->judgement = checked.judgement;
    survey->providers_readable = true;
    survey->providers.count = 1;
    survey->providers.items[0] = (struct provider_state){"Microsoft-Windows-DotNETRuntime", on, 1};
    account_of(&survey->seen, &survey->providers, &survey->account);
}

/* One that could not be looked at. */
static inline void fixture_failed(struct report *report)
{
    memset(report, 0, sizeof(*report));
    report->pid = 4711;
    report->target.process = (struct process){.pid = 4711, .namespace_pid = 7};
    strcpy(report->why.text, "cannot read /proc/4711: Permission denied");
    report->judgement.verdict = VERDICT_UNKNOWN;
}
