// hello: the smallest program that says something: two imports, 128 KiB of memory.
// Exit status: 0, or 1 if the line could not be written.
#include <unistd.h>

#include "hardtack.h"

int main(void)
{
    return ht_write_all(STDOUT_FILENO, "hello, world\n", 13) ? 1 : 0;
}
