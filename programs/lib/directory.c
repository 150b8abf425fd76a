// The working directory, which libc keeps for itself: what of it the kernel has to know, and passes on to children.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

#define PATH_MAX 4096

void ht_start(void)
{
    static char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/cwd", path, sizeof path - 1);
    for (int fd = 3; length < 0 && fd < 8; fd++) // of a directory called ".", libc finds it there and not in the root
        length = readlinkat(fd, "proc/self/cwd", path, sizeof path - 1);
    if (length > 1) { // elsewhere than under hardtack there is no such link, or it says what libc knows already
        path[length] = 0;
        (void)chdir(path); // gone meanwhile: paths then start from the root
    }
}

// Adds a path to an absolute one, part by part, "." and ".." worked in; the length, or 0 if it is too long.
static size_t join(char *to, size_t length, const char *path)
{
    while (*path) {
        size_t size = strcspn(path, "/");
        if (size == 2 && path[0] == '.' && path[1] == '.') {
            while (length && to[--length] != '/')
                ;
        } else if (size && !(size == 1 && path[0] == '.')) {
            if (length + size + 2 > PATH_MAX)
                return 0;
            to[length] = '/';
            memcpy(to + length + 1, path, size);
            length += size + 1;
        }
        path += size + (path[size] == '/');
    }
    if (!length)
        to[length++] = '/';
    to[length] = 0;
    return length;
}

int ht_chdir(const char *path)
{
    static char whole[PATH_MAX];
    size_t length = 0;
    if (*path != '/') {
        if (!getcwd(whole, sizeof whole))
            return -1;
        length = whole[1] ? strlen(whole) : 0;
    }
    length = join(whole, length, path);
    errno = !*path ? ENOENT : length ? posix_chdir(whole, length) : ENAMETOOLONG;
    return errno ? -1 : chdir(whole);
}
