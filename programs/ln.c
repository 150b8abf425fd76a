// ln [-s] TARGET NAME: gives a file another name, or makes a symbolic link to it (-s).
// Exit status: 0, 1 for an error (nothing has changed), 2 for wrong use.
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    int symbolic = argc > 1 && strcmp(argv[1], "-s") == 0;
    ht_start();
    if (argc != 3 + symbolic)
        return ht_usage("ln [-s] TARGET NAME");
    char **names = argv + 1 + symbolic;
    return (symbolic ? symlink(names[0], names[1]) : link(names[0], names[1])) ? ht_fail("ln", names[1]) : 0;
}
