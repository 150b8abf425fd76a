// yes [TEXT]: writes a line (y) for ever: a pipe's writer that is always ahead, a log that fills.
// Exit status: 1 when a write fails, 2 for wrong use.
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    static char line[1000];
    const char *text = argc > 1 ? argv[1] : "y";
    size_t length = strlen(text);
    if (argc > 2 || length > sizeof line - 1)
        return ht_usage("yes [TEXT]");
    memcpy(line, text, length);
    line[length++] = '\n';
    while (!ht_write_all(STDOUT_FILENO, line, length))
        ;
    return ht_fail("yes", "write");
}
