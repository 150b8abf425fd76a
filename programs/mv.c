// mv FROM TO: renames a file or directory, in one step that cannot be half done.
// Exit status: 0, 1 for an error (nothing has changed), 2 for wrong use.
#include <stdio.h> // rename

#include "hardtack.h"

int main(int argc, char **argv)
{
    ht_start();
    if (argc != 3)
        return ht_usage("mv FROM TO");
    return rename(argv[1], argv[2]) ? ht_fail("mv", argv[1]) : 0;
}
