// cat [FILE...]: copies files, or standard input, to standard output: the filter that every pipe is tried on.
// Exit status: 0, or 1 if a file cannot be read (the others still are) or a write fails (the end).
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "hardtack.h"

static int copy(int fd, const char *name)
{
    static char buffer[16384];
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        if (ht_write_all(STDOUT_FILENO, buffer, got))
            exit(ht_fail("cat", "write"));
    return got < 0 ? ht_fail("cat", name) : 0;
}

int main(int argc, char **argv)
{
    int status = 0;
    ht_start();
    if (argc == 1)
        return copy(STDIN_FILENO, "standard input");
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        if (fd < 0) {
            status = ht_fail("cat", argv[i]);
            continue;
        }
        status |= copy(fd, argv[i]);
        close(fd);
    }
    return status;
}
