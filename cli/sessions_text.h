/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "report/sessions.h"

/* A process's sessions for people, on standard output, in 80 columns. */

#define OWNER_TEXT_MAX 320

/*
 * Who stands behind a session: "client dotnet-trace (pid 55, alice)", "its client is gone", "asked
 * for by DOTNET_EnableEventPipe", "an EventListener in the program itself".
 */
void session_owner_text(const struct observation *seen, const struct session *session,
                        char text[static OWNER_TEXT_MAX]);

/* "workload.dll (pid 55, .NET 10.0.14)" */
#define SUBJECT_TEXT_MAX 160
void subject_text(const struct target *target, char text[static SUBJECT_TEXT_MAX]);

/* "Microsoft-Windows-DotNETRuntime:0x8001:5", as tools take it. */
#define PROVIDER_TEXT_MAX 128
void provider_text(const char *name, struct event_set set, char text[static PROVIDER_TEXT_MAX]);

/* What is on of a provider, and who accounts for it. */
void account_print(const struct survey *survey, const struct provider_account *account);

/* Its sessions, and what is on. */
void survey_print(const struct survey *survey);

void sessions_print(const struct sessions_report *report);
