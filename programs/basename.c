// basename PATH [SUFFIX]: the last part of a path, less a suffix.
// Exit status: 0, 1 if it cannot be written, 2 for wrong use.
#include <string.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3)
        return ht_usage("basename PATH [SUFFIX]");
    char *path = argv[1];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = 0;
    char *slash = strrchr(path, '/');
    char *name = slash && slash[1] ? slash + 1 : path;
    size_t suffix = argc == 3 ? strlen(argv[2]) : 0;
    length = strlen(name);
    if (suffix && suffix < length && strcmp(name + length - suffix, argv[2]) == 0)
        name[length - suffix] = 0;
    ht_put_line("basename", name);
    ht_flush("basename");
    return 0;
}
