// test, which the shell does as well.
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hardtack.h"

static const char *program;
static int wrong;

static int complain(const char *what)
{
    if (!wrong)
        ht_print(STDERR_FILENO, "%s: %s\n", program, what);
    wrong = 1;
    return 0;
}

static long long number(const char *text)
{
    int negative = *text == '-';
    long long value = ht_number(text + negative);
    if (value < 0)
        complain("a number is wanted");
    return negative ? -value : value;
}

static int unary(char letter, const char *text)
{
    struct stat status;
    switch (letter) {
    case 'n':
        return *text != 0;
    case 'z':
        return *text == 0;
    case 't':
        return isatty((int)number(text));
    case 'h':
    case 'L':
        return lstat(text, &status) == 0 && S_ISLNK(status.st_mode);
    }
    if (stat(text, &status))
        return 0;
    switch (letter) {
    case 'd':
        return S_ISDIR(status.st_mode);
    case 'f':
        return S_ISREG(status.st_mode);
    case 's':
        return status.st_size > 0;
    case 'e':
    case 'r':
    case 'w':
    case 'x':
        return 1; // there are no permissions
    }
    return complain("an unknown test");
}

static int binary(const char *left, const char *operator, const char *right)
{
    static const char *const names[] = {"-eq", "-ne", "-lt", "-le", "-gt", "-ge"};
    if (strcmp(operator, "=") == 0 || strcmp(operator, "==") == 0)
        return strcmp(left, right) == 0;
    if (strcmp(operator, "!=") == 0)
        return strcmp(left, right) != 0;
    for (int i = 0; i < 6; i++) {
        if (strcmp(operator, names[i]))
            continue;
        long long a = number(left), b = number(right);
        return i == 0 ? a == b : i == 1 ? a != b : i == 2 ? a < b : i == 3 ? a <= b : i == 4 ? a > b : a >= b;
    }
    return complain("an unknown test");
}

static int evaluate(int count, char **words)
{
    for (int i = 1; i + 1 < count; i++) // the last -o, then the last -a, binds least
        if (strcmp(words[i], "-o") == 0 && count > 3)
            return evaluate(i, words) | evaluate(count - i - 1, words + i + 1);
    for (int i = 1; i + 1 < count; i++)
        if (strcmp(words[i], "-a") == 0 && count > 3)
            return evaluate(i, words) & evaluate(count - i - 1, words + i + 1);
    if (count == 3 && strcmp(words[0], "!"))
        return binary(words[0], words[1], words[2]);
    if (count > 1 && strcmp(words[0], "!") == 0)
        return !evaluate(count - 1, words + 1);
    if (count == 2 && words[0][0] == '-' && words[0][1] && !words[0][2])
        return unary(words[0][1], words[1]);
    if (count > 1)
        return complain("too many words");
    return count && *words[0];
}

int ht_test(const char *name, int argc, char **argv)
{
    program = name;
    wrong = 0;
    if (*name == '[') {
        if (argc < 2 || strcmp(argv[argc - 1], "]")) {
            complain("] is missing");
            return 2;
        }
        argc--;
    }
    int found = evaluate(argc - 1, argv + 1);
    return wrong ? 2 : !found;
}
