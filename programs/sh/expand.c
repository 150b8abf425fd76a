// The shell's expansion: from words as they were written to the fields that a command gets.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

#define MAX_FIELD 16384 // bytes of a field while it is made
#define LITERAL 1       // stands before a character that was quoted, where that makes a difference

struct field {
    struct field *next;
    char text[];
};

static char field[MAX_FIELD]; // the one that is being made
static size_t length;
static int in_here;           // quotes are characters like others
static int begun;             // there is one, if only an empty one that was quoted
static int splitting;         // blanks that come of $NAME and $(...) end a field
static struct field **last;   // where the next field goes
static int count;

static void expand(const char *from, int quoted);

static int is_special(char c)
{
    return c == '*' || c == '?' || c == '[' || c == ']' || c == '\\' || c == LITERAL;
}

static void add(char c)
{
    if (length + 2 > sizeof field)
        give_up("a word is too long");
    field[length++] = c;
    begun = 1;
}

static void add_quoted(char c)
{
    if (is_special(c))
        add(LITERAL);
    add(c);
}

static void end_field(void)
{
    if (!begun)
        return;
    struct field *one = take(sizeof *one + length + 8);
    memcpy(one->text, field, length);
    one->text[length] = 0;
    one->next = NULL;
    *last = one;
    last = &one->next;
    count++;
    length = 0;
    begun = 0;
}

// Adds a character of a value: within double quotes as it is.
static void add_value(char c, int quoted)
{
    if (quoted)
        add_quoted(c);
    else if (splitting && (c == ' ' || c == '\t' || c == '\n'))
        end_field();
    else
        add(c);
}

static void add_text(const char *text, int quoted)
{
    for (; *text; text++)
        add_value(*text, quoted);
}

static void add_arguments(int quoted, int apart)
{
    for (int i = 1; i < argument_count; i++) {
        if (quoted)
            begun = 1;
        add_text(arguments[i], quoted);
        if (i + 1 == argument_count)
            break;
        if (splitting && (apart || !quoted))
            end_field();
        else
            add(' ');
    }
}

static void add_number(long long number)
{
    char digits[24];
    ht_format(digits, sizeof digits, number < 0 ? "-%l" : "%l", (uint64_t)(number < 0 ? -number : number));
    add_text(digits, 1);
}

// Runs commands in a copy of the shell and adds what they print, less the newlines at its end.
static void add_output(char *commands, int quoted)
{
    char buffer[512];
    int ends[2], newlines = 0;
    ssize_t got;
    if (ht_pipe(ends))
        give_up(strerror(errno));
    int pid = ht_fork();
    if (pid == 0) {
        ht_dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        become_child();
        in_here = 0;
        length = 0;
        source = (struct source){commands, -1, 0, NULL};
        run_source();
        exit(last_status);
    }
    close(ends[1]);
    while (pid > 0 && (got = read(ends[0], buffer, sizeof buffer)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            if (buffer[i] == '\n') {
                newlines++;
                continue;
            }
            for (; newlines; newlines--)
                add_value('\n', quoted);
            if (buffer[i])
                add_value(buffer[i], quoted);
        }
    }
    close(ends[0]);
    substitution_status = pid > 0 ? wait_for(pid) : complain("fork", 126);
}

// Returns the end of $(...) or ${...}, whose first bracket is at `from`: where the last one is.
static const char *closing(const char *from, char open, char close)
{
    int depth = 0;
    char quote = 0;
    for (; *from; from++) {
        if (quote)
            quote = *from == quote ? 0 : quote;
        else if (*from == '\'' || *from == '"')
            quote = *from;
        else if (*from == '\\' && from[1])
            from++;
        else if (*from == open)
            depth++;
        else if (*from == close && --depth == 0)
            break;
    }
    return from;
}

static int name_length(const char *text)
{
    int size = 0;
    char c;
    while ((c = text[size]) == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (size && c >= '0' && c <= '9'))
        size++;
    return size;
}

// The value of a name or of one of $1 $? $# $$ $!, as text; NULL if there is none.
static const char *value_of(const char *name)
{
    static char digits[24];
    long long number = 0;
    switch (*name) {
    case '?':
        number = last_status;
        break;
    case '#':
        number = argument_count - 1;
        break;
    case '$':
        number = ht_getpid();
        break;
    case '!':
        number = last_background;
        break;
    default:
        if (*name < '0' || *name > '9')
            return get_variable(name);
        number = ht_number(name);
        return number >= 0 && number < argument_count ? arguments[number] : NULL;
    }
    ht_format(digits, sizeof digits, "%l", (uint64_t)number);
    return digits;
}

