// zombiehog: starts programs that end at once, and waits for none of them. Refused, it tries again.
// Exit status: none; it does not end by itself.
#include <sched.h>

#include "hardtack.h"

int main(void)
{
    char *const argv[] = {"true", 0};
    for (;;)
        if (ht_spawn("/bin/true", argv, 0) < 0)
            sched_yield();
}
