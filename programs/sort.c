// sort [-n] [-r] [-u] [FILE...]: the lines of all files, or of standard input, in order: by bytes, or by the numbers
// that they begin with (-n); backwards (-r); each once (-u).
// Exit status: 0, 1 if a file cannot be read (the others still are), 2 for wrong use or too little memory.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hardtack.h"

static char **list;
static size_t count, room;
static int numeric, backwards, once;

static int compare(const void *a, const void *b)
{
    const char *one = *(char *const *)a, *other = *(char *const *)b;
    int order = 0;
    if (numeric) {
        long long left = strtoll(one, NULL, 10), right = strtoll(other, NULL, 10);
        order = (left > right) - (left < right);
    }
    if (!order && !(numeric && once))
        order = strcmp(one, other);
    return backwards ? -order : order;
}

static int add(int fd, const char *name)
{
    struct ht_lines lines = ht_lines(fd);
    int found;
    while ((found = ht_next_line(&lines)) > 0) {
        if (count == room) {
            room = room ? room * 2 : 1024;
            list = realloc(list, room * sizeof *list);
        }
        if (!list || !(list[count++] = strdup(lines.line))) {
            errno = ENOMEM;
            exit(ht_fail("sort", name) + 1);
        }
    }
    ht_end_lines(&lines);
    return found < 0 ? ht_fail("sort", name) : 0;
}

int main(int argc, char **argv)
{
    int first = 1;
    ht_start();
    for (; first < argc && argv[first][0] == '-' && argv[first][1]; first++)
        for (char *letter = argv[first] + 1; *letter; letter++) {
            numeric |= *letter == 'n';
            backwards |= *letter == 'r';
            once |= *letter == 'u';
            if (!strchr("nru", *letter))
                return ht_usage("sort [-n] [-r] [-u] [FILE...]");
        }
    int status = ht_each_file("sort", argv + first, add);
    if (count)
        qsort(list, count, sizeof *list, compare);
    for (size_t i = 0; i < count; i++)
        if (!once || !i || compare(&list[i - 1], &list[i]))
            ht_put_line("sort", list[i]);
    ht_flush("sort");
    return status;
}
