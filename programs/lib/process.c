// The posix imports in libc's manner.
#include <errno.h>
#include <string.h>

#include "hardtack.h"

static int result(int32_t error, int value)
{
    if (error) {
        errno = error;
        return -1;
    }
    return value;
}

int ht_pipe(int fds[2])
{
    uint32_t ends[2] = {0, 0};
    int32_t error = posix_pipe(ends);
    if (!error) {
        fds[0] = (int)ends[0];
        fds[1] = (int)ends[1];
    }
    return result(error, 0);
}

int ht_spawn(const char *path, char *const argv[], const int fds[3])
{
    static char block[HT_ARG_MAX];
    struct ht_map map[3];
    uint32_t used = 0, pid = 0;
    for (int i = 0; argv[i]; i++) {
        size_t length = strlen(argv[i]) + 1;
        if (length > sizeof block - used)
            return result(E2BIG, 0);
        memcpy(block + used, argv[i], length);
        used += length;
    }
    for (uint32_t i = 0; fds && i < 3; i++)
        map[i] = (struct ht_map){i, (uint32_t)fds[i]};
    int32_t error = posix_spawn(path, strlen(path), block, used, 0, 0, fds ? map : 0, fds ? 3 : 0, &pid);
    return result(error, (int)pid);
}

int ht_waitpid(int pid, int *status, int options)
{
    uint32_t code = 0, ended = 0;
    int32_t error = posix_waitpid(pid, (uint32_t)options, &code, &ended);
    if (!error && ended && status)
        *status = (int)code;
    return result(error, (int)ended);
}

int ht_kill(int pid, int signal)
{
    return result(posix_kill(pid, (uint32_t)signal), 0);
}

int ht_getpid(void)
{
    uint32_t pid = 0;
    int32_t error = posix_getpid(&pid);
    return result(error, (int)pid);
}

int ht_getppid(void)
{
    uint32_t pid = 0;
    int32_t error = posix_getppid(&pid);
    return result(error, (int)pid);
}
