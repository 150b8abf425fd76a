// rm [-r] NAME...: removes files and empty directories; with -r also what is in directories.
// Exit status: 0, 1 if one cannot be removed (the others still are), 2 for wrong use.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

static int take_away(const char *path, int whole);

// Removes what is in a directory: lists it first, since a listing that changes begins anew.
static int empty(const char *path)
{
    char **names = NULL;
    size_t count = 0, room = 0;
    int failed = 0;
    DIR *directory = opendir(path);
    struct dirent *entry;
    if (!directory)
        return -1;
    while (!failed && (entry = readdir(directory))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (count == room) {
            room = room ? 2 * room : 64;
            char **longer = realloc(names, room * sizeof *names);
            names = longer ? longer : names;
            failed = !longer;
        }
        char *name = failed ? NULL : malloc(strlen(path) + strlen(entry->d_name) + 2);
        if (name) {
            strcpy(name, path);
            strcat(name, "/");
            strcat(name, entry->d_name);
            names[count++] = name;
        }
        failed = !name;
    }
    closedir(directory);
    for (size_t i = 0; i < count; i++) {
        failed = failed || take_away(names[i], 1);
        free(names[i]);
    }
    free(names);
    return failed ? -1 : 0;
}

static int take_away(const char *path, int whole)
{
    if (unlink(path) == 0)
        return 0;
    if (errno != EISDIR)
        return -1;
    if (rmdir(path) == 0)
        return 0;
    return whole && errno == ENOTEMPTY && empty(path) == 0 ? rmdir(path) : -1;
}

int main(int argc, char **argv)
{
    int status = 0, whole = argc > 1 && strcmp(argv[1], "-r") == 0;
    ht_start();
    if (argc < 2 + whole || (!whole && argv[1][0] == '-'))
        return ht_usage("rm [-r] NAME...");
    for (int i = 1 + whole; i < argc; i++)
        if (take_away(argv[i], whole))
            status = ht_fail("rm", argv[i]);
    return status;
}
