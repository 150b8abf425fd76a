// mkdir NAME...: makes directories; the ones above must be there.
// Exit status: 0, 1 if one cannot be made (the others still are), 2 for wrong use.
#include <sys/stat.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    int status = 0;
    if (argc < 2)
        return ht_usage("mkdir NAME...");
    for (int i = 1; i < argc; i++)
        if (mkdir(argv[i], 0777))
            status = ht_fail("mkdir", argv[i]);
    return status;
}
