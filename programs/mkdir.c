// mkdir [-p] NAME...: makes directories; those above must be there, unless -p makes them too.
// Exit status: 0, 1 if one cannot be made (the others still are), 2 for wrong use.
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "hardtack.h"

static int make_above(char *path)
{
    for (char *slash = path; *slash && (slash = strchr(slash + 1, '/'));) {
        *slash = 0;
        int failed = mkdir(path, 0777) && errno != EEXIST;
        *slash = '/';
        if (failed)
            return -1;
    }
    return mkdir(path, 0777) && errno != EEXIST;
}

int main(int argc, char **argv)
{
    int status = 0, above = argc > 1 && strcmp(argv[1], "-p") == 0;
    ht_start();
    if (argc < 2 + above || (!above && argv[1][0] == '-'))
        return ht_usage("mkdir [-p] NAME...");
    for (int i = 1 + above; i < argc; i++)
        if (above ? make_above(argv[i]) : mkdir(argv[i], 0777))
            status = ht_fail("mkdir", argv[i]);
    return status;
}
