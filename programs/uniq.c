// uniq [-c] [-d] [FILE]: each line once of those that are alike and follow one another; with their number (-c), or
// only those that come more than once (-d).
// Exit status: 0, 1 if the file cannot be read, 2 for wrong use.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hardtack.h"

static int counted, repeated;

static void show(const char *line, uint64_t count)
{
    char number[32];
    if (!line || (repeated && count < 2))
        return;
    if (counted) {
        ht_format(number, sizeof number, "%l ", count);
        ht_put("uniq", number, strlen(number));
    }
    ht_put_line("uniq", line);
}

static int filter(int fd, const char *name)
{
    struct ht_lines lines = ht_lines(fd);
    char *before = NULL;
    uint64_t count = 0;
    int found;
    while ((found = ht_next_line(&lines)) > 0) {
        if (before && strcmp(before, lines.line) == 0) {
            count++;
            continue;
        }
        show(before, count);
        free(before);
        before = strdup(lines.line);
        count = 1;
        if (!before) {
            errno = ENOMEM;
            return ht_fail("uniq", name);
        }
    }
    show(before, count);
    free(before);
    ht_end_lines(&lines);
    return found < 0 ? ht_fail("uniq", name) : 0;
}

int main(int argc, char **argv)
{
    int first = 1;
    ht_start();
    for (; first < argc && argv[first][0] == '-' && argv[first][1]; first++) {
        counted |= strcmp(argv[first], "-c") == 0;
        repeated |= strcmp(argv[first], "-d") == 0;
        if (strcmp(argv[first], "-c") && strcmp(argv[first], "-d"))
            return ht_usage("uniq [-c] [-d] [FILE]");
    }
    if (argc - first > 1)
        return ht_usage("uniq [-c] [-d] [FILE]");
    int status = ht_each_file("uniq", argv + first, filter);
    ht_flush("uniq");
    return status;
}
