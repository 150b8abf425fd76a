// cmp A B: compares two files byte by byte and says where they first differ.
// Exit status: 0 if they are alike, 1 if not, 2 for wrong use or a file that cannot be read.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

// Fills a buffer as far as the file goes.
static ssize_t fill(int fd, char *buffer, size_t size)
{
    size_t have = 0;
    ssize_t got;
    while (have < size && (got = read(fd, buffer + have, size - have)))
        if (got < 0)
            return -1;
        else
            have += (size_t)got;
    return (ssize_t)have;
}

int main(int argc, char **argv)
{
    static char a[16384], b[16384];
    uint64_t byte = 1, line = 1;
    ht_start();
    if (argc != 3)
        return ht_usage("cmp A B");
    int one = open(argv[1], O_RDONLY);
    if (one < 0)
        return ht_fail("cmp", argv[1]) + 1;
    int other = open(argv[2], O_RDONLY);
    if (other < 0)
        return ht_fail("cmp", argv[2]) + 1;
    for (;;) {
        ssize_t left = fill(one, a, sizeof a), right = fill(other, b, sizeof b);
        if (left < 0 || right < 0)
            return ht_fail("cmp", argv[left < 0 ? 1 : 2]) + 1;
        for (ssize_t i = 0; i < left && i < right; i++, byte++) {
            if (a[i] != b[i]) {
                ht_print(STDOUT_FILENO, "%s %s differ: char %l, line %l\n", argv[1], argv[2], byte, line);
                return 1;
            }
            line += a[i] == '\n';
        }
        if (left != right) {
            ht_print(STDERR_FILENO, "cmp: EOF on %s after byte %l\n", argv[left < right ? 1 : 2], byte - 1);
            return 1;
        }
        if (!left)
            return 0;
    }
}
