// Lines in, pieces out.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

struct ht_lines ht_lines(int fd)
{
    return (struct ht_lines){fd, 0, 0, 0, 0, 0, 0, 0};
}

// Reads more, behind what is there of a line; the number of bytes, 0 at the end, or -1.
static ssize_t fill(struct ht_lines *lines)
{
    memmove(lines->buffer, lines->buffer + lines->at, lines->filled - lines->at);
    lines->filled -= lines->at;
    lines->at = 0;
    if (lines->filled + 1 >= lines->room) {
        unsigned long room = lines->room ? lines->room * 2 : 16384;
        char *buffer = realloc(lines->buffer, room);
        if (!buffer) {
            errno = ENOMEM;
            return -1;
        }
        lines->buffer = buffer;
        lines->room = room;
    }
    ssize_t got = read(lines->fd, lines->buffer + lines->filled, lines->room - lines->filled - 1);
    if (got > 0)
        lines->filled += (unsigned long)got;
    return got;
}

int ht_next_line(struct ht_lines *lines)
{
    unsigned long seen = 0;
    for (;;) {
        char *from = lines->buffer + lines->at;
        unsigned long left = lines->filled - lines->at;
        char *end = left > seen ? memchr(from + seen, '\n', left - seen) : NULL;
        seen = left;
        ssize_t got = end ? 1 : fill(lines);
        if (got < 0 || (got == 0 && !left))
            return (int)got;
        if (!end && got > 0)
            continue;
        lines->line = lines->buffer + lines->at;
        lines->length = end ? (unsigned long)(end - lines->line) : lines->filled - lines->at;
        lines->line[lines->length] = 0;
        lines->ended = end != NULL;
        lines->at += lines->length + (end != NULL);
        return 1;
    }
}

void ht_end_lines(struct ht_lines *lines)
{
    free(lines->buffer);
    *lines = ht_lines(-1);
}

int ht_each_file(const char *program, char *const names[], int (*do_file)(int fd, const char *name))
{
    int status = 0;
    if (!*names)
        return do_file(STDIN_FILENO, "standard input");
    for (; *names; names++) {
        int fd = open(*names, O_RDONLY);
        if (fd < 0) {
            status |= ht_fail(program, *names);
            continue;
        }
        status |= do_file(fd, *names);
        close(fd);
    }
    return status;
}

static char waiting[16384];
static unsigned long used;

void ht_flush(const char *program)
{
    if (ht_write_all(STDOUT_FILENO, waiting, used))
        exit(ht_fail(program, "write"));
    used = 0;
}

void ht_put(const char *program, const void *data, unsigned long length)
{
    if (length > sizeof waiting - used)
        ht_flush(program);
    if (length > sizeof waiting) {
        if (ht_write_all(STDOUT_FILENO, data, length))
            exit(ht_fail(program, "write"));
        return;
    }
    memcpy(waiting + used, data, length);
    used += length;
}

void ht_put_read(const char *program, const struct ht_lines *lines)
{
    ht_put(program, lines->line, lines->length);
    ht_put(program, "\n", lines->ended);
}

void ht_put_line(const char *program, const char *line)
{
    ht_put(program, line, strlen(line));
    ht_put(program, "\n", 1);
}
