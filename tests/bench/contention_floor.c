/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of what probes can cost: programs that do nothing but count themselves, at the same
 * sites, attached in the same way. Prints "ready", and answers each line on standard input with
 * "hits ENTRIES EXITS"; detaches and ends when its input does.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTER, EXIT, SITES_MAX, CPUS_MAX = 1024 };

static void die(const char *what)
{
    fprintf(stderr, "contention_floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void attach(struct bpf_object *object, const char *program, const char *path,
                   const char *offset)
{
    LIBBPF_OPTS(bpf_uprobe_opts, options);
    struct bpf_program *found = bpf_object__find_program_by_name(object, program);

    if (!found ||
        !bpf_program__attach_uprobe_opts(found, -1, path, strtoull(offset, NULL, 0), &options))
        die(offset);
}

static uint64_t hits_of(int map, uint32_t site)
{
    static uint64_t each[CPUS_MAX];
    uint64_t sum = 0;

    if (bpf_map_lookup_elem(map, &site, each) < 0)
        die("no count");
    for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
        sum += each[cpu];
    return sum;
}

int main(int argc, char **argv)
{
    struct bpf_object *object;
    char line[64];
    int map;

    if (argc < 5) {
        fputs("usage: contention_floor OBJECT IMAGE ENTRY EXIT...\n", stderr);
        return 2;
    }
    object = bpf_object__open_file(argv[1], NULL);
    if (!object || bpf_object__load(object) < 0 || libbpf_num_possible_cpus() > CPUS_MAX)
        die(argv[1]);
    for (int i = 4; i < argc; i++)
        attach(object, "leave", argv[2], argv[i]);
    attach(object, "enter", argv[2], argv[3]);
    map = bpf_object__find_map_fd_by_name(object, "hits");
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        printf("hits %llu %llu\n", (unsigned long long)hits_of(map, ENTER),
               (unsigned long long)hits_of(map, EXIT));
        fflush(stdout);
    }
    return 0;
}
