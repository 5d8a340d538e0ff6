/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>

#include "util/number.h"
#include "util/text.h"

#define FILE_SIZE_MAX ((size_t)64 << 10)
#define US            1000ull
#define MS            (1000 * US)
#define SECOND        (1000 * MS)
#define MINUTE        (60 * SECOND)
#define HOUR          (60 * MINUTE)
#define DAY           (24 * HOUR)

enum kind {
    KIND_PATH,
    KIND_NAME,
    KIND_LISTEN,
    KIND_NANOSECONDS,
    KIND_MILLISECONDS,
    KIND_SECONDS,
    KIND_SIZE,
    KIND_YES_NO,
    KIND_OFF_LEAKED,
    KIND_MAX,
};

/* @least and @most: of nanoseconds, of bytes; of a text @most is its room. */
struct setting {
    const char *name;
    enum kind kind;
    size_t offset;
    uint64_t least, most;
    const char *standard;
    const char *wanted;
};

#define SETTING(field) offsetof(struct config, field)
#define TEXT(field)    SETTING(field), 0, sizeof(((struct config *)NULL)->field)

static const struct setting settings[] = {
    {"socket", KIND_PATH, TEXT(socket), "/run/clrmon/control.sock",
     "an absolute path of at most 107 bytes"},
    {"group", KIND_NAME, TEXT(group), "clrmon", "the name of a group"},
    {"listen", KIND_LISTEN, TEXT(listen), "127.0.0.1:9464",
     "ADDRESS:PORT in numbers, [ADDRESS]:PORT for IPv6, or off"},
    {"state_dir", KIND_PATH, TEXT(state_dir), "/var/lib/clrmon", "an absolute path"},
    {"cache_dir", KIND_PATH, TEXT(cache_dir), "/var/cache/clrmon", "an absolute path"},
    {"grace", KIND_MILLISECONDS, SETTING(grace_ms), 0, HOUR, "10s",
     "a duration of 0s to 1h, such as 10s"},
    {"poll_interval", KIND_MILLISECONDS, SETTING(poll_ms), SECOND / 10, HOUR, "5s",
     "a duration of 100ms to 1h, such as 5s"},
    {"recheck_interval", KIND_MILLISECONDS, SETTING(recheck_ms), SECOND, DAY, "60s",
     "a duration of 1s to 1d, such as 60s"},
    {"history_max_age", KIND_SECONDS, SETTING(history_age_s), MINUTE, 3650 * DAY, "30d",
     "a duration of 1m to 3650d, such as 30d"},
    {"history_max_size", KIND_SIZE, SETTING(history_bytes), 4ull << 20, 1ull << 40, "256M",
     "a size of 4M to 1024G, such as 256M"},
    {"probes", KIND_YES_NO, SETTING(probes), 0, 1, "yes", "yes or no"},
    {"contention", KIND_YES_NO, SETTING(contention), 0, 1, "yes", "yes or no"},
    {"managed_locks", KIND_YES_NO, SETTING(managed_locks), 0, 1, "no", "yes or no"},
    {"events", KIND_YES_NO, SETTING(events), 0, 1, "no", "yes or no"},
    {"min_wait", KIND_NANOSECONDS, SETTING(min_wait_ns), US, HOUR, "10ms",
     "a duration of 1us to 1h, such as 10ms"},
    {"auto_reset", KIND_OFF_LEAKED, SETTING(auto_reset), 0, 1, "off", "off or leaked"},
    {"auto_reset_interval", KIND_MILLISECONDS, SETTING(auto_reset_interval_ms), MINUTE, DAY, "10m",
     "a duration of 1m to 1d, such as 10m"},
};

struct unit {
    const char *suffix;
    uint64_t factor;
};

static const struct unit duration_units[] = {
    {"us", US},  {"ms", MS}, {"s", SECOND}, {"m", MINUTE},
    {"h", HOUR}, {"d", DAY}, {"", SECOND},  {NULL, 0},
};

static const struct unit size_units[] = {
    {"K", 1ull << 10}, {"M", 1ull << 20}, {"G", 1ull << 30}, {"T", 1ull << 40}, {"", 1}, {NULL, 0},
};

