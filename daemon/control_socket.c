/* SPDX-License-Identifier: Apache-2.0 */
#include "control_socket.h"

#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#define BACKLOG         64
#define GROUP_TEXT_MAX  65536
#define PEER_GROUPS_MAX 1024

gid_t control_group(const char *name)
{
    _free_ char *text = malloc(GROUP_TEXT_MAX);
    struct group group, *found = NULL;

    if (!text || getgrnam_r(name, &group, text, GROUP_TEXT_MAX, &found) != 0 || !found)
        return NO_GROUP;
    return found->gr_gid;
}

static void free_names(char ***names)
{
    for (char **name = *names; name && *name; name++)
        free(*name);
    free(*names);
}

/* 0 with .fd -1: there is none. */
static int inherit(struct control_socket *out, struct reason *why)
{
    _cleanup_(free_names) char **names = NULL;
    int count = sd_listen_fds_with_names(0, &names);

    for (int i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + i;

        if (strcmp(names[i], "control") != 0)
            continue;
        if (sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, NULL, 0) <= 0)
            return reason_set(why, -EPROTOTYPE,
                              "the socket that systemd calls control is no ListenSequentialPacket");
        if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
            return reason_set(why, -errno, "descriptor %d: %s", fd, strerror(errno));
        *out = (struct control_socket){.fd = fd, .shared = true};
        return 0;
    }
    return 0;
}

/* Does somebody listen there? 0: nobody, and nothing is in the way any more. */
static int clear_way(const struct sockaddr_un *address, struct reason *why)
{
    _close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat status;

    if (lstat(address->sun_path, &status) < 0)
        return errno == ENOENT
                   ? 0
                   : reason_set(why, -errno, "%s: %s", address->sun_path, strerror(errno));
    if (!S_ISSOCK(status.st_mode))
        return reason_set(why, -EEXIST, "%s is there and is no socket", address->sun_path);
    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
        errno != ECONNREFUSED)
        return reason_set(why, -EADDRINUSE, "somebody listens on %s already", address->sun_path);
    if (unlink(address->sun_path) < 0 && errno != ENOENT)
        return reason_set(why, -errno, "%s: %s", address->sun_path, strerror(errno));
    return 0;
}

static void make_folder(const char *path)
{
    _free_ char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;

    if (slash && slash != folder) {
        *slash = 0;
        (void)mkdir(folder, 0755); /* where that fails, bind() says so */
    }
}

/* Nobody gets in between bind() and chmod(): the mode is ours alone, and nobody listens yet. */
static int bind_privately(int fd, const struct sockaddr_un *address)
{
    mode_t before = umask(0177);
    int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

    umask(before);
    return r;
}

static int share_and_listen(struct control_socket *made, gid_t group)
{
    struct stat status;

    if (lstat(made->path, &status) < 0)
        return -errno;
    made->device = status.st_dev;
    made->inode = status.st_ino;
    made->shared = group != NO_GROUP && lchown(made->path, (uid_t)-1, group) == 0 &&
                   chmod(made->path, 0660) == 0;
    return listen(made->fd, BACKLOG) < 0 ? -errno : 0;
}

static int make(struct control_socket *out, const char *path, gid_t group, struct reason *why)
{
    _cleanup_(control_socket_close) struct control_socket made = {.fd = -1};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int r;

    if (strlen(path) >= sizeof(address.sun_path) || path[0] != '/')
        return reason_set(why, -EINVAL,
                          "the control socket needs an absolute path of at most %zu characters",
                          sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, path);
    make_folder(path);
    r = clear_way(&address, why);
    if (r < 0)
        return r;
    made.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    r = made.fd < 0 ? -errno : bind_privately(made.fd, &address);
    if (r == 0) {
        strcpy(made.path, path);
        r = share_and_listen(&made, group);
    }
    if (r < 0)
        return reason_set(why, r, "the control socket %s: %s", path, strerror(-r));
    *out = made;
    made = (struct control_socket){.fd = -1};
    return 0;
}

int control_socket_open(struct control_socket *out, const char *path, gid_t group,
                        struct reason *why)
{
    struct control_socket inherited = {.fd = -1};
    int r = inherit(&inherited, why);

    if (r < 0)
        return r;
    if (inherited.fd < 0)
        return make(out, path, group, why);
    *out = inherited;
    return 0;
}

void control_socket_close(struct control_socket *made)
{
    struct stat status;

    if (made->path[0] && lstat(made->path, &status) == 0 && status.st_dev == made->device &&
        status.st_ino == made->inode)
        (void)unlink(made->path);
    cleanup_close(&made->fd);
    *made = (struct control_socket){.fd = -1};
}

static bool is_in_group(int fd, gid_t group)
{
    gid_t groups[PEER_GROUPS_MAX];
    socklen_t size = sizeof(groups);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
        return false;
    for (size_t i = 0; i < size / sizeof(*groups); i++)
        if (groups[i] == group)
            return true;
    return false;
}

static bool read_peer(int fd, struct ucred *peer)
{
    socklen_t size = sizeof(*peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) == 0;
}

bool control_peer_may_switch(int fd)
{
    struct ucred peer;

    return read_peer(fd, &peer) && (peer.uid == 0 || peer.uid == geteuid());
}

bool control_peer_may_ask(int fd, gid_t group)
{
    struct ucred peer;

    if (!read_peer(fd, &peer))
        return false;
    return control_peer_may_switch(fd) ||
           (group != NO_GROUP && (peer.gid == group || is_in_group(fd, group)));
}
