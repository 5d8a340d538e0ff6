/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <string.h>

static const char *const family_names[PROBES_FAMILY_MAX] = {
    [PROBES_GC] = "gc",
    [PROBES_CONTENTION] = "contention",
    [PROBES_MANAGED_LOCKS] = "managed_locks",
    [PROBES_EVENTS] = "events",
};

static const struct planned_probe wanted_of_gc[] = {
    {PROBE_GC_CONTROL, SITE_GC_CONTROL_PUBLIC_WKS, ABI_PROVIDER_PUBLIC, 0},
    {PROBE_GC_CONTROL, SITE_GC_CONTROL_PUBLIC_SVR, ABI_PROVIDER_PUBLIC, 0},
    {PROBE_GC_CONTROL, SITE_GC_CONTROL_PRIVATE_WKS, ABI_PROVIDER_PRIVATE, 0},
    {PROBE_GC_CONTROL, SITE_GC_CONTROL_PRIVATE_SVR, ABI_PROVIDER_PRIVATE, 0},
    {PROBE_PROVIDER_CALLBACK, SITE_PROVIDER_CALLBACK_RUNTIME, ABI_PROVIDER_PUBLIC, 0},
    {PROBE_PROVIDER_CALLBACK, SITE_PROVIDER_CALLBACK_PRIVATE, ABI_PROVIDER_PRIVATE, 0},
};

const char *probe_family_name(enum probe_family family)
{
    return family_names[family];
}

enum probe_family probe_family_of_name(const char *name)
{
    enum probe_family family = 0;

    while (family < PROBES_FAMILY_MAX && strcmp(family_names[family], name) != 0)
        family++;
    return family;
}

static const struct planned_probe *at_offset(const struct plan *plan, uint64_t offset)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->probes[i].offset == offset)
            return &plan->probes[i];
    return NULL;
}

static void drop_offset(struct plan *plan, uint64_t offset)
{
    size_t kept = 0;

    for (size_t i = 0; i < plan->count; i++)
        if (plan->probes[i].offset != offset)
            plan->probes[kept++] = plan->probes[i];
    plan->count = kept;
}

static void plan_gc(const struct findings *findings, struct plan *out, struct reason *why)
{
    for (size_t i = 0; i < ARRAY_SIZE(wanted_of_gc); i++) {
        const struct planned_probe *wanted = &wanted_of_gc[i];
        const struct finding *finding = &findings->sites[wanted->site];
        const struct planned_probe *same;

        if (!finding_is_found(finding) || !finding->offset)
            continue;
        same = at_offset(out, finding->offset);
        if (!same) {
            out->probes[out->count] = *wanted;
            out->probes[out->count++].offset = finding->offset;
        } else if (same->cookie != wanted->cookie || same->program != wanted->program) {
            drop_offset(out, finding->offset);
        }
    }
    if (!out->count)
        reason_set(why, 0, "no function to probe was found in it");
}

static uint64_t cookie_of_lock(const struct lock_layout *lock)
{
    return abi_lock_cookie((struct abi_lock_layout){
        .holder = lock->holder_is_thread ? lock->holder : 0,
        .owner_tid = lock->owner_tid,
        .thread_tid = lock->thread_tid,
    });
}

struct waits {
    enum site entry, exit;
    enum probe_program enter, leave;
    const struct function_exits *exits;
    uint64_t cookie;
};

static void plan_waits(const struct findings *findings, const struct waits *waits, struct plan *out,
                       struct reason *why)
{
    const struct finding *entry = &findings->sites[waits->entry];

    if (!finding_is_found(entry) || !entry->offset || !waits->exits->count) {
        const struct finding *missing =
            finding_is_found(entry) ? &findings->sites[waits->exit] : entry;

        reason_set(
            why, 0, "%.60s: %.160s", site_name(missing == entry ? waits->entry : waits->exit),
            missing->evidence[0] && !finding_is_found(missing) ? missing->evidence : "not found");
        return;
    }
    for (size_t i = 0; i < waits->exits->count && i < EXITS_MAX; i++) {
        const struct function_exit *exit = &waits->exits->items[i];

        out->probes[out->count++] = (struct planned_probe){
            waits->leave, waits->exit,
            exit->kind == EXIT_THROWS ? ABI_EXIT_THROWS : ABI_EXIT_RETURNS, exit->offset};
    }
    out->probes[out->count++] =
        (struct planned_probe){waits->enter, waits->entry, waits->cookie, entry->offset};
}

static void plan_locks(const struct findings *findings, const struct waits *locks, struct plan *out,
                       struct reason *why)
{
    plan_waits(findings, locks, out, why);
    if (out->count || !findings->marks.found)
        return;
    out->probes[out->count++] =
        (struct planned_probe){PROBE_MARK_STOP, SITE_LOCK_CONTENTION_EXIT, findings->marks.stop, 0};
    out->probes[out->count++] = (struct planned_probe){PROBE_MARK_START, SITE_LOCK_CONTENTION_ENTER,
                                                       findings->marks.start, 0};
}

bool plan_is_by_marks(const struct plan *plan)
{
    return plan->count && plan->probes[0].program == PROBE_MARK_STOP;
}

static void plan_events(const struct findings *findings, struct plan *out, struct reason *why)
{
    const struct finding *write = &findings->sites[SITE_EVENTPIPE_WRITE];

    if (finding_is_found(write) && write->offset)
        out->probes[out->count++] =
            (struct planned_probe){PROBE_EVENT_WRITE, SITE_EVENTPIPE_WRITE, 0, write->offset};
    else
        reason_set(why, 0, "%.60s: %.160s", site_name(SITE_EVENTPIPE_WRITE),
                   write->evidence[0] ? write->evidence : "not found");
}

void plan_make(const struct findings *findings, enum probe_family family, struct plan *out,
               struct reason *why)
{
    const struct waits locks = {SITE_LOCK_CONTENTION_ENTER, SITE_LOCK_CONTENTION_EXIT,
                                PROBE_LOCK_ENTER,           PROBE_LOCK_EXIT,
                                &findings->lock_exits,      cookie_of_lock(&findings->lock)};
    const struct waits handles = {SITE_WAIT_ENTER, SITE_WAIT_EXIT,        PROBE_WAIT_ENTER,
                                  PROBE_WAIT_EXIT, &findings->wait_exits, 0};

    *out = (struct plan){0};
    if (family == PROBES_GC)
        plan_gc(findings, out, why);
    else if (family == PROBES_EVENTS)
        plan_events(findings, out, why);
    else if (family == PROBES_CONTENTION)
        plan_locks(findings, &locks, out, why);
    else
        plan_waits(findings, &handles, out, why);
}
