/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/protocol.h"

/*
 * The program itself ($CLRMON) against a daemon that says what the test wants. The real one is
 * asked by the e2e tests.
 */

#define ITEM(object) "{\"version\":1,\"type\":\"item\",\"item\":" object "}"
#define END          "{\"version\":1,\"type\":\"end\"}"
#define DROPPED      "{\"version\":1,\"type\":\"dropped\",\"count\":12}"
#define ERROR        "{\"version\":1,\"type\":\"error\",\"reason\":\"the history is being repaired\"}"

#define EVENT_OF(id, pid, name)                                                                    \
    "{\"schema\":\"clrmon.event/1\",\"id\":" id ",\"time\":\"2020-11-24T06:29:59.123456Z\","       \
    "\"kind\":\"process.exit\",\"pid\":" pid ",\"name\":\"" name "\",\"tid\":1,\"thread\":\"\"}"

#define PROCESS(pid, name, command, verdict, level, more)                                          \
    "{\"pid\":" pid ",\"namespace_pid\":" pid ",\"name\":\"" name "\",\"command\":\"" command      \
    "\",\"container\":null,\"runtime\":{\"version\":\"8.0.11\"},"                                  \
    "\"gc\":{\"public\":{\"level\":" level ",\"keywords\":\"0x1\",\"level_name\":\"Level(" level   \
    ")\"}},\"sessions\":[{},{}],\"verdict\":\"" verdict "\",\"reasons\":[\"because\"]" more "}"

#define QUIET PROCESS("10", "orders", "dotnet orders.dll", "off", "0", "")
#define LEAKED                                                                                     \
    PROCESS("11", "billing", "billing", "leaked", "5",                                             \
            ",\"verbose_seconds\":65.5,\"sessions_count\":3")

struct fixture {
    char folder[64];
    char path[96];
    int listening;
    pid_t child;
    int output, errors; /* what it prints */
    char request[4096];
    char printed[65536];
    char complaint[4096];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strcpy(fixture->folder, "/tmp/clrmon-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/control.sock", fixture->folder);
    strcpy(address.sun_path, fixture->path);
    fixture->listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fixture->listening, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fixture->listening, 4), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    cleanup_close(&fixture->listening);
    unlink(fixture->path);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

