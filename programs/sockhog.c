// sockhog: makes pairs of sockets, fills each to the brim and reads none.
// Exit status: 1 (it always ends with an error).
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

int main(void)
{
    static char block[4096];
    uint64_t bytes = 0;
    unsigned pairs = 0;
    int fds[2];
    while (ht_socketpair(HT_AF_UNIX, HT_SOCK_STREAM | HT_SOCK_NONBLOCK, fds) == 0) {
        ssize_t done;
        pairs++;
        while ((done = write(fds[0], block, sizeof block)) > 0)
            bytes += done;
        if (done < 0 && errno != EAGAIN)
            break;
    }
    ht_print(STDOUT_FILENO, "sockhog: %u pairs, %l bytes, then %s\n", pairs, bytes, strerror(errno));
    return 1;
}
