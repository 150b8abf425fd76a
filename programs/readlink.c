// readlink NAME: prints what a symbolic link leads to.
// Exit status: 0, 1 if it is none, 2 for wrong use.
#include <unistd.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    char target[4097];
    ht_start();
    if (argc != 2)
        return ht_usage("readlink NAME");
    ssize_t length = readlink(argv[1], target, sizeof target - 1);
    if (length < 0)
        return ht_fail("readlink", argv[1]);
    target[length] = 0;
    ht_put_line("readlink", target);
    ht_flush("readlink");
    return 0;
}
