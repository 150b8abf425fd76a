// memhog: grows its linear memory without end, a MiB at a time, and touches every page of it.
// Exit status: 1 when it is refused more.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

#define MIB 1048576

int main(void)
{
    unsigned count = 0;
    volatile char *block;
    while ((block = malloc(MIB))) {
        for (int i = 0; i < MIB; i += 4096)
            block[i] = 1;
        count++;
    }
    ht_print(STDOUT_FILENO, "memhog: %u MiB, then %s\n", count, strerror(errno));
    return 1;
}