static void run(struct fixture *fixture, const char *const *arguments)
{
    const char *argv[20] = {getenv("CLRMON"), "--socket", fixture->path};
    int output[2], errors[2];

    if (!argv[0])
        skip();
    for (size_t i = 0; arguments[i]; i++)
        argv[3 + i] = arguments[i];
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
    fixture->child = fork();
    if (fixture->child == 0) {
        dup2(output[1], STDOUT_FILENO);
        dup2(errors[1], STDERR_FILENO);
        setenv("TZ", "UTC", 1);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(output[1]);
    close(errors[1]);
    fixture->output = output[0];
    fixture->errors = errors[0];
}

/* Takes one request and gives the packets. */
static int serve(struct fixture *fixture, const char *const *packets)
{
    struct pollfd waits[] = {{.fd = fixture->listening, .events = POLLIN}, {.fd = fixture->errors}};
    ssize_t size;
    int fd;

    assert_true(poll(waits, 2, -1) > 0 && waits[0].revents); /* else it has ended without asking */
    fd = accept(fixture->listening, NULL, NULL);
    size = recv(fd, fixture->request, sizeof(fixture->request) - 1, 0);

    assert_true(size > 0);
    fixture->request[size] = 0;
    for (; *packets; packets++)
        assert_int_equal(send(fd, *packets, strlen(*packets), MSG_NOSIGNAL), strlen(*packets));
    return fd;
}

static void read_all(int fd, char *text, size_t size)
{
    size_t used = 0;
    ssize_t n;

    while (used + 1 < size && (n = read(fd, text + used, size - 1 - used)) > 0)
        used += (size_t)n;
    text[used] = 0;
    close(fd);
}

/* The exit status. */
static int finish(struct fixture *fixture)
{
    int status;

    read_all(fixture->output, fixture->printed, sizeof(fixture->printed));
    read_all(fixture->errors, fixture->complaint, sizeof(fixture->complaint));
    assert_int_equal(waitpid(fixture->child, &status, 0), fixture->child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#define LIST(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static int ask(struct fixture *fixture, const char *const *arguments, const char *const *packets)
{
    int fd;

    run(fixture, arguments);
    fd = serve(fixture, packets);
    close(fd);
    return finish(fixture);
}

static void status(void **state)
{
    static const char answer[] = ITEM(
        "{\"schema\":\"clrmon.status/1\",\"version\":\"0.1.0\",\"uptime_seconds\":187200.0,"
        "\"watching\":{\"by\":\"polling\",\"reason\":\"no BPF here\",\"poll_seconds\":5.0},"
        "\"images\":[{\"number\":1,\"path\":\"/a/libcoreclr.so\",\"version\":\"8.0.11\","
        "\"build_id\":\"0123\",\"source\":\"structure\",\"probes\":6,\"processes\":3,"
        "\"trouble\":null,\"families\":{\"contention\":{\"probes\":0,\"trouble\":\"no exit\"}}}],"
        "\"families\":{\"gc\":true,\"contention\":false},\"more_images\":2,\"records\":{"
        "\"received\":5,\"lost\":{\"ring_full\":"
        "3,"
        "\"read\":4}},\"hits\":{\"exec\":9},\"cost\":{\"seconds_per_hit\":2e-6,\"seconds\":0.5},"
        "\"events\":77,\"history\":{\"bytes\":1048576,\"dropped\":0,\"trouble\":\"disk full\"},"
        "\"auto_reset\":{\"setting\":\"leaked\",\"put_back\":3,\"refused\":2,\"failed\":1},"
        "\"clients\":{\"connected\":1,\"dropped\":0},\"loop\":{\"longest_seconds\":0.002},"
        "\"process\":{\"resident_bytes\":2097152,\"cpu_seconds\":1.5}}");
    static const char *const wanted[] = {
        "clrmond 0.1.0, up 2d04h, watching by polling every 5 s\n        no BPF here\n",
        "5 received, 7 lost (ring_full 3, read 4)",
        "9 hits (exec 9)",
        "about 0.500 s",
        "2000 ns",
        "1.0 MiB, 0 events dropped\n        disk full\n",
        "8.0.11     structure       6         3 0123\n        /a/libcoreclr.so\n"
        "        contention: no exit\n",
        "families  gc on, contention off\n",
        "reset     leaked, 3 put back, 2 refused, 1 failed\n",
        "and 2 more",
        "2.0 MiB resident",
    };
    struct fixture *fixture = *state;

    assert_int_equal(ask(fixture, LIST("status"), LIST(answer, END)), 0);
    assert_string_equal(fixture->request, "{\"version\":1,\"verb\":\"status\"}");
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
        assert_non_null(strstr(fixture->printed, wanted[i]));
    assert_int_equal(ask(fixture, LIST("status", "-j"), LIST(answer, END)), 0);
    assert_non_null(strstr(fixture->printed, "\"schema\": \"clrmon.status/1\""));
    assert_int_equal(ask(fixture, LIST("status"), LIST(ITEM("{}"), END)), 0);
}

static void errors(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(ask(fixture, LIST("history"), LIST(ERROR)), 3);
    assert_string_equal(fixture->complaint, "clrmon history: the history is being repaired\n");
    assert_int_equal(ask(fixture, LIST("status"), LIST("no JSON")), 3);
    assert_int_equal(ask(fixture, LIST("events"), LIST(ITEM(EVENT_OF("1", "5", "a")))), 3);
    assert_string_equal(fixture->complaint, "clrmon events: clrmond has hung up\n");
    assert_non_null(strstr(fixture->printed, " exit"));
    close(fixture->listening);
    fixture->listening = -1;
    run(fixture, LIST("check", "--daemon"));
    assert_int_equal(finish(fixture), 3);
    assert_non_null(strstr(fixture->complaint, "is it running?"));
}

static void usage(void **state)
{
    static const char *const lines[][6] = {
        {"events", "--since", "whenever"},
        {"events", "-o", "json"},
        {"events", "more"},
        {"history", "-f"},
        {"history", "--until", ""},
        {"top", "-i", "0"},
        {"top", "-n", "x"},
        {"status", "-p", "1"},
        {"events", "-p", "0"},
        {"check", "--daemon", "--grace", "1"},
        {"check", "--daemon", "-o", "prom"},
        {"check", "--daemon", "--no-cache"},
        {"contention", "-i", "0"},
        {"contention", "-i", "2h"},
        {"contention", "--by", "colour"},
        {"contention", "--top", "257"},
        {"contention", "--min-wait", "1s"},
        {"contention", "-f", "--total"},
        {"contention", "-f", "-j"},
        {"contention", "--total", "--count", "2"},
        {"contention", "--total", "-i", "2"},
        {"contention", "-f", "-i", "2"},
        {"contention", "--duration", "2"},
        {"contention", "--eventpipe"},
        {"contention", "--eventpipe", "-p", "1", "-i", "2"},
        {"contention", "-o", "prom"},
        {"contention", "more"},
        {"probes", "gc"},
        {"probes", "gc", "maybe"},
        {"probes", "-p", "1"},
        {"probes", "gc", "on", "more"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        run(fixture, lines[i]);
        assert_int_equal(finish(fixture), 4);
        assert_non_null(strstr(fixture->complaint, "usage: "));
    }
}

static void help(void **state)
{
    static const char *const lines[][6] = {
        {"check", "-h"},      {"events", "--help"}, {"history", "--since", "x", "-h"},
        {"top", "--help"},    {"status", "-h"},     {"contention", "-h"},
        {"probes", "--help"}, {"ps", "-h"},         {"symbols", "-h"},
        {"doctor", "--help"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        char wanted[64];

        snprintf(wanted, sizeof(wanted), "usage: clrmon %s ", lines[i][0]);
        run(fixture, lines[i]);
        assert_int_equal(finish(fixture), 0);
        assert_memory_equal(fixture->printed, wanted, strlen(wanted));
        assert_string_equal(fixture->complaint, "");
    }
    run(fixture, LIST("status", "--colour"));
    assert_int_equal(finish(fixture), 4);
    assert_memory_equal(fixture->complaint, "clrmon status: unrecognized", 27);
}

static void socket_after_the_verb(void **state)
{
    struct fixture *fixture = *state;
    char path[sizeof(fixture->path)], option[128];

    strcpy(path, fixture->path);
    snprintf(option, sizeof(option), "--socket=%s", path);
    strcpy(fixture->path, "/nowhere");
    assert_int_equal(ask(fixture, LIST("status", "--socket", path, "-j"), LIST(ITEM("{}"), END)),
                     0);
    assert_int_equal(ask(fixture, LIST("history", option), LIST(END)), 0);
    assert_string_equal(fixture->complaint, "clrmon history: no events\n");
    assert_int_equal(ask(fixture, LIST("history", "-o", "jsonl", option), LIST(END)), 0);
    assert_string_equal(fixture->complaint, "");
    run(fixture, LIST("status", "--socket"));
    assert_int_equal(finish(fixture), 4);
    assert_string_equal(fixture->complaint, "clrmon: --socket needs a path\n");
    strcpy(fixture->path, path);
}

static void events(void **state)
{
    static const char *const packets[] = {ITEM(EVENT_OF("1", "5", "orders")),
                                          ITEM(EVENT_OF("2", "6", "billing")),
                                          DROPPED,
                                          ITEM(EVENT_OF("3", "7", "a-name-that-is-")),
                                          END,
                                          NULL};
    struct fixture *fixture = *state;

    assert_int_equal(ask(fixture, LIST("events"), packets), 0);
    assert_string_equal(fixture->request, "{\"version\":1,\"verb\":\"events\"}");
    assert_string_equal(fixture->printed, "TIME               PID NAME         WHAT\n"
                                          "11-24 06:29:59       5 orders       exit\n"
                                          "11-24 06:29:59       6 billing      exit\n"
                                          "11-24 06:29:59       7 a-name-that-is- exit\n");
    assert_non_null(strstr(fixture->complaint, "12 events are missing here"));

    assert_int_equal(ask(fixture, LIST("events", "-o", "jsonl", "-p", "6"), packets), 0);
    assert_string_equal(fixture->request, "{\"version\":1,\"verb\":\"events\",\"pid\":6}");
    assert_string_equal(fixture->printed, EVENT_OF("2", "6", "billing") "\n");

    assert_int_equal(ask(fixture,
                         LIST("history", "-o", "jsonl", "-p", "5", "-n", "a-name-that-is-cut",
                              "--since", "2026-11-24T06:30:00Z", "--until", "2026-11-24T06:30:01Z"),
                         packets),
                     0);
    assert_string_equal(fixture->request,
                        "{\"version\":1,\"verb\":\"history\",\"since_us\":1795501800000000,"
                        "\"until_us\":1795501801000000}");
    assert_string_equal(fixture->printed, EVENT_OF("1", "5", "orders") "\n" EVENT_OF(
                                              "3", "7", "a-name-that-is-") "\n");
}

/* A line is there when its event is, and one who follows ends with its reader. */
static void followed(void **state)
{
    struct fixture *fixture = *state;
    char line[512];
    ssize_t size;
    int fd;

    run(fixture, LIST("events", "-f", "-o", "jsonl"));
    fd = serve(fixture, LIST(ITEM(EVENT_OF("1", "5", "orders"))));
    assert_string_equal(fixture->request, "{\"version\":1,\"verb\":\"events\",\"follow\":true}");
    size = read(fixture->output, line, sizeof(line) - 1);
    assert_true(size > 0);
    line[size] = 0;
    assert_string_equal(line, EVENT_OF("1", "5", "orders") "\n");
    close(fixture->output);
    fixture->output = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(finish(fixture), 0);
    assert_string_equal(fixture->complaint, "");
    close(fd);
}

static void check(void **state)
{
    struct fixture *fixture = *state;
    const char *const *packets = LIST(ITEM(QUIET), ITEM(LEAKED), END);

    assert_int_equal(ask(fixture, LIST("check", "--daemon"), packets), 2);
    assert_string_equal(fixture->request, "{\"version\":1,\"verb\":\"check\"}");
    assert_string_equal(
        fixture->printed,
        "PID     NAME                     VERSION   GC LEVEL         KEYWORDS   VERDICT\n"
        "10      dotnet orders.dll        8.0.11    Level(0)         0x1        off\n"
        "        because\n"
        "11      billing                  8.0.11    Level(5)         0x1        leaked\n"
        "        because\n");
    assert_int_equal(
        ask(fixture, LIST("check", "--daemon", "-n", "orders", "-o", "jsonl"), packets), 0);
    assert_string_equal(fixture->printed, QUIET "\n");
    assert_int_equal(ask(fixture, LIST("check", "--daemon", "-p", "11", "-o", "jsonl"), packets),
                     2);
    assert_string_equal(fixture->request, "{\"version\":1,\"verb\":\"check\",\"pid\":11}");
    assert_string_equal(fixture->printed,
                        PROCESS("11", "billing", "billing", "leaked", "5", "") "\n");
    assert_int_equal(ask(fixture, LIST("check", "--daemon", "-q"), packets), 2);
    assert_string_equal(fixture->printed, "");
    assert_int_equal(ask(fixture, LIST("check", "--daemon", "-n", "nobody"), packets), 3);
    assert_string_equal(fixture->printed, "no .NET process of that name\n");
    assert_int_equal(ask(fixture, LIST("check", "--daemon", "-p", "10", "-p", "77"), packets), 3);
    assert_non_null(strstr(fixture->printed, "knows of no .NET process with this number"));
    assert_int_equal(ask(fixture, LIST("check", "--daemon"), LIST(DROPPED, END)), 3);
    assert_int_equal(ask(fixture, LIST("check", "--daemon", "-j"), packets), 2);
    assert_non_null(strstr(fixture->printed, "\"schema\": \"clrmon.check/1\""));
    assert_non_null(strstr(fixture->printed, "\"worst\": \"leaked\""));
}

#define CONTENTION(pid, name, now, waits, wait_ns, lists)                                          \
    "{\"pid\":" pid ",\"name\":\"" name "\",\"source\":\"uprobe\",\"on\":true,\"why\":null,"       \
    "\"since_ns\":0,\"now_ns\":" now ",\"waiters\":2,\"longest_wait_ns\":3000000,\"unpaired\":0,"  \
    "\"histogram\":[{\"le_ns\":1048576,\"count\":" waits "}],\"other\":{\"locks\":{\"waits\":0,"   \
    "\"wait_ns\":0},\"stacks\":{\"waits\":0,\"wait_ns\":0},\"owners\":{\"waits\":0,\"wait_ns\":0}" \
    ","                                                                                            \
    "\"threads\":{\"waits\":0,\"wait_ns\":0}},\"waits\":" waits ",\"wait_ns\":" wait_ns "," lists  \
    "}"
#define NO_LOCKS "\"locks\":[],\"stacks\":[],\"owners\":[],\"threads\":[]"
#define ONE_LOCK(waits, wait_ns)                                                                   \
    "\"locks\":[{\"address\":\"0x10\",\"type\":\"A.Cache\",\"owner_tid\":12,\"owner_name\":"       \
    "\"main\",\"managed\":false,\"waiters\":2,\"longest_ns\":5,\"waits\":" waits ","               \
    "\"wait_ns\":" wait_ns "}],\"stacks\":[],\"owners\":[],\"threads\":[]"
#define BEFORE                                                                                     \
    ITEM(CONTENTION("11", "billing", "1000000000", "5", "100000000", ONE_LOCK("5", "100000000")))
#define LATER                                                                                      \
    ITEM(CONTENTION("11", "billing", "3000000000", "25", "700000000", ONE_LOCK("25", "700000000")))

/* An interval is two answers. */
static void contention(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, LIST("contention", "-i", "1ms", "-p", "11"));
    close(serve(fixture, LIST(BEFORE, END)));
    assert_string_equal(fixture->request, "{\"version\":1,\"verb\":\"contention\",\"pid\":11,"
                                          "\"top\":256,\"bare\":true}");
    close(serve(fixture, LIST(LATER, END)));
    assert_string_equal(fixture->request,
                        "{\"version\":1,\"verb\":\"contention\",\"pid\":11,\"top\":256}");
    assert_int_equal(finish(fixture), 0);
    assert_string_equal(
        fixture->printed,
        "PID     NAME    WAITS/s MS/s   P99    WAITERS LONGEST WORST LOCK OWNER\n"
        "11      billing 10.0    300.0  <1.0ms 2       3.0ms   Cache      12 main\n");

    assert_int_equal(ask(fixture, LIST("contention", "--total", "-o", "json"), LIST(LATER, END)),
                     0);
    assert_string_equal(fixture->request, "{\"version\":1,\"verb\":\"contention\",\"top\":256}");
    assert_non_null(strstr(fixture->printed, "\"schema\": \"clrmon.contention/1\""));
    assert_non_null(strstr(fixture->printed, "\"interval_s\": null"));
    assert_non_null(strstr(fixture->printed, "\"waits\": 25"));
}

/* Of one process, in two items; and what is not there. */
static void contention_selected(void **state)
{
    static const char *const packets[] = {
        ITEM(CONTENTION("10", "orders.dll", "1000000000", "7", "7", NO_LOCKS)),
        LATER,
        ITEM(CONTENTION("11", "billing", "3000000000", "25", "700000000", ONE_LOCK("1", "1"))),
        END,
        NULL,
    };
    struct fixture *fixture = *state;

    assert_int_equal(
        ask(fixture, LIST("contention", "--total", "-o", "jsonl", "-n", "orders"), packets), 0);
    assert_non_null(strstr(fixture->printed, "\"pid\":10"));
    assert_null(strstr(fixture->printed, "\"pid\":11"));
    assert_int_equal(ask(fixture,
                         LIST("contention", "--total", "-p", "11", "-p", "99", "--by", "lock"),
                         packets),
                     3);
    assert_non_null(strstr(fixture->printed, " 25      700ms "));
    assert_non_null(strstr(fixture->printed, " 1       1ns "));
    assert_string_equal(fixture->complaint,
                        "clrmon contention: clrmond knows of no .NET process 99\n");
    assert_int_equal(ask(fixture, LIST("contention", "--total"), LIST(ITEM("{}"), END)), 3);
    assert_int_equal(ask(fixture, LIST("contention", "--total"), LIST(DROPPED, END)), 3);
}

static void waits(void **state)
{
    static const char wait[] =
        "{\"time\":\"2020-11-24T06:29:59.123456Z\",\"pid\":11,\"name\":\"billing\",\"tid\":13,"
        "\"thread\":\"w\",\"wait_ns\":15000000,\"lock\":\"0x10\",\"type\":\"A.Cache\","
        "\"owner_tid\":12,\"owner_name\":\"main\",\"frames\":[\"A.Get()\"],\"thrown\":false}";
    struct fixture *fixture = *state;
    char packet[512];

    snprintf(packet, sizeof(packet), ITEM("%s"), wait);
    assert_int_equal(ask(fixture,
                         LIST("contention", "-f", "--min-wait", "2ms", "-p", "11", "-o", "wide"),
                         LIST(packet, DROPPED, END)),
                     0);
    assert_string_equal(fixture->request, "{\"version\":1,\"verb\":\"contention\",\"pid\":11,"
                                          "\"follow\":true,\"min_wait_ns\":2000000}");
    assert_non_null(
        strstr(fixture->printed, "15ms Cache          12 main\n               A.Get()\n"));
    assert_non_null(strstr(fixture->complaint, "12 waits are missing here"));
    assert_int_equal(ask(fixture, LIST("contention", "-f", "-o", "jsonl"), LIST(packet, END)), 0);
    assert_string_equal(fixture->request,
                        "{\"version\":1,\"verb\":\"contention\",\"follow\":true}");
    assert_non_null(strstr(fixture->printed, "\"wait_ns\":15000000"));
}

static void probes(void **state)
{
    static const char *const packets[] = {
        ITEM("{\"family\":\"gc\",\"on\":true,\"fixed\":true,\"images\":2,\"probes\":8,\"why\":null,"
             "\"off_pids\":[]}"),
        ITEM("{\"family\":\"contention\",\"on\":false,\"fixed\":false,\"images\":0,\"probes\":0,"
             "\"why\":\"no BPF\",\"off_pids\":[11,12]}"),
        END,
        NULL,
    };
    struct fixture *fixture = *state;

    assert_int_equal(ask(fixture, LIST("probes"), packets), 0);
    assert_string_equal(fixture->request, "{\"version\":1,\"verb\":\"probes\"}");
    assert_string_equal(fixture->printed, "FAMILY          STATE IMAGES PROBES\n"
                                          "gc              on         2      8\n"
                                          "contention      off        0      0\n"
                                          "        no BPF\n"
                                          "        off for: 11 12\n");
    assert_int_equal(ask(fixture, LIST("probes", "managed_locks", "on", "-p", "11"), packets), 0);
    assert_string_equal(fixture->request, "{\"version\":1,\"verb\":\"probes\",\"pid\":11,"
                                          "\"family\":\"managed_locks\",\"on\":true}");
    assert_int_equal(ask(fixture, LIST("probes", "gc", "off", "-j"), packets), 0);
    assert_non_null(strstr(fixture->printed, "\"schema\": \"clrmon.probes/1\""));
    assert_int_equal(ask(fixture, LIST("probes"), LIST(ERROR)), 3);
}

/* Rates are there at the second look. */
static void top_with_waits(void **state)
{
    static const char *const wanted[] = {
        "clrmon top: 1 .NET process, 1 leaked\n"
        "PID     NAME              LEVEL      SESSIONS VERBOSE-FOR WAITS/s MS/s   VERDICT\n"
        "11      billing           Verbose(5) 3        1m05s       -       -      leaked\n",
        "11      billing           Verbose(5) 3        1m05s       10.0    300.0  leaked\n",
    };
    struct fixture *fixture = *state;

    run(fixture, LIST("top", "-n", "2", "-i", "1"));
    for (unsigned i = 0; i < 2; i++) {
        close(serve(fixture, LIST(ITEM(LEAKED), END)));
        close(serve(fixture, i ? LIST(LATER, END) : LIST(BEFORE, END)));
        assert_string_equal(fixture->request, "{\"version\":1,\"verb\":\"contention\",\"top\":16,"
                                              "\"bare\":true}");
    }
    assert_int_equal(finish(fixture), 0);
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
        assert_non_null(strstr(fixture->printed, wanted[i]));
}

static void top(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, LIST("top", "-n", "1"));
    close(serve(fixture, LIST(ITEM(QUIET), ITEM(LEAKED), END)));
    close(serve(fixture, LIST(ERROR))); /* it knows nothing of locks */
    assert_int_equal(finish(fixture), 0);
    assert_string_equal(
        fixture->printed,
        "clrmon top: 2 .NET processes, 1 leaked\n"
        "PID     NAME         VERSION  LEVEL      KEYWORDS   SESSIONS VERBOSE-FOR VERDICT\n"
        "11      billing      8.0.11   Verbose(5) 0x1        3        1m05s       leaked\n"
        "10      orders.dll   8.0.11   None(0)    0x1        2        -           off\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(status),
        TEST(errors),
        TEST(usage),
        TEST(help),
        TEST(socket_after_the_verb),
        TEST(events),
        TEST(followed),
        TEST(check),
        TEST(top),
        TEST(contention),
        TEST(contention_selected),
        TEST(waits),
        TEST(probes),
        TEST(top_with_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