// ${NAME}, ${#NAME}, ${NAME:-WORD}, ${NAME:=WORD}, ${NAME:+WORD}; ${NAME-WORD} and so on for what is not set.
static void add_parameter(char *inside, int quoted)
{
    int counted = inside[0] == '#' && inside[1];
    char *name = inside + counted;
    int size = name_length(name);
    if (!size)
        size = name[0] >= '0' && name[0] <= '9' ? (int)strspn(name, "0123456789") : 1;
    char *rest = take_text(name + size, strlen(name + size));
    name[size] = 0;
    const char *value = value_of(name);
    if (counted) {
        add_number(value ? (long long)strlen(value) : 0);
        return;
    }
    int unset = !value || (*rest == ':' && !*value);
    rest += *rest == ':';
    if (*rest == '=' && unset) {
        set_variable(name, expand_text(rest + 1), -1);
        value = get_variable(name);
        unset = 0;
    }
    if (*rest == '+')
        value = NULL;
    if (*rest && ((*rest == '-' && unset) || (*rest == '+' && !unset)))
        expand(rest + 1, quoted);
    else if (value)
        add_text(value, quoted);
}

// What follows a $; returns where to go on.
static const char *expand_dollar(const char *from, int quoted)
{
    const char *end;
    int size = name_length(from);
    if (from[0] == '(' && from[1] == '(' && (end = closing(from, '(', ')'), end[0] && end[-1] == ')')) {
        add_number(calculate(expand_text(take_text(from + 2, (size_t)(end - from) - 3))));
        return end + 1;
    }
    if (from[0] == '(' || from[0] == '{') {
        end = from[0] == '(' ? closing(from, '(', ')') : closing(from, '{', '}');
        char *inside = take_text(from + 1, (size_t)(end - from) - 1);
        if (from[0] == '(')
            add_output(inside, quoted);
        else
            add_parameter(inside, quoted);
        return *end ? end + 1 : end;
    }
    if (from[0] == '@' || from[0] == '*') {
        add_arguments(quoted, from[0] == '@');
        return from + 1;
    }
    if (!size && (!from[0] || !strchr("?#$!0123456789", from[0]))) {
        add('$');
        return from;
    }
    size = size ? size : 1;
    const char *value = value_of(take_text(from, (size_t)size));
    if (value)
        add_text(value, quoted);
    return from + size;
}

static void expand(const char *from, int quoted)
{
    while (*from) {
        char c = *from++;
        if (c == '"' && !in_here) {
            quoted = !quoted;
            if (quoted) // "$@" of nothing is nothing
                begun |= strncmp(from, "$@\"", 3) != 0;
        } else if (c == '\'' && !quoted) {
            begun = 1;
            while (*from && *from != '\'')
                add_quoted(*from++);
            from += *from != 0;
        } else if (c == '\\' && *from) {
            if (quoted && !strchr(in_here ? "$`\\" : "$`\"\\", *from))
                add_quoted(c);
            add_quoted(*from++);
        } else if (c == '$') {
            from = expand_dollar(from, quoted);
        } else if (quoted) {
            add_quoted(c);
        } else {
            add(c);
        }
    }
}

static char *unmark(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from == LITERAL && from[1])
            from++;
        *to++ = *from;
    }
    *to = 0;
    return text;
}

char *expand_pattern(const char *text)
{
    size_t kept_length = length; // of the field that is being made, if this is within it
    char *kept = take_text(field, length);
    int was_begun = begun, was_splitting = splitting;
    length = 0;
    splitting = 0;
    expand(text, 0);
    char *result = take_text(field, length);
    memcpy(field, kept, kept_length);
    length = kept_length;
    begun = was_begun;
    splitting = was_splitting;
    return result;
}

char *expand_here(const char *text)
{
    in_here = 1;
    length = 0;
    splitting = 0;
    expand(text, 1);
    in_here = 0;
    char *result = take_text(field, length);
    length = 0;
    begun = 0;
    return unmark(result);
}

char *expand_text(const char *text)
{
    return unmark(expand_pattern(text));
}

// -- patterns

// Whether a character is in [...]; *pattern goes behind it.
static int in_class(const char **pattern, char c)
{
    const char *at = *pattern + 1;
    int negated = *at == '!' || *at == '^', found = 0;
    at += negated;
    do {
        char low = *at == LITERAL ? *++at : *at, high = low;
        if (!low)
            return 0;
        if (at[1] == '-' && at[2] && at[2] != ']') {
            high = at[2];
            at += 2;
        }
        found |= low <= c && c <= high;
    } while (*++at != ']' && *at);
    *pattern = *at ? at + 1 : at;
    return found != negated;
}

int matches(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL;
    for (;;) {
        const char *before = pattern;
        if (*pattern == '*') {
            star = ++pattern;
            again = text;
            continue;
        }
        if (!*text && !*pattern)
            return 1;
        if (*text && *pattern == '[' && in_class(&pattern, *text)) {
            text++;
            continue;
        }
        pattern = before + (*before == LITERAL);
        if (*text && *before != '[' && (*pattern == *text || *before == '?')) {
            pattern++;
            text++;
            continue;
        }
        if (!star || !*again)
            return 0;
        pattern = star;
        text = ++again;
    }
}

// Whether an unquoted * ? or [ is in it.
static int is_pattern(const char *text)
{
    for (; *text; text++) {
        if (*text == LITERAL && text[1])
            text++;
        else if (*text == '*' || *text == '?' || *text == '[')
            return 1;
    }
    return 0;
}

