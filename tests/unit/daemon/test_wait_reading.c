/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "relief.h"
#include "wait_reading.h"

/* On the kernel's own maps, though smaller ones: whatever is taken out of those that get full, all
 * stays counted. */

#define SIZE 64
#define PID  4711

struct probes {
    int maps[WAIT_MAP_MAX];
};

static struct probes probes;
static uint64_t waits, wait_ns; /* of PID */

int probes_map(const struct probes *of, enum wait_map map)
{
    return of->maps[map];
}

uint32_t probes_map_size(const struct probes *of, enum wait_map map)
{
    return SIZE;
}

static const size_t sizes[WAIT_MAP_MAX][2] = {
    [WAIT_MAP_PROCESSES] = {sizeof(uint32_t), sizeof(struct abi_wait_process)},
    [WAIT_MAP_SUMS] = {sizeof(struct abi_process_key), sizeof(struct abi_process_sums)},
    [WAIT_MAP_LOCKS] = {sizeof(struct abi_lock_key), sizeof(struct abi_lock_sums)},
    [WAIT_MAP_STACK_SUMS] = {sizeof(struct abi_stack_key), sizeof(struct abi_stack_sums)},
    [WAIT_MAP_THREADS] = {sizeof(struct abi_thread_key), sizeof(struct abi_thread_sums)},
    [WAIT_MAP_WAITING] = {sizeof(uint32_t), sizeof(struct abi_waiting)},
    [WAIT_MAP_STACKS] = {sizeof(uint32_t), ABI_STACK_DEPTH * sizeof(uint64_t)},
};

/* Who may not have maps can't test them. */
static int open_maps(void **state)
{
    waits = wait_ns = 0;
    for (size_t i = 0; i < WAIT_MAP_MAX; i++) {
        probes.maps[i] = bpf_map_create(BPF_MAP_TYPE_HASH, "test", (uint32_t)sizes[i][0],
                                        (uint32_t)sizes[i][1], SIZE, NULL);
        if (probes.maps[i] < 0)
            *state = &probes;
    }
    return 0;
}

static int close_maps(void **state)
{
    for (size_t i = 0; i < WAIT_MAP_MAX; i++)
        if (probes.maps[i] >= 0)
            close(probes.maps[i]);
    return 0;
}

static bool put(enum wait_map map, const void *key, const void *value)
{
    return wait_map_set(&probes, map, key, value) == 0;
}

/* One wait, as the programs count it: what there is no room for is "other". */
static void count(uint32_t pid, uint32_t i, uint64_t ns, struct abi_process_sums *process)
{
    const struct abi_wait_sum sum = {1, ns};

    if (!put(WAIT_MAP_LOCKS, &(struct abi_lock_key){0x1000 + 16 * i, pid, i % 5},
             &(struct abi_lock_sums){.sum = sum}))
        process->other_locks.waits++, process->other_locks.wait_ns += ns;
    if (!put(WAIT_MAP_STACK_SUMS, &(struct abi_stack_key){pid, ABI_WAIT_LOCK, i, 0, 0x5000 + i},
             &(struct abi_stack_sums){.sum = sum}))
        process->other_stacks.waits++, process->other_stacks.wait_ns += ns;
    if (!put(WAIT_MAP_THREADS, &(struct abi_thread_key){pid, 100 + i},
             &(struct abi_thread_sums){.sum = sum, .comm = "worker"}))
        process->other_threads.waits++, process->other_threads.wait_ns += ns;
    process->sum.waits++;
    process->sum.wait_ns += ns;
    process->histogram[3]++;
}

static void relieve(void *context, enum wait_map map, uint32_t pid, const void *key,
                    const void *value)
{
    if (pid == PID)
        wait_reading_relieve(&probes, context, map, key, value);
}

static size_t rows_of(enum wait_map map)
{
    _wait_rows_ struct wait_rows rows = {0};

    assert_int_equal(wait_rows_read(&probes, map, &rows), 0);
    return rows.count;
}

static void assert_all_is_counted(const struct waiter_process *process, size_t top)
{
    _wait_rows_ struct wait_rows stacks = {0};
    _contention_ struct contention seen = {.pid = PID};
    struct wait_question question = {&probes, process, &stacks, NULL, top, false};

    assert_int_equal(wait_rows_read(&probes, WAIT_MAP_STACK_SUMS, &stacks), 0);
    assert_int_equal(wait_reading_lists(&question, &seen), 0);
    assert_int_equal(seen.sum.waits, waits);
    assert_int_equal(seen.sum.wait_ns, wait_ns);
    for (enum contention_by by = 0; by < CONTENTION_BY_MAX; by++) {
        struct wait_sum sum = seen.lists[by].other;

        assert_true(seen.lists[by].count <= top);
        for (size_t i = 0; i < seen.lists[by].count; i++) {
            sum.waits += seen.lists[by].items[i].sum.waits;
            sum.wait_ns += seen.lists[by].items[i].sum.wait_ns;
        }
        assert_int_equal(sum.waits, waits);
        assert_int_equal(sum.wait_ns, wait_ns);
    }
}

