// namehog: makes names without end: empty files, links to them, and directories.
// Exit status: 1 (it always ends with an error), if it is not killed.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hardtack.h"

int main(void)
{
    char name[300], other[300];
    unsigned made = 0;
    memset(name, 'n', 200);
    if (mkdir("/namehog", 0777) && errno != EEXIST)
        return ht_fail("namehog", "mkdir");
    if (chdir("/namehog"))
        return ht_fail("namehog", "chdir");
    for (;; made++) {
        ht_format(name + 200, 100, "%u", made);
        ht_format(other, sizeof other, "%u", made);
        int fd = open(name, O_WRONLY | O_CREAT, 0666);
        if (fd < 0 || close(fd) || link(name, other))
            break;
        other[0] = 'd';
        ht_format(other + 1, sizeof other - 1, "%u", made);
        if (mkdir(other, 0777))
            break;
    }
    ht_print(STDOUT_FILENO, "namehog: %u names, then %s\n", 3 * made, strerror(errno));
    return 1;
}
