// tee [-a] FILE...: copies standard input to standard output and to files, from their beginning or at their end (-a).
// Exit status: 0, 1 if a file cannot be written (the others still are), 2 for wrong use.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

#define MOST 16

int main(int argc, char **argv)
{
    static char buffer[16384];
    int fds[MOST], status = 0, append = argc > 1 && strcmp(argv[1], "-a") == 0, first = 1 + append;
    ssize_t got;
    ht_start();
    if (argc - first > MOST || (first < argc && argv[first][0] == '-'))
        return ht_usage("tee [-a] FILE...");
    for (int i = first; i < argc; i++) {
        fds[i - first] = open(argv[i], O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC), 0666);
        if (fds[i - first] < 0)
            status = ht_fail("tee", argv[i]);
    }
    while ((got = read(STDIN_FILENO, buffer, sizeof buffer)) > 0) {
        if (ht_write_all(STDOUT_FILENO, buffer, (size_t)got))
            status = ht_fail("tee", "write");
        for (int i = first; i < argc; i++) {
            if (fds[i - first] >= 0 && ht_write_all(fds[i - first], buffer, (size_t)got)) {
                status = ht_fail("tee", argv[i]);
                fds[i - first] = -1;
            }
        }
    }
    return got < 0 ? ht_fail("tee", "standard input") : status;
}
