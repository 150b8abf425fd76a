// unlinkhog: makes files, unlinks each, and keeps all of them open: space that no name leads to.
// Exit status: 1 (it always ends with an error), if it is not killed.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

int main(void)
{
    static char block[4096];
    unsigned files = 0;
    for (;; files++) {
        int fd = open("/unlinkhog", O_RDWR | O_CREAT | O_EXCL, 0666);
        if (fd < 0 || unlink("/unlinkhog") || ht_write_all(fd, block, sizeof block))
            break;
    }
    ht_print(STDOUT_FILENO, "unlinkhog: %u files, then %s\n", files, strerror(errno));
    return 1;
}
