// sleep SECONDS: sleeps, by poll_oneoff on a clock; SECONDS may have a fraction.
// Exit status: 0 when the time is over, 1 if it cannot sleep, 2 for wrong use.
#include <string.h>
#include <time.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    long long seconds = 0, part = 0, unit = 1000000000;
    char *dot = argc == 2 ? strchr(argv[1], '.') : NULL;
    if (dot)
        *dot = 0;
    if (argc != 2 || (seconds = ht_number(argv[1])) < 0)
        return ht_usage("sleep SECONDS");
    for (char *digit = dot ? dot + 1 : ""; *digit; digit++) {
        if (*digit < '0' || *digit > '9')
            return ht_usage("sleep SECONDS");
        unit /= 10;
        part += unit * (*digit - '0');
    }
    struct timespec time = {.tv_sec = seconds, .tv_nsec = (long)part};
    return nanosleep(&time, 0) ? ht_fail("sleep", "nanosleep") : 0;
}
