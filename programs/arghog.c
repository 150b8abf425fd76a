// arghog [env]: starts programs that sleep, each with the longest arguments, or environment, that there can be.
// Refused, it tries again.
// Exit status: none; it does not end by itself.
#include <sched.h>
#include <string.h>

#include "hardtack.h"

#define MOST 131072

int main(int argc, char **argv)
{
    static char block[MOST];
    static const char sleeper[] = "sleeper\0" "1000000";
    uint32_t pid;
    int of_environment = argc == 2 && strcmp(argv[1], "env") == 0;
    if (argc > 1 && !of_environment)
        return ht_usage("arghog [env]");
    memset(block, 'x', sizeof block - 1);
    if (!of_environment) { // a name, and a number of seconds
        block[MOST - 9] = 0;
        memcpy(block + MOST - 8, "1000000", 8);
    }
    for (;;) {
        int32_t error = of_environment
                            ? posix_spawn("/bin/sleeper", 12, sleeper, sizeof sleeper, block, MOST, 0, 0, 0, 0, &pid)
                            : posix_spawn("/bin/sleeper", 12, block, MOST, 0, 0, 0, 0, 0, 0, &pid);
        if (error)
            sched_yield();
    }
}
