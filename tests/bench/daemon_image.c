/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A synthetic runtime, in which the GC's state can be found as in a real one: two "GCs" whose
 * tables of functions have ControlEvents and ControlPrivateEvents side by side (leaf functions that
 * store level and keywords of the public and of the private provider), and a slot that answers 1 in
 * the one GC and a variable in the other. To be built as a shared object named libcoreclr.so and
 * the options in "daemon": so each function begins with the push of the frame pointer, as the real
 * ones do, which the kernel need not step through.
 */
#include <stdint.h>

typedef void control(void *gc, uint32_t keywords, uint32_t level);
typedef uint32_t number_of_heaps(void *gc);

struct gc_functions {
    control *control_public;
    control *control_private;
    number_of_heaps *first; /* the same in both */
    number_of_heaps *heaps;
};

static volatile int32_t levels[2];
static volatile int32_t keywords_of[2];
static volatile uint32_t heaps = 2;

/* Two stores each. The compiler must not take two that are the same for one. */
#define CONTROL(name, provider)                                                                    \
    __attribute__((noinline, aligned(32))) static void name(void *gc, uint32_t keywords,           \
                                                            uint32_t level)                        \
    {                                                                                              \
        levels[provider] = (int32_t)level;                                                         \
        keywords_of[provider] = (int32_t)keywords;                                                 \
    }

CONTROL(workstation_public, 0)
CONTROL(workstation_private, 1)
CONTROL(server_public, 0)
CONTROL(server_private, 1)

static uint32_t zero(void *gc)
{
    return 0;
}

static uint32_t one_heap(void *gc)
{
    return 1;
}

static uint32_t some_heaps(void *gc)
{
    return heaps;
}

static const struct gc_functions workstation = {workstation_public, workstation_private, zero,
                                                one_heap};
static const struct gc_functions server = {server_public, server_private, zero, some_heaps};

/* What the loader calls in a real one; here it gives the tables away. */
__attribute__((visibility("default"))) const void *coreclr_initialize(int is_server)
{
    return is_server ? &server : &workstation;
}
