// fdhog [-k]: opens one file (/fdhog) again and again and closes nothing. A kernel that charges descriptors
// to nobody dies of it.
// Says at the first refusal how many it got; with -k it then goes on trying for ever.
// Exit status: 1 when it was refused, 2 for wrong use.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    int keep = argc == 2 && strcmp(argv[1], "-k") == 0;
    unsigned count = 0;
    if (argc > 1 + keep)
        return ht_usage("fdhog [-k]");
    while (open("/fdhog", O_RDWR | O_CREAT, 0666) >= 0)
        count++;
    ht_print(STDOUT_FILENO, "fdhog: %u descriptors, then %s\n", count, strerror(errno));
    while (keep)
        if (open("/fdhog", O_RDWR | O_CREAT, 0666) < 0)
            sched_yield();
    return 1;
}
