// yes [TEXT...]: writes a line again and again: as much as whoever reads it takes.
// Exit status: none while somebody reads; 1 when nobody does any more, 2 for wrong use.
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    static char block[4096];
    size_t length = 0, used;
    for (int i = 1; i < argc; i++) {
        size_t size = strlen(argv[i]);
        if (length + size + 1 > sizeof block)
            return ht_usage("yes [TEXT...]");
        memcpy(block + length, argv[i], size);
        length += size;
        block[length++] = i + 1 < argc ? ' ' : '\n';
    }
    if (!length)
        memcpy(block, "y\n", length = 2);
    for (used = length; used + length <= sizeof block; used += length)
        memcpy(block + used, block, length);
    while (ht_write_all(STDOUT_FILENO, block, used) == 0)
        ;
    return ht_fail("yes", "write");
}
