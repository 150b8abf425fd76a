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

// Puts strings into a block, one after the other with their NULs: how many bytes, or -1 if they are too many.
static int pack(char *block, char *const strings[])
{
    uint32_t used = 0;
    for (int i = 0; strings && strings[i]; i++) {
        size_t length = strlen(strings[i]) + 1;
        if (length > HT_ARG_MAX - used)
            return -1;
        memcpy(block + used, strings[i], length);
        used += length;
    }
    return (int)used;
}

int ht_spawn(const char *path, char *const argv[], const int fds[3])
{
    static char block[HT_ARG_MAX];
    struct ht_map map[3];
    uint32_t pid = 0;
    int used = pack(block, argv);
    if (used < 0)
        return result(E2BIG, 0);
    for (uint32_t i = 0; fds && i < 3; i++)
        map[i] = (struct ht_map){i, (uint32_t)fds[i]};
    int32_t error = posix_spawn(path, strlen(path), block, (uint32_t)used, 0, 0, fds ? map : 0, fds ? 3 : 0, 0, 0, &pid);
    return result(error, (int)pid);
}

int ht_exec(const char *path, char *const argv[], char *const envp[])
{
    static char block[HT_ARG_MAX], variables[HT_ARG_MAX];
    int used = pack(block, argv), more = pack(variables, envp);
    if (used < 0 || more < 0)
        return result(E2BIG, 0);
    return result(posix_exec(path, strlen(path), block, (uint32_t)used, envp ? variables : 0, (uint32_t)more), 0);
}

int ht_dup(int fd)
{
    uint32_t copy = 0;
    int32_t error = posix_dup((uint32_t)fd, &copy);
    return result(error, (int)copy);
}

int ht_dup2(int fd, int to)
{
    return result(posix_dup2((uint32_t)fd, (uint32_t)to), to);
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
