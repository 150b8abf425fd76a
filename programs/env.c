// env [NAME=VALUE...] [PROGRAM [ARG...]]: prints the environment, or becomes a program with it, changed so.
// Exit status: 0, the program's, 1 if nothing can be written, 126 or 127 if the program cannot be started.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

extern char **environ;

int main(int argc, char **argv)
{
    char path[4096];
    int i = 1;
    for (; i < argc && strchr(argv[i], '='); i++)
        if (putenv(argv[i]))
            return ht_fail("env", argv[i]);
    if (i == argc) {
        for (char **one = environ; *one; one++)
            ht_put_line("env", *one);
        ht_flush("env");
        return 0;
    }
    if (strlen(argv[i]) + 6 > sizeof path)
        return ht_usage("env [NAME=VALUE...] [PROGRAM [ARG...]]");
    strcpy(path, strchr(argv[i], '/') ? "" : "/bin/");
    strcat(path, argv[i]);
    ht_exec(path, argv + i, environ);
    ht_fail("env", argv[i]);
    return errno == ENOENT ? 127 : 126;
}
