// tail [-n LINES] [FILE...]: the last lines, 10, of each file or of standard input; up to 10000.
// Exit status: 0, 1 if a file cannot be read (the others still are), 2 for wrong use.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hardtack.h"

#define MOST 10000

static long long wanted = 10;
static char *kept[MOST]; // a ring

static int show(int fd, const char *name)
{
    struct ht_lines lines = ht_lines(fd);
    long long count = 0;
    int found;
    while ((found = ht_next_line(&lines)) > 0 && wanted) {
        char **place = &kept[count++ % wanted];
        free(*place);
        *place = strdup(lines.line);
        if (!*place) {
            errno = ENOMEM;
            found = -1;
            break;
        }
    }
    for (long long i = count > wanted ? count - wanted : 0; i < count && found == 0; i++) {
        ht_put("tail", kept[i % wanted], strlen(kept[i % wanted]));
        ht_put("tail", "\n", i + 1 < count || lines.ended);
    }
    for (long long i = 0; i < wanted; i++) {
        free(kept[i]);
        kept[i] = NULL;
    }
    ht_end_lines(&lines);
    return found < 0 ? ht_fail("tail", name) : 0;
}

int main(int argc, char **argv)
{
    int first = 1;
    ht_start();
    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        wanted = ht_number(argv[2]);
        first = 3;
    }
    if (wanted < 0 || wanted > MOST || (first < argc && argv[first][0] == '-'))
        return ht_usage("tail [-n LINES] [FILE...]");
    int status = ht_each_file("tail", argv + first, show);
    ht_flush("tail");
    return status;
}
