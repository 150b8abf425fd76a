// memhog: grows its linear memory without end, a MiB at a time, and touches every page of it. It asks for
// the memory itself: libc's malloc rounds up to powers of two, and the figure would be half the truth.
// Exit status: 1 when it is refused more.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

#define PAGE 65536
#define PAGES_OF_A_MIB 16

int main(void)
{
    unsigned count = 0;
    for (;;) {
        size_t first = __builtin_wasm_memory_grow(0, PAGES_OF_A_MIB);
        if (first == (size_t)-1)
            break;
        for (size_t at = first * PAGE; at < (first + PAGES_OF_A_MIB) * PAGE; at += 4096)
            *(volatile char *)at = 1;
        count++;
    }
    ht_print(STDOUT_FILENO, "memhog: %u MiB, then %s\n", count, strerror(ENOMEM));
    return 1;
}
