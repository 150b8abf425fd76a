// Sockets in libc's manner.
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <wasi/api.h>

#include "hardtack.h"

static int result(int32_t error, int value)
{
    if (error) {
        errno = error;
        return -1;
    }
    return value;
}

int ht_socket(int domain, int type)
{
    uint32_t fd = 0;
    int32_t error = posix_socket((uint32_t)domain, (uint32_t)type, &fd);
    return result(error, (int)fd);
}

int ht_socketpair(int domain, int type, int fds[2])
{
    uint32_t both[2] = {0, 0};
    int32_t error = posix_socketpair((uint32_t)domain, (uint32_t)type, both);
    if (!error) {
        fds[0] = (int)both[0];
        fds[1] = (int)both[1];
    }
    return result(error, 0);
}

int ht_bind(int fd, const void *address, unsigned long size)
{
    return result(posix_bind((uint32_t)fd, address, size), 0);
}

int ht_listen(int fd, int backlog)
{
    return result(posix_listen((uint32_t)fd, backlog < 0 ? 0 : (uint32_t)backlog), 0);
}

int ht_accept(int fd, int nonblocking)
{
    __wasi_fd_t made = 0;
    __wasi_errno_t error = __wasi_sock_accept(fd, nonblocking ? __WASI_FDFLAGS_NONBLOCK : 0, &made);
    return result(error, (int)made);
}

int ht_connect(int fd, const void *address, unsigned long size)
{
    return result(posix_connect((uint32_t)fd, address, size), 0);
}

int ht_shutdown(int fd, int how)
{
    return result(__wasi_sock_shutdown(fd, (__wasi_sdflags_t)how), 0);
}

// A sockaddr for a name, in `to`: its size, or 0 if the name is too long.
static uint32_t put_address(struct ht_sockaddr_un *to, const char *name)
{
    long long port = ht_number(name);
    size_t length = strlen(name);
    memset(to, 0, sizeof *to);
    to->family = port < 0 ? HT_AF_UNIX : HT_AF_INET;
    if (port >= 0) {
        to->name[0] = (char)(port >> 8);
        to->name[1] = (char)port;
        return port < 65536 ? 8 : 0;
    }
    if (length >= sizeof to->name)
        return 0;
    memcpy(to->name, name, length);
    return 2 + length;
}

static int named(const char *name, bool connecting)
{
    struct ht_sockaddr_un address;
    uint32_t size = put_address(&address, name);
    if (!size)
        return result(ENAMETOOLONG, 0);
    int fd = ht_socket(address.family, HT_SOCK_STREAM);
    if (fd < 0)
        return -1;
    int32_t error = connecting ? posix_connect((uint32_t)fd, &address, size)
                               : posix_bind((uint32_t)fd, &address, size);
    if (error)
        (void)!__wasi_fd_close(fd);
    return result(error, fd);
}

int ht_bound(const char *name)
{
    return named(name, false);
}

int ht_connected(const char *name)
{
    return named(name, true);
}
