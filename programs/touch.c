// touch FILE...: makes files, or gives those that are there the time of now.
// Exit status: 0, 1 if one cannot be (the others still are), 2 for wrong use.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    int status = 0;
    ht_start();
    if (argc < 2)
        return ht_usage("touch FILE...");
    for (int i = 1; i < argc; i++) {
        if (utimensat(AT_FDCWD, argv[i], NULL, 0) == 0)
            continue;
        int fd = errno == ENOENT ? open(argv[i], O_WRONLY | O_CREAT, 0666) : -1;
        if (fd < 0 || close(fd))
            status = ht_fail("touch", argv[i]);
    }
    return status;
}
