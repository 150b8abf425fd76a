// wc [-l|-w|-c] [FILE...]: counts lines, words and bytes of files or of standard input; prints one number
// with an option, three without, and a total after more than one file.
// Exit status: 0, 1 if a file cannot be read (the others still are), 2 for wrong use.
#include <fcntl.h>
#include <unistd.h>

#include "hardtack.h"

struct counts {
    uint64_t lines, words, bytes;
};

static int count(int fd, struct counts *counts)
{
    static char buffer[16384];
    int in_word = 0;
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0) {
        counts->bytes += got;
        for (ssize_t i = 0; i < got; i++) {
            char c = buffer[i];
            int blank = c == ' ' || (c >= '\t' && c <= '\r');
            counts->lines += c == '\n';
            counts->words += !blank && !in_word;
            in_word = !blank;
        }
    }
    return got < 0 ? -1 : 0;
}

static int report(const struct counts *counts, char what, const char *name)
{
    const char *space = *name ? " " : "";
    uint64_t one = what == 'l' ? counts->lines : what == 'w' ? counts->words : counts->bytes;
    int failed = what ? ht_print(STDOUT_FILENO, "%l%s%s\n", one, space, name)
                      : ht_print(STDOUT_FILENO, "%l %l %l%s%s\n", counts->lines, counts->words, counts->bytes,
                                 space, name);
    return failed ? ht_fail("wc", "write") : 0;
}

int main(int argc, char **argv)
{
    struct counts total = {0, 0, 0};
    int status = 0, first = 1;
    char what = 0;
    ht_start();
    if (argc > 1 && argv[1][0] == '-') {
        what = argv[1][1];
        if ((what != 'l' && what != 'w' && what != 'c') || argv[1][2])
            return ht_usage("wc [-l|-w|-c] [FILE...]");
        first = 2;
    }
    if (first == argc) {
        if (count(STDIN_FILENO, &total))
            return ht_fail("wc", "standard input");
        return report(&total, what, "");
    }
    for (int i = first; i < argc; i++) {
        struct counts one = {0, 0, 0};
        int fd = open(argv[i], O_RDONLY);
        if (fd < 0 || count(fd, &one))
            status = ht_fail("wc", argv[i]);
        else
            status |= report(&one, what, argv[i]);
        if (fd >= 0)
            close(fd);
        total.lines += one.lines;
        total.words += one.words;
        total.bytes += one.bytes;
    }
    if (argc - first > 1)
        status |= report(&total, what, "total");
    return status;
}
