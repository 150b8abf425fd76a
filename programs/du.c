// du [-s] [PATH...]: bytes of the files below each directory, the innermost first, or only of the paths given (-s).
// Exit status: 0, 1 if something cannot be read (the rest still is), 2 for wrong use.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hardtack.h"

static int failed, only_given;

static void print(uint64_t bytes, const char *path)
{
    char number[32];
    ht_format(number, sizeof number, "%l\t", bytes);
    ht_put("du", number, strlen(number));
    ht_put_line("du", path);
}

static uint64_t measure(const char *path, int given)
{
    struct stat status;
    struct dirent *entry;
    uint64_t bytes = 0;
    if (lstat(path, &status)) {
        failed |= ht_fail("du", path);
        return 0;
    }
    if (!S_ISDIR(status.st_mode)) {
        if (given)
            print((uint64_t)status.st_size, path);
        return S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    }
    DIR *directory = opendir(path);
    if (!directory) {
        failed |= ht_fail("du", path);
        return 0;
    }
    while ((entry = readdir(directory))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        char *below = malloc(strlen(path) + strlen(entry->d_name) + 2);
        if (!below) {
            errno = ENOMEM;
            exit(ht_fail("du", path));
        }
        strcpy(below, path);
        strcat(below, path[strlen(path) - 1] == '/' ? "" : "/");
        strcat(below, entry->d_name);
        bytes += measure(below, 0);
        free(below);
    }
    closedir(directory);
    if (given || !only_given)
        print(bytes, path);
    return bytes;
}

int main(int argc, char **argv)
{
    int first = 1;
    ht_start();
    if (argc > 1 && strcmp(argv[1], "-s") == 0) {
        only_given = 1;
        first = 2;
    }
    if (first < argc && argv[first][0] == '-')
        return ht_usage("du [-s] [PATH...]");
    if (first == argc)
        measure(".", 1);
    for (int i = first; i < argc; i++)
        measure(argv[i], 1);
    ht_flush("du");
    return failed;
}
