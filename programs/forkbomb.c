// forkbomb: starts copies of itself without end, and waits for none; each copy does the same. Refused, it
// tries again: only killing the whole tree ends it.
// Exit status: none; it does not end by itself.
#include <sched.h>

#include "hardtack.h"

int main(void)
{
    char *const argv[] = {"forkbomb", 0};
    for (;;)
        if (ht_spawn("/bin/forkbomb", argv, 0) < 0)
            sched_yield();
}
