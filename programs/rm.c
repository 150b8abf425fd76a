// rm [-r] NAME...: removes files and empty directories; with -r also what is in directories.
// Exit status: 0, 1 if one cannot be removed (the others still are), 2 for wrong use.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

static int take_away(const char *path, int whole);

// Removes what is in a directory; it is opened anew after each, since what is listed changes.
static int empty(const char *path)
{
    for (;;) {
        DIR *directory = opendir(path);
        struct dirent *entry;
        if (!directory)
            return -1;
        while ((entry = readdir(directory)) && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")))
            ;
        char *name = entry ? malloc(strlen(path) + strlen(entry->d_name) + 2) : NULL;
        if (name) {
            strcpy(name, path);
            strcat(name, "/");
            strcat(name, entry->d_name);
        }
        closedir(directory);
        if (!entry)
            return 0;
        int failed = !name || take_away(name, 1);
        free(name);
        if (failed)
            return -1;
    }
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