static int parse_quantity(const char *value, const struct unit *units,
                          const struct setting *setting, uint64_t *out)
{
    size_t digits = strspn(value, "0123456789");
    uint64_t number;
    char text[24];

    if (digits >= sizeof(text))
        return -EINVAL;
    text_copy(text, digits + 1, value);
    while (units->suffix && strcmp(units->suffix, value + digits) != 0)
        units++;
    if (!units->suffix || number_decimal(text, UINT64_MAX, &number) < 0 ||
        __builtin_mul_overflow(number, units->factor, &number) || number < setting->least ||
        number > setting->most)
        return -EINVAL;
    *out = number;
    return 0;
}

static int set_duration(const struct setting *setting, const char *value, uint64_t unit,
                        void *field)
{
    uint64_t ns;
    int r = parse_quantity(value, duration_units, setting, &ns);

    if (r == 0)
        *(uint64_t *)field = ns / unit;
    return r;
}

static int set_nanoseconds(const struct setting *setting, const char *value, void *field)
{
    return set_duration(setting, value, 1, field);
}

static int set_milliseconds(const struct setting *setting, const char *value, void *field)
{
    return set_duration(setting, value, MS, field);
}

static int set_seconds(const struct setting *setting, const char *value, void *field)
{
    return set_duration(setting, value, SECOND, field);
}

static int set_size(const struct setting *setting, const char *value, void *field)
{
    return parse_quantity(value, size_units, setting, field);
}

static int set_either(const char *no, const char *yes, const char *value, bool *field)
{
    bool is_yes = strcmp(value, yes) == 0;

    if (!is_yes && strcmp(value, no) != 0)
        return -EINVAL;
    *field = is_yes;
    return 0;
}

static int set_yes_no(const struct setting *setting, const char *value, void *field)
{
    return set_either("no", "yes", value, field);
}

static int set_off_leaked(const struct setting *setting, const char *value, void *field)
{
    return set_either("off", "leaked", value, field);
}

static int set_text(const struct setting *setting, const char *value, void *field)
{
    if (strlen(value) >= setting->most)
        return -EINVAL;
    for (const char *c = value; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return -EINVAL;
    }
    text_copy(field, setting->most, value);
    return 0;
}

static int set_path(const struct setting *setting, const char *value, void *field)
{
    return value[0] == '/' ? set_text(setting, value, field) : -EINVAL;
}

static int set_name(const struct setting *setting, const char *value, void *field)
{
    if (!*value || value[0] == '-' || strpbrk(value, " \t:/"))
        return -EINVAL;
    return set_text(setting, value, field);
}

/* An address as inet_pton() reads it, so that no name has to be looked up. */
static bool is_endpoint(const char *value)
{
    const char *colon = strrchr(value, ':');
    char address[64], binary[sizeof(struct in6_addr)];
    bool six = value[0] == '[';
    uint64_t port;
    size_t length;

    if (!colon || number_decimal(colon + 1, UINT16_MAX, &port) < 0)
        return false;
    length = (size_t)(colon - value);
    if (length >= sizeof(address) || (six && value[length - 1] != ']'))
        return false;
    text_copy(address, six ? length - 1 : length + 1, value + six);
    return inet_pton(six ? AF_INET6 : AF_INET, address, binary) == 1;
}

static int set_listen(const struct setting *setting, const char *value, void *field)
{
    if (!*value || strcmp(value, "off") == 0)
        return set_text(setting, "", field);
    return is_endpoint(value) ? set_text(setting, value, field) : -EINVAL;
}

static int (*const setters[KIND_MAX])(const struct setting *setting, const char *value,
                                      void *field) = {
    [KIND_PATH] = set_path,
    [KIND_NAME] = set_name,
    [KIND_LISTEN] = set_listen,
    [KIND_NANOSECONDS] = set_nanoseconds,
    [KIND_MILLISECONDS] = set_milliseconds,
    [KIND_SECONDS] = set_seconds,
    [KIND_SIZE] = set_size,
    [KIND_YES_NO] = set_yes_no,
    [KIND_OFF_LEAKED] = set_off_leaked,
};

