// nc [-l] NAME | PORT: standard input to a socket of this kernel, and what comes back to standard output.
// With -l it listens there and takes one connection. Both directions at once: neither waits for the other.
// Exit status: 0 when both are at their end, 1 if there is no connection or it breaks, 2 for wrong use.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

static int accept_one(const char *name)
{
    int listener = ht_bound(name);
    if (listener < 0 || ht_listen(listener, 1))
        return -1;
    int fd = ht_accept(listener, 0);
    close(listener);
    return fd;
}

// Moves what there is: more than 0, 0 at the end, or -1.
static int move(int from, int to)
{
    static char buffer[16384];
    ssize_t got = read(from, buffer, sizeof buffer);
    if (got > 0 && ht_write_all(to, buffer, got))
        return -1;
    return (int)got;
}

int main(int argc, char **argv)
{
    int listening = argc == 3 && strcmp(argv[1], "-l") == 0;
    if (argc != 2 + listening)
        return ht_usage("nc [-l] NAME | PORT");
    int fd = listening ? accept_one(argv[2]) : ht_connected(argv[1]);
    if (fd < 0)
        return ht_fail("nc", argv[1 + listening]);
    int to[2] = {STDOUT_FILENO, fd};
    struct pollfd from[2] = {{.fd = fd, .events = POLLRDNORM}, {.fd = STDIN_FILENO, .events = POLLRDNORM}};
    for (int count = 2; count;) {
        if (poll(from, count, -1) < 0)
            return ht_fail("nc", "poll");
        for (int i = count - 1; i >= 0; i--) {
            int done = from[i].revents ? move(from[i].fd, to[i]) : 1;
            if (done < 0)
                return ht_fail("nc", argv[1 + listening]);
            if (done)
                continue;
            if (to[i] == fd)
                ht_shutdown(fd, 2);
            from[i] = from[count - 1];
            to[i] = to[--count];
        }
    }
    return 0;
}
