/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

static const struct planned_probe wanted[] = {
    {PROBE_GC_CONTROL, SITE_GC_CONTROL_PUBLIC_WKS, ABI_PROVIDER_PUBLIC, 0},
    {PROBE_GC_CONTROL, SITE_GC_CONTROL_PUBLIC_SVR, ABI_PROVIDER_PUBLIC, 0},
    {PROBE_GC_CONTROL, SITE_GC_CONTROL_PRIVATE_WKS, ABI_PROVIDER_PRIVATE, 0},
    {PROBE_GC_CONTROL, SITE_GC_CONTROL_PRIVATE_SVR, ABI_PROVIDER_PRIVATE, 0},
    {PROBE_PROVIDER_CALLBACK, SITE_PROVIDER_CALLBACK_RUNTIME, ABI_PROVIDER_PUBLIC, 0},
    {PROBE_PROVIDER_CALLBACK, SITE_PROVIDER_CALLBACK_PRIVATE, ABI_PROVIDER_PRIVATE, 0},
};

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

void plan_make(const struct findings *findings, struct plan *out)
{
    *out = (struct plan){0};
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        const struct finding *finding = &findings->sites[wanted[i].site];
        const struct planned_probe *same;

        if (!finding_is_found(finding) || !finding->offset)
            continue;
        same = at_offset(out, finding->offset);
        if (!same) {
            out->probes[out->count] = wanted[i];
            out->probes[out->count++].offset = finding->offset;
        } else if (same->provider != wanted[i].provider || same->program != wanted[i].program) {
            drop_offset(out, finding->offset);
        }
    }
}