static int apply(struct config *config, const struct setting *setting, const char *value)
{
    return setters[setting->kind](setting, value, (char *)config + setting->offset);
}

void config_defaults(struct config *config)
{
    memset(config, 0, sizeof(*config));
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
        (void)apply(config, &settings[i], settings[i].standard);
}

/* Printable, and cut, for a reason. */
struct shown {
    char text[48];
};

static struct shown show(const char *text)
{
    struct shown shown;

    text_copy(shown.text, sizeof(shown.text), text);
    text_printable(shown.text);
    return shown;
}

int config_set(struct config *config, const char *name, const char *value, struct reason *why)
{
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        if (strcmp(settings[i].name, name) != 0)
            continue;
        if (apply(config, &settings[i], value) == 0)
            return 0;
        return reason_set(why, -EINVAL, "%s: '%s' is not %s", name, show(value).text,
                          settings[i].wanted);
    }
    return reason_set(why, -EINVAL, "'%s': there is no such setting", show(name).text);
}

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, " \t\r");
    length = strlen(text);
    while (length && strchr(" \t\r", text[length - 1]))
        length--;
    text[length] = 0;
    return text;
}

/* A '#' inside a word belongs to it. */
static void cut_comment(char *line)
{
    for (char *c = line; *c; c++) {
        if (*c == '#' && (c == line || c[-1] == ' ' || c[-1] == '\t')) {
            *c = 0;
            return;
        }
    }
}

static char *unquote(char *value)
{
    size_t length = strlen(value);

    if (length < 2 || value[0] != '"' || value[length - 1] != '"')
        return value;
    value[length - 1] = 0;
    return value + 1;
}

static int parse_line(struct config *config, char *line, struct reason *why)
{
    char *equals;

    cut_comment(line);
    line = trim(line);
    if (!*line)
        return 0;
    equals = strchr(line, '=');
    if (!equals)
        return reason_set(why, -EINVAL, "'%s': 'name = value' is wanted", show(line).text);
    *equals = 0;
    return config_set(config, trim(line), unquote(trim(equals + 1)), why);
}

int config_parse(struct config *config, const char *text, struct reason *why)
{
    _free_ char *copy = strdup(text);
    struct config next = *config;
    char *rest = copy, *line;
    struct reason bad;

    if (!copy)
        return reason_set(why, -ENOMEM, "out of memory");
    for (unsigned number = 1; (line = strsep(&rest, "\n")); number++) {
        int r = parse_line(&next, line, &bad);

        if (r < 0)
            return reason_set(why, r, "line %u: %.180s", number, bad.text);
    }
    *config = next;
    return 0;
}

/* As much as fits; negative errno. */
static ssize_t read_whole(int fd, char *text, size_t size)
{
    size_t length = 0;
    ssize_t n;

    while (length < size && (n = read(fd, text + length, size - length)) != 0) {
        if (n < 0 && errno != EINTR)
            return -errno;
        length += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)length;
}

static unsigned line_at(const char *text, size_t offset)
{
    unsigned line = 1;

    for (size_t i = 0; i < offset; i++)
        line += text[i] == '\n';
    return line;
}

int config_read(struct config *config, const char *path, struct reason *why)
{
    _close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    _free_ char *text = malloc(FILE_SIZE_MAX + 1);
    struct reason bad;
    ssize_t length;
    int r;

    if (fd < 0)
        return reason_set(why, -errno, "%.150s: %.40s", path, strerror(errno));
    length = text ? read_whole(fd, text, FILE_SIZE_MAX + 1) : -ENOMEM;
    if (length < 0)
        return reason_set(why, (int)length, "%.150s: %.40s", path, strerror((int)-length));
    if ((size_t)length > FILE_SIZE_MAX)
        return reason_set(why, -EFBIG, "%.150s: larger than 64 KiB", path);
    text[length] = 0;
    if (strlen(text) != (size_t)length)
        return reason_set(why, -EINVAL, "%.150s: line %u: a NUL byte", path,
                          line_at(text, strlen(text)));
    r = config_parse(config, text, &bad);
    return r < 0 ? reason_set(why, r, "%.80s: %.115s", path, bad.text) : 0;
}
