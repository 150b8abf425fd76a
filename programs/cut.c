// cut -f LIST [-d C] [FILE...], cut -c LIST [FILE...]: the fields, parted by C or a tab, or the bytes of each line
// that LIST names: numbers and ranges such as 1,3-5,7-. A line without a C is shown whole.
// Exit status: 0, 1 if a file cannot be read (the others still are), 2 for wrong use.
#include <stdlib.h>
#include <string.h>

#include "hardtack.h"

#define USAGE "cut -f LIST [-d C] [FILE...] | cut -c LIST [FILE...]"

static const char *list;
static int bytes;
static char parting = '\t';

static int is_listed(long number)
{
    for (const char *at = list; *at;) {
        char *end;
        long low = *at == '-' ? 1 : strtol(at, &end, 10), high = low;
        if (*at == '-')
            end = (char *)at;
        if (*end == '-')
            high = end[1] >= '0' && end[1] <= '9' ? strtol(end + 1, &end, 10) : (end++, 0x7fffffff);
        if (low <= number && number <= high)
            return 1;
        if (*end && *end != ',')
            exit(ht_usage(USAGE));
        at = end + (*end == ',');
    }
    return 0;
}

static void cut_fields(char *line)
{
    int shown = 0;
    if (!strchr(line, parting)) {
        ht_put_line("cut", line);
        return;
    }
    for (long number = 1; line; number++) {
        char *end = strchr(line, parting);
        size_t length = end ? (size_t)(end - line) : strlen(line);
        if (is_listed(number)) {
            if (shown++)
                ht_put("cut", &parting, 1);
            ht_put("cut", line, length);
        }
        line = end ? end + 1 : NULL;
    }
    ht_put("cut", "\n", 1);
}

static int cut(int fd, const char *name)
{
    struct ht_lines lines = ht_lines(fd);
    int found;
    while ((found = ht_next_line(&lines)) > 0) {
        if (!bytes) {
            cut_fields(lines.line);
            continue;
        }
        for (unsigned long i = 0; i < lines.length; i++)
            if (is_listed((long)i + 1))
                ht_put("cut", lines.line + i, 1);
        ht_put("cut", "\n", 1);
    }
    ht_end_lines(&lines);
    return found < 0 ? ht_fail("cut", name) : 0;
}

int main(int argc, char **argv)
{
    int first = 1;
    ht_start();
    for (; first + 1 < argc && argv[first][0] == '-' && argv[first][1] && !argv[first][2]; first += 2) {
        char letter = argv[first][1];
        if (letter == 'd' && argv[first + 1][0])
            parting = argv[first + 1][0];
        else if ((letter == 'f' || letter == 'c') && !list)
            list = argv[first + 1];
        else
            return ht_usage(USAGE);
        bytes |= letter == 'c';
    }
    if (!list || is_listed(0))
        return ht_usage(USAGE);
    int status = ht_each_file("cut", argv + first, cut);
    ht_flush("cut");
    return status;
}
