// Printing without stdio, which would be most of a small program.
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

// A buffer that takes what fits and drops the rest.
struct text {
    char *at;
    size_t size, used;
};

static void add(struct text *text, const char *from, size_t length)
{
    size_t room = text->size - text->used;
    if (length > room)
        length = room;
    memcpy(text->at + text->used, from, length);
    text->used += length;
}

static void add_number(struct text *text, uint64_t number, int negative)
{
    char digits[21];
    size_t at = sizeof digits;
    do
        digits[--at] = '0' + number % 10;
    while (number /= 10);
    if (negative)
        digits[--at] = '-';
    add(text, digits + at, sizeof digits - at);
}

static size_t format_list(char *to, size_t size, const char *format, va_list list)
{
    struct text text = {to, size, 0};
    for (const char *at = format; *at; at++) {
        if (*at != '%') {
            add(&text, at, 1);
            continue;
        }
        switch (*++at) {
        case 's': {
            const char *string = va_arg(list, const char *);
            add(&text, string, strlen(string));
            break;
        }
        case 'd': {
            int number = va_arg(list, int);
            add_number(&text, number < 0 ? -(uint64_t)number : (uint64_t)number, number < 0);
            break;
        }
        case 'u':
            add_number(&text, va_arg(list, unsigned), 0);
            break;
        case 'l':
            add_number(&text, va_arg(list, uint64_t), 0);
            break;
        default:
            add(&text, at, 1);
        }
    }
    return text.used;
}

void ht_format(char *to, unsigned long size, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    to[format_list(to, size - 1, format, list)] = 0;
    va_end(list);
}

int ht_write_all(int fd, const void *data, unsigned long length)
{
    const char *from = data;
    while (length) {
        ssize_t done = write(fd, from, length);
        if (done < 0)
            return -1;
        if (done == 0) { // no error and no progress: better an error than a loop without end
            errno = EIO;
            return -1;
        }
        from += done;
        length -= done;
    }
    return 0;
}

int ht_print(int fd, const char *format, ...)
{
    char line[1000];
    va_list list;
    va_start(list, format);
    size_t length = format_list(line, sizeof line, format, list);
    va_end(list);
    return ht_write_all(fd, line, length);
}

int ht_fail(const char *program, const char *what)
{
    ht_print(STDERR_FILENO, "%s: %s: %s\n", program, what, strerror(errno));
    return 1;
}

int ht_usage(const char *text)
{
    ht_print(STDERR_FILENO, "usage: %s\n", text);
    return 2;
}

long long ht_number(const char *text)
{
    long long number = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || number > INT64_MAX / 10 - 1)
            return -1;
        number = number * 10 + (*text - '0');
    }
    return number;
}
