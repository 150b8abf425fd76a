// seq [FIRST [STEP]] LAST: prints numbers from FIRST, or 1, to LAST.
// Exit status: 0, 1 if they cannot be written, 2 for wrong use.
#include <string.h>

#include "hardtack.h"

static int wrong;

static long long number(const char *text)
{
    int negative = *text == '-';
    long long value = ht_number(text + negative);
    wrong |= value < 0;
    return negative ? -value : value;
}

int main(int argc, char **argv)
{
    long long first = 1, step = 1, last;
    char line[32];
    if (argc < 2 || argc > 4)
        return ht_usage("seq [FIRST [STEP]] LAST");
    last = number(argv[argc - 1]);
    if (argc > 2)
        first = number(argv[1]);
    if (argc > 3)
        step = number(argv[2]);
    if (wrong || !step)
        return ht_usage("seq [FIRST [STEP]] LAST");
    for (long long i = first; step > 0 ? i <= last : i >= last; i += step) {
        ht_format(line, sizeof line, i < 0 ? "-%l\n" : "%l\n", (uint64_t)(i < 0 ? -i : i));
        ht_put("seq", line, strlen(line));
    }
    ht_flush("seq");
    return 0;
}
