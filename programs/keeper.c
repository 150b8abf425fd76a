// keeper COUNT: a citizen that needs many descriptors. It opens one file (/kept) COUNT times, then reads through
// each of them in turn, for ever, and ends at the first answer that is wrong.
// Exit status: 1 after an error, 2 for wrong use.
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    long long count = argc == 2 ? ht_number(argv[1]) : -1;
    int *fds = count > 0 && count <= 100000 ? malloc(count * sizeof *fds) : 0;
    char letter = 0;
    if (!fds)
        return ht_usage("keeper COUNT");
    for (long long i = 0; i < count; i++) {
        fds[i] = open("/kept", O_RDWR | O_CREAT, 0666);
        if (fds[i] < 0)
            return ht_fail("keeper", "open");
    }
    if (write(fds[0], "k", 1) != 1)
        return ht_fail("keeper", "write");
    for (;;) {
        for (long long i = 0; i < count; i++)
            if (pread(fds[i], &letter, 1, 0) != 1 || letter != 'k')
                return ht_fail("keeper", "read");
        sched_yield();
    }
}
