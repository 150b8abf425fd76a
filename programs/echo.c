// echo [-n] ARGS: shows what became of arguments on their way. One write for all of them, at most 4096 bytes.
// Exit status: 0, or 1 if a write fails.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    static char line[HT_ARG_MAX + 1];
    size_t used = 0;
    int newline = 1, i = 1;
    if (argc > 1 && strcmp(argv[1], "-n") == 0) {
        newline = 0;
        i++;
    }
    for (; i < argc; i++) {
        size_t length = strlen(argv[i]);
        if (length + 2 > sizeof line - used) {
            errno = E2BIG;
            return ht_fail("echo", "arguments");
        }
        memcpy(line + used, argv[i], length);
        used += length;
        if (i + 1 < argc)
            line[used++] = ' ';
    }
    if (newline)
        line[used++] = '\n';
    return ht_write_all(STDOUT_FILENO, line, used) ? ht_fail("echo", "write") : 0;
}
