// pipehog: makes pipes, fills each to the brim and reads none.
// Exit status: 1 (it always ends with an error).
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

int main(void)
{
    static char block[4096];
    uint64_t bytes = 0;
    unsigned pipes = 0;
    int fds[2];
    while (ht_pipe(fds) == 0) {
        ssize_t done;
        pipes++;
        if (fcntl(fds[1], F_SETFL, O_NONBLOCK))
            break;
        while ((done = write(fds[1], block, sizeof block)) > 0)
            bytes += done;
        if (done < 0 && errno != EAGAIN)
            break;
    }
    ht_print(STDOUT_FILENO, "pipehog: %u pipes, %l bytes, then %s\n", pipes, bytes, strerror(errno));
    return 1;
}
