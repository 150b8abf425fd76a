// mail ID COUNT [SIZE]: the good citizen. It delivers COUNT messages (0: without end) of SIZE bytes (4000)
// below /spool/ID: each is written under a temporary name, renamed, read back, compared byte by byte and
// removed. Every result is checked, and the first one that is wrong ends it: a kernel that keeps its promise
// never lets that happen, whatever else runs.
// Exit status: 0 when all are delivered, 1 after an error, 2 for wrong use.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> // rename
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hardtack.h"

#define LARGEST 1048576 // bytes of a message

static const char *id;

static _Noreturn void fail(const char *operation)
{
    int error = errno;
    ht_print(STDERR_FILENO, "mail %s: %s: %s (errno %d)\n", id, operation, strerror(error), error);
    exit(1);
}

static _Noreturn void fail_content(uint64_t number, const char *what)
{
    ht_print(STDERR_FILENO, "mail %s: message %l: %s\n", id, number, what);
    exit(1);
}

// No two messages are alike, and none is at a page's distance from itself.
static void compose(char *message, size_t size, uint64_t number)
{
    uint64_t state = number * 0x9e3779b97f4a7c15 + 1;
    for (const char *c = id; *c; c++)
        state = state * 31 + (unsigned char)*c;
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005 + 1442695040888963407;
        message[i] = (char)(state >> 56);
    }
}

static void make_directory(const char *path)
{
    if (mkdir(path, 0777) && errno != EEXIST)
        fail("mkdir");
}

static void write_message(const char *path, const char *message, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0)
        fail("open to write");
    if (ht_write_all(fd, message, size))
        fail("write");
    if (close(fd))
        fail("close after writing");
}

static void check_message(const char *path, const char *message, char *copy, size_t size, uint64_t number)
{
    size_t have = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        fail("open to read");
    while ((got = read(fd, copy + have, size + 1 - have)) > 0) // one byte more than there should be
        have += got;
    if (got < 0)
        fail("read");
    if (have != size)
        fail_content(number, have < size ? "bytes are missing" : "there are more bytes than were written");
    if (memcmp(copy, message, size))
        fail_content(number, "the bytes are not those that were written");
    if (close(fd))
        fail("close after reading");
}

int main(int argc, char **argv)
{
    char directory[300], temporary[340], final[340];
    long long count = argc > 2 ? ht_number(argv[2]) : -1, size = argc > 3 ? ht_number(argv[3]) : 4000;
    if (argc < 3 || argc > 4 || count < 0 || size < 0 || size > LARGEST || strlen(argv[1]) > 200)
        return ht_usage("mail ID COUNT [SIZE]");
    id = argv[1];
    char *message = malloc(size + 1), *copy = malloc(size + 1);
    if (!message || !copy)
        fail("malloc");
    make_directory("/spool");
    ht_format(directory, sizeof directory, "/spool/%s", id);
    make_directory(directory);
    for (uint64_t number = 1; count == 0 || number <= (uint64_t)count; number++) {
        ht_format(temporary, sizeof temporary, "%s/tmp.%l", directory, number);
        ht_format(final, sizeof final, "%s/new.%l", directory, number);
        compose(message, size, number);
        write_message(temporary, message, size);
        if (rename(temporary, final))
            fail("rename");
        check_message(final, message, copy, size, number);
        if (unlink(final))
            fail("unlink");
        if (number % 100 == 0 && ht_print(STDOUT_FILENO, "mail %s: delivered %l\n", id, number))
            fail("report");
    }
    if (ht_print(STDOUT_FILENO, "mail %s: done, delivered %l\n", id, (uint64_t)count))
        fail("report");
    return 0;
}
