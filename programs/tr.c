// tr [-d|-s] SET [SET]: standard input with the bytes of the first set replaced by those of the second, deleted (-d),
// or squeezed to one where several alike follow one another (-s). A set has bytes, ranges such as a-z, \n \t \\.
// Exit status: 0, 1 if it cannot read or write, 2 for wrong use.
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

struct set {
    unsigned char bytes[1024];
    size_t count;
};

static unsigned char take(const char **text)
{
    char c = *(*text)++;
    if (c != '\\' || !**text)
        return (unsigned char)c;
    c = *(*text)++;
    return (unsigned char)(c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == '0' ? 0 : c);
}

static void read_set(struct set *set, const char *text)
{
    while (*text) {
        int low = take(&text), high = low;
        if (text[0] == '-' && text[1]) {
            text++;
            high = take(&text);
        }
        for (int c = low; c <= high && set->count < sizeof set->bytes; c++)
            set->bytes[set->count++] = (unsigned char)c;
    }
}

int main(int argc, char **argv)
{
    static struct set from, to;
    static unsigned char map[256], member[256], input[16384], output[16384];
    int deleting = argc > 1 && strcmp(argv[1], "-d") == 0, squeezing = argc > 1 && strcmp(argv[1], "-s") == 0;
    int first = 1 + (deleting || squeezing), last = -1;
    ssize_t got;
    if (argc - first < 1 || argc - first > 2 - deleting || (argc - first == 1 && first == 1))
        return ht_usage("tr [-d|-s] SET [SET]");
    read_set(&from, argv[first]);
    read_set(&to, argc - first == 2 ? argv[first + 1] : argv[first]);
    if (!to.count)
        return ht_usage("tr [-d|-s] SET [SET]");
    for (int c = 0; c < 256; c++)
        map[c] = (unsigned char)c;
    for (size_t i = 0; i < from.count; i++) {
        map[from.bytes[i]] = to.bytes[i < to.count ? i : to.count - 1];
        member[from.bytes[i]] = 1;
    }
    while ((got = read(STDIN_FILENO, input, sizeof input)) > 0) {
        size_t used = 0;
        for (ssize_t i = 0; i < got; i++) {
            int c = input[i];
            if (deleting && member[c])
                continue;
            if (!deleting)
                c = map[c];
            if (squeezing && member[input[i]] && c == last)
                continue;
            last = squeezing && member[input[i]] ? c : -1;
            output[used++] = (unsigned char)c;
        }
        if (ht_write_all(STDOUT_FILENO, output, used))
            return ht_fail("tr", "write");
    }
    return got < 0 ? ht_fail("tr", "standard input") : 0;
}
