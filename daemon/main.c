/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "log.h"
#include "service.h"

struct arguments {
    struct config config;
    const char *config_path;
    bool check_only;
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'}, {"socket", required_argument, NULL, 's'},
    {"listen", required_argument, NULL, 'l'}, {"state-dir", required_argument, NULL, 'd'},
    {"check-config", no_argument, NULL, 'k'}, {"version", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},         {0},
};

static const char usage[] =
    "usage: clrmond [--config FILE] [--socket PATH] [--listen ADDR:PORT] [--state-dir DIR]\n"
    "               [--check-config] [--version]\n";

static int set(struct arguments *arguments, const char *name, const char *value)
{
    struct reason why;

    if (config_set(&arguments->config, name, value, &why) == 0)
        return 0;
    fprintf(stderr, "clrmond: %s\n", why.text);
    return -EINVAL;
}

static int take_option(struct arguments *arguments, int option)
{
    switch (option) {
    case 'c':
        return 0; /* taken before the others */
    case 's':
        return set(arguments, "socket", optarg);
    case 'l':
        return set(arguments, "listen", optarg);
    case 'd':
        return set(arguments, "state_dir", optarg);
    case 'k':
        arguments->check_only = true;
        return 0;
    default:
        fputs(usage, stderr);
        return -EINVAL;
    }
}

/* The file first, whatever the order: the command line wins. */
static int read_file(struct arguments *arguments, int argc, char **argv)
{
    struct reason why;
    int option;

    config_defaults(&arguments->config);
    while ((option = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1)
        if (option == 'c')
            arguments->config_path = optarg;
    optind = 1;
    if (!arguments->config_path ||
        config_read(&arguments->config, arguments->config_path, &why) == 0)
        return 0;
    fprintf(stderr, "clrmond: %s\n", why.text);
    return -EINVAL;
}

static int take_arguments(struct arguments *arguments, int argc, char **argv)
{
    int option, r;

    opterr = 0; /* once is enough */
    r = read_file(arguments, argc, argv);
    opterr = 1;
    while (r == 0 && (option = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1)
        r = take_option(arguments, option);
    if (r == 0 && optind < argc) {
        fputs(usage, stderr);
        return -EINVAL;
    }
    return r;
}

/* Where links are perf events, an image takes some ten descriptors. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)!setrlimit(RLIMIT_NOFILE, &limit);
}

static bool is_asked(int argc, char **argv, const char *option)
{
    return argc == 2 && strcmp(argv[1], option) == 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct service *service = NULL;
    struct reason why = {""};
    int r;

    if (is_asked(argc, argv, "--version"))
        return printf("clrmond " CLRMON_VERSION "\n") < 0;
    if (is_asked(argc, argv, "--help"))
        return fputs(usage, stdout) < 0;
    if (take_arguments(&arguments, argc, argv) < 0)
        return 4;
    if (arguments.check_only)
        return printf("the configuration is good\n") < 0;
    raise_descriptors();
    r = service_new(&service, &arguments.config, arguments.config_path, &why);
    if (r < 0) {
        log_say(LOG_LEVEL_ERROR, "%s", why.text);
        return 1;
    }
    r = service_run(service);
    if (r < 0)
        log_say(LOG_LEVEL_ERROR, "the event loop has failed: %s", strerror(-r));
    service_free(&service);
    return r < 0;
}
