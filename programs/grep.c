// grep [-c|-l|-q] [-i] [-n] [-v] PATTERN [FILE...]: the lines that a basic regular expression matches; their number
// (-c), the files that have some (-l), or nothing (-q). -i: in either case; -n: with numbers; -v: all others.
// Exit status: 0 if there are some, 1 if there are none, 2 for wrong use or a file that cannot be read.
#include <regex.h>
#include <string.h>

#include "hardtack.h"

static regex_t pattern;
static int counting, listing, quiet, numbered, inverted, titled;
static int found_some;

static void title(const char *name, char colon)
{
    if (!titled)
        return;
    ht_put("grep", name, strlen(name));
    ht_put("grep", &colon, 1);
}

static void number(uint64_t value, const char *end)
{
    char text[32];
    ht_format(text, sizeof text, "%l%s", value, end);
    ht_put("grep", text, strlen(text));
}

static int search(int fd, const char *name)
{
    struct ht_lines lines = ht_lines(fd);
    uint64_t at = 0, count = 0;
    int state;
    while ((state = ht_next_line(&lines)) > 0) {
        at++;
        if ((regexec(&pattern, lines.line, 0, NULL, 0) == 0) == inverted)
            continue;
        count++;
        if (listing || quiet)
            break;
        if (counting)
            continue;
        title(name, ':');
        if (numbered)
            number(at, ":");
        ht_put_line("grep", lines.line);
    }
    ht_end_lines(&lines);
    found_some |= count > 0;
    if (counting) {
        title(name, ':');
        number(count, "\n");
    }
    if (listing && count)
        ht_put_line("grep", name);
    return state < 0 ? ht_fail("grep", name) : 0;
}

static int set_option(char letter)
{
    counting |= letter == 'c';
    listing |= letter == 'l';
    quiet |= letter == 'q';
    numbered |= letter == 'n';
    inverted |= letter == 'v';
    return strchr("clqniv", letter) != NULL;
}

int main(int argc, char **argv)
{
    int first = 1, either_case = 0, wrong = 0;
    ht_start();
    for (; first < argc && argv[first][0] == '-' && argv[first][1]; first++)
        for (char *letter = argv[first] + 1; *letter; letter++) {
            either_case |= *letter == 'i';
            wrong |= !set_option(*letter);
        }
    if (wrong || first == argc)
        return ht_usage("grep [-c|-l|-q] [-i] [-n] [-v] PATTERN [FILE...]");
    if (regcomp(&pattern, argv[first], REG_NOSUB | (either_case ? REG_ICASE : 0))) {
        ht_print(2, "grep: %s: not a regular expression\n", argv[first]);
        return 2;
    }
    titled = argc - first > 2;
    int status = ht_each_file("grep", argv + first + 1, search);
    ht_flush("grep");
    return status ? 2 : !found_some;
}
