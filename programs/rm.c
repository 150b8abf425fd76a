// rm NAME...: removes files and empty directories.
// Exit status: 0, 1 if one cannot be removed (the others still are), 2 for wrong use.
#include <errno.h>
#include <unistd.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    int status = 0;
    if (argc < 2)
        return ht_usage("rm NAME...");
    for (int i = 1; i < argc; i++)
        if (unlink(argv[i]) && (errno != EISDIR || rmdir(argv[i])))
            status = ht_fail("rm", argv[i]);
    return status;
}
