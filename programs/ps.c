// ps: the processes of its own tree, as /proc has them: number, parent, state, bytes of the kernel's heap, bytes of
// linear memory, open descriptors, name.
// Exit status: 0, 1 if /proc cannot be read.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

static const char *const columns[] = {"Pid", "PPid", "State", "Heap", "Memory", "Descriptors", "Name"};

// The value of a line "NAME:\tVALUE" of a status, ended by NUL in place; "?" if there is none.
static char *value_of(char *status, const char *name)
{
    size_t length = strlen(name);
    for (char *line = status; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        if (strncmp(line, name, length) == 0 && line[length] == ':' && line[length + 1] == '\t')
            return line + length + 2;
    return "?";
}

static void put_column(const char *text, int last)
{
    size_t length = strcspn(text, "\n");
    ht_put("ps", text, length);
    for (size_t i = length; i < 12 && !last; i++)
        ht_put("ps", " ", 1);
    ht_put("ps", last ? "\n" : " ", 1);
}

static int show(const char *pid)
{
    char path[64], status[2048];
    ht_format(path, sizeof path, "/proc/%s/status", pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return errno == ENOENT ? 0 : ht_fail("ps", path); // it ended meanwhile
    ssize_t got = read(fd, status, sizeof status - 1);
    close(fd);
    if (got < 0)
        return ht_fail("ps", path);
    status[got] = 0;
    for (int i = 0; i < 7; i++)
        put_column(value_of(status, columns[i]), i == 6);
    return 0;
}

int main(int argc, char **argv)
{
    int status = 0;
    (void)argv;
    if (argc > 1)
        return ht_usage("ps");
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    if (!directory)
        return ht_fail("ps", "/proc");
    for (int i = 0; i < 7; i++)
        put_column(columns[i], i == 6);
    while ((entry = readdir(directory)))
        if (ht_number(entry->d_name) > 0)
            status |= show(entry->d_name);
    closedir(directory);
    ht_flush("ps");
    return status;
}
