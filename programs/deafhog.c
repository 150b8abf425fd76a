// deafhog: starts programs that never read, each at the end of a pipe that it fills to the brim. Refused, it tries
// again with what it has.
// Exit status: 1 if a pipe behaves otherwise than a pipe does; else none, it does not end by itself.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "hardtack.h"

int main(void)
{
    static char block[4096];
    char *const argv[] = {"sleeper", "1000000", 0};
    int ends[2];
    for (;;) {
        ssize_t done;
        if (ht_pipe(ends)) {
            sched_yield();
            continue;
        }
        int fds[3] = {ends[0], STDOUT_FILENO, STDERR_FILENO};
        if (ht_spawn("/bin/sleeper", argv, fds) < 0)
            sched_yield();
        if (fcntl(ends[1], F_SETFL, O_NONBLOCK))
            return ht_fail("deafhog", "fcntl");
        while ((done = write(ends[1], block, sizeof block)) > 0)
            ;
        if (errno != EAGAIN)
            return ht_fail("deafhog", "write");
    }
}
