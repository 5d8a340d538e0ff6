/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"
#include "verbs.h"

enum { OPTION_SINCE = OPTION_VERB };

static const struct option long_options[] = {
    OPTIONS_SELECTION,
    OPTIONS_OUTPUT,
    {"follow", no_argument, NULL, 'f'},
    {"since", required_argument, NULL, OPTION_SINCE},
    {0},
};

static int take(struct stream *stream, int option)
{
    if (option == OPTION_SINCE)
        return stream_take_moment(stream, "since", optarg, &stream->request.since_us);
    if (option != 'f')
        return options_take(&stream->options, "events", option);
    stream->request.follow = true;
    return 0;
}

int verb_events(int argc, char **argv)
{
    struct stream stream;
    int option;

    stream_init(&stream, "events", CONTROL_EVENTS);
    while ((option = getopt_long(argc, argv, OPTIONS_LETTERS "f", long_options, NULL)) != -1)
        if (take(&stream, option) < 0)
            return usage_of("events");
    if (optind < argc)
        return usage_of("events");
    return stream_run(&stream);
}
