// swarm: a hog that is spread thin. It opens a few descriptors, starts two copies of itself and waits: no process
// of the tree holds much, and all together take whatever there is.
// Exit status: none; it does not end by itself.
#include <fcntl.h>
#include <sched.h>

#include "hardtack.h"

#define FILES 8
#define CHILDREN 2

int main(void)
{
    char *const argv[] = {"swarm", 0};
    for (int files = 0; files < FILES;)
        if (open("/swarm", O_RDWR | O_CREAT, 0666) >= 0)
            files++;
    for (int children = 0; children < CHILDREN;)
        if (ht_spawn("/bin/swarm", argv, 0) >= 0)
            children++;
        else
            sched_yield();
    for (;;)
        ht_waitpid(-1, 0, 0);
}
