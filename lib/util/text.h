/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Text out of bytes that belong to somebody else: names of processes, paths, strings in memory.
 */

/*
 * Makes @text safe for a terminal and for JSON, in place: every control character (C0, DEL, C1) and
 * every byte that is no part of valid UTF-8 becomes '?'. Paths are to be opened as they are and
 * made printable only for show.
 */
void text_printable(char *text);

/*
 * @count UTF-16 code units to UTF-8, NUL-terminated; a lone surrogate becomes U+FFFD. What does not
 * fit into @size bytes is left out at a character's boundary. Returns the bytes before the NUL.
 */
size_t text_from_utf16(const uint16_t *units, size_t count, char *to, size_t size);

/* Copies what fits into @size bytes and ends it with a NUL. */
void text_copy(char *to, size_t size, const char *from);

bool text_starts_with(const char *text, const char *start);
bool text_ends_with(const char *text, const char *end);

/* What follows the last '/', or all of @path. */
const char *text_file_name(const char *path);
