// cp SOURCE TARGET: copies a file.
// Exit status: 0, 1 for an error (what was written stays), 2 for wrong use.
#include <fcntl.h>
#include <unistd.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    static char buffer[16384];
    ssize_t got;
    ht_start();
    if (argc != 3)
        return ht_usage("cp SOURCE TARGET");
    int from = open(argv[1], O_RDONLY);
    if (from < 0)
        return ht_fail("cp", argv[1]);
    int to = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (to < 0)
        return ht_fail("cp", argv[2]);
    while ((got = read(from, buffer, sizeof buffer)) > 0)
        if (ht_write_all(to, buffer, got))
            return ht_fail("cp", argv[2]);
    if (got < 0)
        return ht_fail("cp", argv[1]);
    return close(to) ? ht_fail("cp", argv[2]) : 0;
}
