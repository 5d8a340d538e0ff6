/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"
#include "verbs.h"

enum { OPTION_SINCE = OPTION_VERB, OPTION_UNTIL };

static const struct option long_options[] = {
    OPTIONS_SELECTION,
    OPTIONS_OUTPUT,
    {"since", required_argument, NULL, OPTION_SINCE},
    {"until", required_argument, NULL, OPTION_UNTIL},
    {0},
};

static int take(struct stream *stream, int option)
{
    if (option == OPTION_SINCE)
        return stream_take_moment(stream, "since", optarg, &stream->request.since_us);
    if (option == OPTION_UNTIL)
        return stream_take_moment(stream, "until", optarg, &stream->request.until_us);
    return options_take(&stream->options, "history", option);
}

int verb_history(int argc, char **argv)
{
    struct stream stream;
    int option;

    stream_init(&stream, "history", CONTROL_HISTORY);
    while ((option = getopt_long(argc, argv, OPTIONS_LETTERS, long_options, NULL)) != -1)
        if (take(&stream, option) < 0)
            return usage_of("history");
    if (optind < argc)
        return usage_of("history");
    return stream_run(&stream);
}
