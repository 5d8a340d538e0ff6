/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "exposition.h"
#include "health.h"
#include "store.h"

/*
 * What is known now as Prometheus reads it. Pure: every scrape is made from the store and the
 * health as they are, so the series of a process end with it.
 *
 * Labels of a process are pid, name (its comm), version (of the runtime) and container (12 hex
 * digits; "": none), in every family; a family has at most two more, whose values are few. A number
 * that is not known is absent, not zero.
 *
 * @now: CLOCK_MONOTONIC, ns. @text is NUL-terminated and the caller's to free; @size is without the
 * NUL. -EFBIG for more than EXPOSITION_SIZE_MAX, -ENOMEM; the outputs are untouched then.
 */
_must_check_ int metrics_render(const struct store *store, const struct health *health,
                                uint64_t now, enum exposition_format format, char **text,
                                size_t *size, struct reason *why);
