/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/diagnostic_ports.h"

#include <string.h>
#include <strings.h>

#include "util/text.h"

static bool is_tag(const char *tag, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(tag, name, length) == 0;
}

static void take_tag(const char *tag, size_t length, struct diagnostic_port *port)
{
    if (is_tag(tag, length, "connect"))
        port->connect = true;
    else if (is_tag(tag, length, "listen"))
        port->connect = false;
    else if (is_tag(tag, length, "suspend"))
        port->suspend = true;
    else if (is_tag(tag, length, "nosuspend"))
        port->suspend = false;
}

/* The next part of [*from, end) between @delimiter, as strtok() would: empty ones do not count. */
static bool take_part(const char **from, const char *end, char delimiter, const char **part,
                      size_t *length)
{
    const char *at = *from, *stop;

    while (at < end && *at == delimiter)
        at++;
    stop = memchr(at, delimiter, (size_t)(end - at));
    *from = stop ? stop : end;
    *part = at;
    *length = (size_t)(*from - at);
    return *length > 0;
}

static void add_port(const char *text, size_t length, struct diagnostic_ports *to)
{
    const char *end = text + length, *part;
    struct diagnostic_port port = {.connect = true, .suspend = true};
    size_t part_length;

    if (!take_part(&text, end, ',', &part, &part_length))
        return;
    if (part_length >= sizeof(port.path) || to->count == DIAGNOSTIC_PORTS_MAX) {
        to->cut = true;
        return;
    }
    memcpy(port.path, part, part_length);
    while (take_part(&text, end, ',', &part, &part_length))
        take_tag(part, part_length, &port);
    to->entries[to->count++] = port;
}

void diagnostic_ports_parse(const char *text, struct diagnostic_ports *out)
{
    const char *end = text ? text + strlen(text) : NULL, *part;
    size_t length;

    *out = (struct diagnostic_ports){0};
    while (text && take_part(&text, end, ';', &part, &length))
        add_port(part, length, out);
}

static const struct diagnostic_port *find(const struct diagnostic_ports *ports, const char *name,
                                          const char *(*part)(const char *))
{
    for (size_t i = 0; i < ports->count; i++) {
        const struct diagnostic_port *port = &ports->entries[i];

        if (port->connect && strcmp(part(port->path), part(name)) == 0)
            return port;
    }
    return NULL;
}

static const char *whole(const char *path)
{
    return path;
}

const struct diagnostic_port *diagnostic_ports_find(const struct diagnostic_ports *ports,
                                                    const char *socket_name)
{
    const struct diagnostic_port *port = find(ports, socket_name, whole);

    return port || !*text_file_name(socket_name) ? port : find(ports, socket_name, text_file_name);
}
