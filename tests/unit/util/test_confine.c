/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/resource.h>

/* The limit on CPU time, brought down to what a test can wait for. */
static int short_limits(int resource, const struct rlimit *limit)
{
    static const struct rlimit one_second = {1, 1};

    return setrlimit((__rlimit_resource_t)resource, resource == RLIMIT_CPU ? &one_second : limit);
}

/* A private mapping has uprobes' breakpoints in it, so files must not be mapped that way. */
static void *shared_map(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return flags == MAP_SHARED ? mmap(at, size, protection, flags, fd, offset) : MAP_FAILED;
}

#define setrlimit short_limits
#define mmap      shared_map
#include "../../../lib/util/confine.c"
#undef mmap
#undef setrlimit

#include <linux/futex.h>
#include <sys/socket.h>

struct reply {
    uint64_t numbers[4];
};

static struct reply reply;
static struct reason why;

static int file_of(const void *bytes, size_t size)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    assert_int_equal(write(fd, bytes, size), size);
    return fd;
}

/* @parser with two files, "first" and "the second". */
static int parse(confined_parser *parser, const void *data)
{
    _close_ int first = file_of("first", 5), second = file_of("the second", 10);
    struct confined_files files = {{first, second}, 2};

    reply = (struct reply){{0}};
    why.text[0] = 0;
    return confine_parse(&files, parser, data, &reply, sizeof(reply), &why);
}

static int answer(const struct mapped_file *maps, const void *data, void *to, struct reason *said)
{
    struct reply *out = to;

    out->numbers[0] = maps[0].size;
    out->numbers[1] = maps[1].size;
    out->numbers[2] = (uint64_t)((const char *)maps[1].data)[4];
    out->numbers[3] = *(const uint64_t *)data;
    *(uint64_t *)(uintptr_t)data = 0; /* in the child alone */
    return 0;
}

static void answers(void **state)
{
    uint64_t data = 0x1122334455667788;

    assert_int_equal(parse(answer, &data), 0);
    assert_int_equal(reply.numbers[0], 5);
    assert_int_equal(reply.numbers[1], 10);
    assert_int_equal(reply.numbers[2], 's');
    assert_int_equal(reply.numbers[3], data);
    assert_int_equal(data, 0x1122334455667788);
    assert_string_equal(why.text, "");
}

static int refuse(const struct mapped_file *maps, const void *data, void *to, struct reason *said)
{
    return reason_set(said, *(const int *)data, "truncated: %s", "a reason");
}

static void refuses(void **state)
{
    static const int errors[] = {-EBADMSG, -ENOEXEC, -EPROTO};

    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        assert_int_equal(parse(refuse, &errors[i]), errors[i]);
        assert_string_equal(why.text, "truncated: a reason");
    }
    assert_int_equal(parse(refuse, &(int){7}), -EPROTO); /* no error at all */
    assert_int_equal(parse(refuse, &(int){-ETIMEDOUT}), -ETIMEDOUT);
}

/* What a parser that is taken over may try. Each ends it, so that 0 is never answered. */
static int misbehave(const struct mapped_file *maps, const void *data, void *to,
                     struct reason *said)
{
    volatile uintptr_t nowhere = 8;

    switch (*(const int *)data) {
    case 0:
        abort();
    case 1:
        *(volatile int *)nowhere = 1;
        break;
    case 2:
        open("/etc/passwd", O_RDONLY);
        break;
    case 3:
        socket(AF_UNIX, SOCK_STREAM, 0);
        break;
    case 4:
        kill(getppid(), 0);
        break;
    case 5:
        fork();
        break;
    case 6:
        execl("/bin/true", "true", NULL);
        break;
    case 7:
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        break;
    case 8:
        unlink("/nothing");
        break;
    case 9:
        syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", NULL, 0);
        break;
    case 10:
        syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
        break;
    case 11:
        syscall(SYS_setrlimit, RLIMIT_CPU, NULL);
        break;
    case 12:
        syscall(SYS_exit_group, 0);
        break;
    default:
        break;
    }
    return 0;
}

static void misbehaves(void **state)
{
    for (int i = 0; i < 12; i++) {
        if (parse(misbehave, &i) != -EPROTO)
            fail_msg("case %d: answered, %s", i, why.text);
        assert_non_null(strstr(why.text, "its parser crashed: "));
        if (i > 1) /* the first two, the sanitizers have a word to say about */
            assert_string_equal(why.text, "its parser crashed: Bad system call");
    }
    assert_int_equal(parse(misbehave, &(int){12}), -EPROTO);
    assert_string_equal(why.text, "its parser ended without an answer");
    assert_int_equal(parse(misbehave, &(int){13}), 0);
}

