// ls [-l] [NAME...]: lists directories, or the root, sorted by name; any other NAME lists itself.
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

static int list(const char *path, int details, int title)
{
    struct names names = {0, 0, 0};
    struct dirent *entry;
    int status = 0;
    DIR *directory = opendir(path);
    if (!directory && errno == ENOTDIR)
        return print_one("", path, details);
    if (!directory)
        return ht_fail("ls", path);
    errno = 0;
    while ((entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && add(&names, entry->d_name))
            break;
    if (errno)
        status = ht_fail("ls", path);
    closedir(directory);
    if (title)
        ht_print(STDOUT_FILENO, "%s:\n", path);
    qsort(names.list, names.count, sizeof *names.list, by_name);
    for (size_t i = 0; i < names.count; i++) {
        status |= print_one(path, names.list[i], details);
        free(names.list[i]);
    }
    free(names.list);
    return status;
}

int main(int argc, char **argv)
{
    int details = argc > 1 && strcmp(argv[1], "-l") == 0, status = 0, first = 1 + details;
    if (argc > first && argv[first][0] == '-' && argv[first][1])
        return ht_usage("ls [-l] [NAME...]");
    if (first == argc)
        return list("/", details, 0);
    for (int i = first; i < argc; i++)
        status |= list(argv[i], details, argc - first > 1);
    return status;
}
