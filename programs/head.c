// head [-n LINES] [FILE...]: the first lines, 10, of each file or of standard input.
// Exit status: 0, 1 if a file cannot be read (the others still are), 2 for wrong use.
#include <string.h>

#include "hardtack.h"

static long long wanted = 10;

static int show(int fd, const char *name)
{
    struct ht_lines lines = ht_lines(fd);
    int found = 0;
    for (long long i = 0; i < wanted && (found = ht_next_line(&lines)) > 0; i++)
        ht_put_read("head", &lines);
    ht_end_lines(&lines);
    return found < 0 ? ht_fail("head", name) : 0;
}

int main(int argc, char **argv)
{
    int first = 1;
    ht_start();
    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        wanted = ht_number(argv[2]);
        first = 3;
    }
    if (wanted < 0 || (first < argc && argv[first][0] == '-'))
        return ht_usage("head [-n LINES] [FILE...]");
    int status = ht_each_file("head", argv + first, show);
    ht_flush("head");
    return status;
}