// Adds the names that a pattern in the last part of a path stands for, sorted: how many.
static int add_names(const char *path, struct field ***end)
{
    const char *slash = strrchr(path, '/'), *pattern = slash ? slash + 1 : path;
    char *folder = unmark(take_text(path, (size_t)(pattern - path)));
    struct field *found[512];
    int names = 0;
    DIR *directory = opendir(slash ? folder : ".");
    struct dirent *entry;
    while (directory && names < 512 && (entry = readdir(directory))) {
        if ((entry->d_name[0] == '.' && *pattern != '.') || !matches(pattern, entry->d_name))
            continue;
        size_t first = strlen(folder), size = strlen(entry->d_name);
        struct field *one = take(sizeof *one + first + size + 8);
        memcpy(one->text, folder, first);
        strcpy(one->text + first, entry->d_name);
        found[names++] = one;
    }
    if (directory)
        closedir(directory);
    for (int i = 1; i < names; i++) // few names, and no function pointer that a fork would have to go through
        for (int j = i; j > 0 && strcmp(found[j - 1]->text, found[j]->text) > 0; j--) {
            struct field *other = found[j];
            found[j] = found[j - 1];
            found[j - 1] = other;
        }
    for (int i = 0; i < names; i++) {
        found[i]->next = NULL;
        **end = found[i];
        *end = &found[i]->next;
    }
    return names;
}

int expand_words(const struct word *words, char ***argv)
{
    struct field *first = NULL, *fields = NULL, **end = &fields;
    int total = 0;
    last = &first;
    count = 0;
    splitting = 1;
    for (; words; words = words->next) {
        expand(words->text, 0);
        end_field();
    }
    splitting = 0;
    for (struct field *one = first, *next; one; one = next) {
        next = one->next;
        int names = is_pattern(one->text) ? add_names(one->text, &end) : 0;
        total += names ? names : 1;
        if (!names) {
            unmark(one->text);
            one->next = NULL;
            *end = one;
            end = &one->next;
        }
    }
    char **list = take(((size_t)total + 1) * sizeof *list + 8);
    int i = 0;
    for (struct field *one = fields; one; one = one->next)
        list[i++] = one->text;
    list[i] = NULL;
    *argv = list;
    return total;
}

// -- arithmetic, by precedence: a number of levels, each with its operators
static const char *sum;
static int wrong;

static long long binary(int level);

static long long unary(void)
{
    sum += strspn(sum, " \t\n");
    char c = *sum;
    if (c == '-' || c == '+' || c == '!') {
        sum++;
        long long value = unary();
        return c == '-' ? -value : c == '!' ? !value : value;
    }
    if (c == '(') {
        sum++;
        long long value = binary(0);
        wrong |= *sum != ')';
        sum += *sum == ')';
        return value;
    }
    sum += c == '$';
    int size = name_length(sum);
    if (!size)
        size = (int)strspn(sum, "0123456789");
    const char *text = take_text(sum, (size_t)size);
    wrong |= !size;
    if (c == '$' || (size && (*text < '0' || *text > '9'))) {
        text = value_of(text);
        text = text ? text : "0";
    }
    sum += size;
    int negative = *text == '-';
    long long value = ht_number(text + negative);
    wrong |= value < 0;
    return negative ? -value : value;
}

static long long apply(const char *operator, long long a, long long b)
{
    switch (operator[0] * 256 + operator[1]) {
    case '|' * 256 + '|': return a || b;
    case '&' * 256 + '&': return a && b;
    case '=' * 256 + '=': return a == b;
    case '!' * 256 + '=': return a != b;
    case '<' * 256 + '=': return a <= b;
    case '>' * 256 + '=': return a >= b;
    case '<' * 256: return a < b;
    case '>' * 256: return a > b;
    case '+' * 256: return (long long)((unsigned long long)a + (unsigned long long)b);
    case '-' * 256: return (long long)((unsigned long long)a - (unsigned long long)b);
    case '*' * 256: return (long long)((unsigned long long)a * (unsigned long long)b);
    }
    if (b == 0 || (b == -1 && a == (-9223372036854775807LL - 1))) {
        wrong = 1;
        return 0;
    }
    return operator[0] == '/' ? a / b : a % b;
}

static long long binary(int level)
{
    static const char operators[][6][3] = {
        {"||"}, {"&&"}, {"==", "!="}, {"<=", ">=", "<", ">"}, {"+", "-"}, {"*", "/", "%"}};
    if (level == sizeof operators / sizeof *operators)
        return unary();
    long long value = binary(level + 1);
    for (;;) {
        const char *found = NULL;
        sum += strspn(sum, " \t\n");
        for (int i = 0; i < 6 && operators[level][i][0] && !found; i++)
            if (strncmp(sum, operators[level][i], strlen(operators[level][i])) == 0)
                found = operators[level][i];
        if (!found)
            return value;
        sum += strlen(found);
        value = apply(found, value, binary(level + 1));
    }
}

long long calculate(const char *text)
{
    sum = text;
    wrong = 0;
    long long value = binary(0);
    if (wrong || *sum) {
        ht_print(STDERR_FILENO, "sh: %s: not a sum\n", text);
        return 0;
    }
    return value;
}
