// sleeper SECONDS: sleeps: a process that costs memory and no time, and is blocked when it is killed.
// Exit status: 0 when the time is over, 1 if it cannot sleep, 2 for wrong use.
#include <time.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    long long seconds = argc == 2 ? ht_number(argv[1]) : -1;
    if (seconds < 0)
        return ht_usage("sleeper SECONDS");
    struct timespec time = {.tv_sec = seconds, .tv_nsec = 0};
    return nanosleep(&time, 0) ? ht_fail("sleeper", "nanosleep") : 0;
}
