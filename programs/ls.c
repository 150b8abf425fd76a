// ls [-l] [NAME...]: lists directories, or the working directory, sorted by name; any other NAME lists itself.
// With -l each line is: type (- file, d directory, l symbolic link, c device, ? anything else), links, bytes,
// name.
// Exit status: 0, 1 if something cannot be read (the rest still is), 2 for wrong use.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hardtack.h"

struct names {
    char **list;
    size_t count, room;
};

static int add(struct names *names, const char *name)
{
    if (names->count == names->room) {
        size_t room = names->room ? names->room * 2 : 64;
        char **list = realloc(names->list, room * sizeof *list);
        if (!list)
            return -1;
        names->list = list;
        names->room = room;
    }
    char *copy = strdup(name);
    if (!copy)
        return -1;
    names->list[names->count++] = copy;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int print_one(const char *directory, const char *name, int details)
{
    char path[1000];
    struct stat stat;
    if (!details)
        return ht_print(STDOUT_FILENO, "%s\n", name) ? ht_fail("ls", "write") : 0;
    if (strlen(directory) + strlen(name) + 2 > sizeof path) {
        errno = ENAMETOOLONG;
        return ht_fail("ls", name);
    }
    strcpy(path, directory);
    if (*path && path[strlen(path) - 1] != '/')
        strcat(path, "/");
    strcat(path, name);
    if (lstat(path, &stat))
        return ht_fail("ls", path);
    const char *type = S_ISREG(stat.st_mode) ? "-" : S_ISDIR(stat.st_mode) ? "d" : S_ISLNK(stat.st_mode) ? "l"
                       : S_ISCHR(stat.st_mode) ? "c" : "?";
    if (ht_print(STDOUT_FILENO, "%s %l %l %s\n", type, (uint64_t)stat.st_nlink, (uint64_t)stat.st_size, name))
        return ht_fail("ls", "write");
    return 0;
}

static int is_other(const char *name)
{
    return strcmp(name, ".") && strcmp(name, "..");
}

static int list(const char *path, int details)
{
    struct names names = {0, 0, 0};
    struct dirent *entry;
    int status = 0;
    DIR *directory = opendir(path);
    if (!directory)
        return ht_fail("ls", path);
    errno = 0;
    while ((entry = readdir(directory)))
        if (is_other(entry->d_name) && add(&names, entry->d_name))
            break;
    if (errno)
        status = ht_fail("ls", path);
    closedir(directory);
    qsort(names.list, names.count, sizeof *names.list, by_name);
    for (size_t i = 0; i < names.count; i++) {
        status |= print_one(path, names.list[i], details);
        free(names.list[i]);
    }
    free(names.list);
    return status;
}

// First what is no directory, then each directory, titled.
static int list_all(char **paths, int count, int details)
{
    int status = 0, shown = 0;
    for (int i = 0; i < count; i++) {
        struct stat stat;
        if (lstat(paths[i], &stat)) {
            status = ht_fail("ls", paths[i]);
            paths[i] = NULL;
        } else if (!S_ISDIR(stat.st_mode)) {
            status |= print_one("", paths[i], details);
            paths[i] = NULL;
            shown = 1;
        }
    }
    for (int i = 0; i < count; i++) {
        if (!paths[i])
            continue;
        if (count > 1)
            ht_print(STDOUT_FILENO, "%s%s:\n", shown ? "\n" : "", paths[i]);
        status |= list(paths[i], details);
        shown = 1;
    }
    return status;
}

int main(int argc, char **argv)
{
    int details = argc > 1 && strcmp(argv[1], "-l") == 0, first = 1 + details;
    ht_start();
    if (argc > first && argv[first][0] == '-' && argv[first][1])
        return ht_usage("ls [-l] [NAME...]");
    return first == argc ? list(".", details) : list_all(argv + first, argc - first, details);
}