static int eat(const struct mapped_file *maps, const void *data, void *to, struct reason *said)
{
    return mmap(NULL, 1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                   MAP_FAILED
               ? -ENOMEM
               : 0;
}

static void eats(void **state)
{
    if (!LIMITS_MEMORY)
        skip();
    assert_int_equal(parse(eat, NULL), -ENOMEM);
}

static int spin(const struct mapped_file *maps, const void *data, void *to, struct reason *said)
{
    volatile bool always = true;

    while (always)
        ;
    return 0;
}

static void spins(void **state)
{
    int64_t start = (int64_t)(clock_monotonic_ns() / NS_PER_MS);

    assert_int_equal(parse(spin, NULL), -EPROTO);
    assert_in_range((int64_t)(clock_monotonic_ns() / NS_PER_MS) - start, 500, 15000);
    assert_non_null(strstr(why.text, "its parser "));
}

/* Answers in full and then sleeps for ever, which costs no CPU time. */
static int answer_and_sleep(const struct mapped_file *maps, const void *data, void *to,
                            struct reason *said)
{
    struct header header = {.result = *(const int *)data};
    volatile int word = 0;

    write_all(STDIN_FILENO, &header, sizeof(header));
    write_all(STDIN_FILENO, to, sizeof(struct reply));
    while (!word)
        syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
    return 0;
}

static void sleeps_after_its_answer(void **state)
{
    int64_t start = (int64_t)(clock_monotonic_ns() / NS_PER_MS);

    assert_int_equal(parse(answer_and_sleep, &(int){0}), 0);
    assert_int_equal(parse(answer_and_sleep, &(int){-EBADMSG}), -EBADMSG);
    assert_int_equal(parse(answer_and_sleep, &(int){1}), -EPROTO);
    assert_in_range((int64_t)(clock_monotonic_ns() / NS_PER_MS) - start, 0, 15000);
}

static int half_an_answer(const struct mapped_file *maps, const void *data, void *to,
                          struct reason *said)
{
    struct header header = {.result = 0};

    write_all(STDIN_FILENO, &header, sizeof(header));
    write_all(STDIN_FILENO, to, sizeof(struct reply) - 1);
    syscall(SYS_exit_group, 0);
    return 0;
}

/* A reason that does not end, as only a parser that was taken over would give. */
static int endless_reason(const struct mapped_file *maps, const void *data, void *to,
                          struct reason *said)
{
    memset(said->text, 'x', sizeof(said->text));
    return -EBADMSG;
}

static void forged_answers(void **state)
{
    assert_int_equal(parse(half_an_answer, NULL), -EPROTO);
    assert_string_equal(why.text, "its parser ended without an answer");
    assert_int_equal(parse(endless_reason, NULL), -EBADMSG);
    assert_int_equal(strlen(why.text), sizeof(why.text) - 1);
}

static int read_after_truncation(const struct mapped_file *maps, const void *data, void *to,
                                 struct reason *said)
{
    return ((const volatile char *)maps[0].data)[4096] ? 0 : -ENODATA;
}

static int parse_file(int fd)
{
    struct confined_files files = {{fd}, 1};

    why.text[0] = 0;
    return confine_parse(&files, read_after_truncation, NULL, &reply, sizeof(reply), &why);
}

static void files_that_cannot_be(void **state)
{
    _close_ int empty = memfd_create("empty", MFD_CLOEXEC);
    _close_ int huge = memfd_create("huge", MFD_CLOEXEC);
    _close_ int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_int_equal(parse_file(empty), -ENOEXEC);
    assert_string_equal(why.text, "an empty file");
    assert_int_equal(ftruncate(huge, (4ll << 30) + 1), 0);
    assert_int_equal(parse_file(huge), -EFBIG);
    assert_string_equal(why.text, "4294967297 bytes, too large for a runtime image");
    assert_int_equal(parse_file(folder), -EINVAL);
    assert_string_equal(why.text, "not a regular file");
    assert_int_equal(parse_file(null), -EINVAL);
    assert_int_equal(parse_file(-1), -EBADF);
    assert_int_equal(
        confine_parse(&(struct confined_files){0}, answer, NULL, &reply, REPLY_SIZE_MAX + 1, &why),
        -EINVAL);
}

/* Its size says two pages, but the second is gone when it is read. */
static void truncated_meanwhile(void **state)
{
    static const int results[] = {SIGBUS, SIGXCPU, SIGSEGV};
    static const char *const texts[] = {"was truncated while it was read",
                                        "took more than 10 s of CPU to parse",
                                        "its parser crashed: Segmentation fault"};

    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        struct reason said = {""};

        assert_int_equal(explain_end(-EPROTO, results[i], &said), -EPROTO);
        assert_string_equal(said.text, texts[i]);
    }
}

static size_t descriptors(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");

    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void leaves_nothing(void **state)
{
    size_t before = descriptors();

    for (int i = 0; i < 3; i++)
        (void)!parse(misbehave, &(int){i});
    (void)!parse(answer, &(uint64_t){1});
    assert_int_equal(descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(refuses),
        cmocka_unit_test(misbehaves),
        cmocka_unit_test(eats),
        cmocka_unit_test(spins),
        cmocka_unit_test(sleeps_after_its_answer),
        cmocka_unit_test(forged_answers),
        cmocka_unit_test(files_that_cannot_be),
        cmocka_unit_test(truncated_meanwhile),
        cmocka_unit_test(leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