static void fill(struct abi_process_sums *sums, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        count(PID, i, 1000 + i * 7919 % 1009, sums);
    waits = sums->sum.waits;
    wait_ns = sums->sum.wait_ns;
    assert_true(put(WAIT_MAP_SUMS, &(struct abi_process_key){PID, ABI_WAIT_LOCK}, sums));
}

static void test_full_maps(void **state)
{
    static const enum wait_map relieved[] = {WAIT_MAP_LOCKS, WAIT_MAP_STACK_SUMS, WAIT_MAP_THREADS};
    struct waiter_process process = {.pid = PID};
    struct abi_process_sums sums = {0}, another = {0};

    if (*state)
        skip();
    for (uint32_t round = 0; round < 10; round++) {
        count(1, round, 5000 + round, &another); /* of another process, among them */
        fill(&sums, round * 61, (round + 1) * 61);
        assert_all_is_counted(&process, 256);
        assert_all_is_counted(&process, 3);
        relief_make_room(&probes, relieve, &process);
        for (size_t i = 0; i < ARRAY_SIZE(relieved); i++)
            assert_true(rows_of(relieved[i]) <= SIZE / 2);
        assert_all_is_counted(&process, 256);
    }
    assert_true(sums.other_locks.waits > 0); /* some came while there was no room */
    assert_true(process.relieved.other[CONTENTION_BY_LOCK].waits > 0);
}

/* The largest stay; what is not full loses nothing. */
static void test_which_are_taken(void **state)
{
    struct waiter_process process = {.pid = PID};
    struct abi_process_sums sums = {0};
    struct abi_lock_sums lock;

    if (*state)
        skip();
    fill(&sums, 0, SIZE / 2);
    relief_make_room(&probes, relieve, &process);
    assert_int_equal(process.relieved.other[CONTENTION_BY_LOCK].waits, 0);
    fill(&sums, SIZE / 2, SIZE - 1);
    count(PID, SIZE, UINT64_C(1) << 40, &sums);
    relief_make_room(&probes, relieve, &process);
    assert_int_equal(process.relieved.other[CONTENTION_BY_LOCK].waits, SIZE / 2);
    assert_int_equal(wait_map_get(&probes, WAIT_MAP_LOCKS,
                                  &(struct abi_lock_key){0x1000 + 16 * SIZE, PID, SIZE % 5}, &lock),
                     0);
}

/* What threads have not handed over yet is counted too, wherever else they or their locks are. */
static void test_pending(void **state)
{
    struct waiter_process process = {.pid = PID};
    struct abi_process_sums sums = {0};
    struct abi_waiting thread = {
        .pid = PID,
        .pending = {.sum = {3, 700}, .longest_ns = 400},
        .entries = {{.lock = 0x1000, .caller = 0x5000}},
    };

    if (*state)
        skip();
    for (uint32_t tid = 100; tid < 110; tid++) {
        thread.entries[0].owner = tid % 3;
        thread.entries[0].lock = tid % 4 ? 0x1000 + tid : 0;
        assert_true(put(WAIT_MAP_WAITING, &tid, &thread));
        sums.sum.waits += 3;
        sums.sum.wait_ns += 700;
    }
    thread.pid = PID + 1;
    assert_true(put(WAIT_MAP_WAITING, &(uint32_t){200}, &thread));
    fill(&sums, 0, SIZE / 2);
    assert_all_is_counted(&process, SIZE);
    assert_all_is_counted(&process, 2);
}

/* Nor is it lost when nobody is known to wait any more. */
static void test_pending_stays(void **state)
{
    struct abi_waiting thread = {.pid = PID, .depth = 2, .pending = {.sum = {3, 700}}};
    const uint32_t tid = 100;

    if (*state)
        skip();
    assert_true(put(WAIT_MAP_WAITING, &tid, &thread));
    assert_int_equal(relief_forget_waiting(&probes, ABI_WAIT_HANDLE), 0);
    assert_int_equal(relief_forget_waiting(&probes, ABI_WAIT_LOCK), 2);
    assert_int_equal(wait_map_get(&probes, WAIT_MAP_WAITING, &tid, &thread), 0);
    assert_int_equal(thread.depth, 0);
    assert_int_equal(thread.pending.sum.waits, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_full_maps, open_maps, close_maps),
        cmocka_unit_test_setup_teardown(test_which_are_taken, open_maps, close_maps),
        cmocka_unit_test_setup_teardown(test_pending, open_maps, close_maps),
        cmocka_unit_test_setup_teardown(test_pending_stays, open_maps, close_maps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
