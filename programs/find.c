// find [PATH...] [-name PATTERN] [-type f|d|l]: lists what is below paths, sorted; links are not followed.
// Exit status: 0, 1 if a directory cannot be read (the others still are), 2 for wrong use.
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hardtack.h"

#define USAGE "find [PATH...] [-name PATTERN] [-type f|d|l]"

static const char *pattern;
static char type;

static int is_wanted(const char *path, mode_t mode)
{
    const char *slash = strrchr(path, '/');
    if (type && !(type == 'f' ? S_ISREG(mode) : type == 'd' ? S_ISDIR(mode) : S_ISLNK(mode)))
        return 0;
    return !pattern || fnmatch(pattern, slash && slash[1] ? slash + 1 : path, 0) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_other(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static int show(const char *path)
{
    struct dirent **names;
    struct stat status;
    int failed = 0;
    if (lstat(path, &status))
        return ht_fail("find", path);
    if (is_wanted(path, status.st_mode))
        ht_put_line("find", path);
    if (!S_ISDIR(status.st_mode))
        return 0;
    int count = scandir(path, &names, is_other, by_name);
    if (count < 0)
        return ht_fail("find", path);
    for (int i = 0; i < count; i++) {
        size_t length = strlen(path);
        char *below = malloc(length + strlen(names[i]->d_name) + 2);
        if (!below) {
            errno = ENOMEM;
            exit(ht_fail("find", path));
        }
        strcpy(below, path);
        strcpy(below + length, length && path[length - 1] == '/' ? "" : "/");
        strcat(below, names[i]->d_name);
        failed |= show(below);
        free(below);
        free(names[i]);
    }
    free(names);
    return failed;
}

int main(int argc, char **argv)
{
    int paths = 1, status = 0;
    ht_start();
    while (paths < argc && argv[paths][0] != '-')
        paths++;
    for (int i = paths; i < argc; i += 2) {
        if (i + 1 == argc)
            return ht_usage(USAGE);
        if (strcmp(argv[i], "-name") == 0)
            pattern = argv[i + 1];
        else if (strcmp(argv[i], "-type") == 0 && strchr("fdl", argv[i + 1][0]) && argv[i + 1][0] && !argv[i + 1][1])
            type = argv[i + 1][0];
        else
            return ht_usage(USAGE);
    }
    if (paths == 1)
        status = show(".");
    for (int i = 1; i < paths; i++)
        status |= show(argv[i]);
    ht_flush("find");
    return status;
}
