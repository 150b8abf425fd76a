// filehog [NAME]: fills the file system: a file (/filehog) block by block until a write fails, then NAME.1,
// NAME.2 and so on, until a new file takes no byte any more.
// Exit status: 1 (it always ends with an error), 2 for wrong use.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

static char block[65536];

// Writes one file until it fails: the bytes that it took.
static uint64_t fill(const char *path)
{
    uint64_t total = 0;
    ssize_t done;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0)
        return 0;
    while ((done = write(fd, block, sizeof block)) > 0)
        total += done;
    int error = errno;
    close(fd);
    errno = error;
    return total;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "/filehog";
    char path[1000];
    uint64_t total = 0, got;
    unsigned files = 0;
    if (argc > 2 || strlen(name) > sizeof path - 20)
        return ht_usage("filehog [NAME]");
    memset(block, 'h', sizeof block);
    strcpy(path, name);
    while ((got = fill(path)) > 0) {
        total += got;
        files++;
        ht_format(path, sizeof path, "%s.%u", name, files);
    }
    ht_print(STDOUT_FILENO, "filehog: %l bytes in %u files, then %s\n", total, files, strerror(errno));
    return 1;
}
