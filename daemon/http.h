/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "exposition.h"
#include "listener.h"
#include "util/reason.h"

/*
 * /metrics and /healthz, by libmicrohttpd inside the loop: no thread, and nothing that waits. GET
 * and HEAD only; a body is not read.
 *
 * A connection is one request and has one deadline for all of it, so that a client that is slow to
 * ask or to read is gone by then. Connections (of one address, too), the memory to read a request
 * into, and the bytes of answers that are not yet read are bounded; who comes when there is no room
 * waits, is closed at once, or gets 503. The loop's other sources go first.
 */

#define HTTP_CONNECTIONS_MAX 32
#define HTTP_PER_ADDRESS_MAX 16
#define HTTP_DEADLINE_US     (10 * 1000 * 1000ULL)
#define HTTP_REQUEST_MAX     (16 * 1024) /* memory of a connection; 431 for a longer head */
#define HTTP_UNREAD_MAX      (16 * 1024 * 1024)

struct http;

struct http_service {
    /* The text of a scrape, as exposition_end() hands it out; an error with its reason is a 500. */
    int (*metrics)(void *context, enum exposition_format format, char **text, size_t *size,
                   struct reason *why);
    /* 0, or an error and the reason: 503. */
    int (*health)(void *context, struct reason *why);
    void *context;
    uint64_t deadline_us; /* of a connection; 0: HTTP_DEADLINE_US */
};

/*
 * Listens on @listen (see listener_open()), or on @fd, which listens already (socket activation),
 * unless it is -1; @fd is taken over also on failure. With neither ("" and -1) there is nothing to
 * do, and @out is NULL. Errors are those of the listener, or of the library. @service is copied.
 */
_must_check_ int http_new(struct http **out, sd_event *event, const char *listen, int fd,
                          const struct http_service *service, struct reason *why);

/* Closes all connections. Accepts NULL. */
void http_free(struct http **http);

static inline void cleanup_http(struct http **http)
{
    http_free(http);
}
#define _http_free_ _cleanup_(cleanup_http)

/* See listener_address(). */
void http_address(const struct http *http, char text[static LISTENER_TEXT_MAX]);
