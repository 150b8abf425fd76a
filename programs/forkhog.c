// forkhog: copies itself without end, and waits for none; each copy does the same. Refused, it tries again: only
// killing the whole tree ends it. (forkbomb starts itself anew instead.)
// Exit status: none; it does not end by itself.
#include <sched.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (;;)
        if (ht_fork() < 0)
            sched_yield();
}
