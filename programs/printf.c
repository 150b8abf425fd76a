// printf FORMAT [WORD...]: prints words by a format with \n \t \\ \0NNN, %s %d %u %x %o %c %b %%, widths and flags.
// Words that are left have the format used again.
// Exit status: 0, 1 for a word that is no number or if it cannot be written, 2 for wrong use.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hardtack.h"

static int status;
static char **words;

static void put_escaped(const char **at)
{
    static const char letters[] = "abfnrtv\\\"'", bytes[] = "\a\b\f\n\r\t\v\\\"'";
    char c = *++*at;
    const char *found = c ? strchr(letters, c) : NULL;
    if (c >= '0' && c <= '7') {
        int value = 0, digits = 0;
        for (; digits < 3 + (c == '0') && **at >= '0' && **at <= '7'; digits++)
            value = value * 8 + *(*at)++ - '0';
        c = (char)value;
        ht_put("printf", &c, 1);
        return;
    }
    if (found)
        ht_put("printf", &bytes[found - letters], 1);
    else
        ht_put("printf", *at - 1, c ? 2 : 1);
    *at += c != 0;
}

static long long number(const char *text)
{
    char *end;
    if (*text == '"' || *text == '\'')
        return (unsigned char)text[1];
    long long value = strtoll(text, &end, 0);
    if (*end) {
        ht_print(2, "printf: %s: a number is wanted\n", text);
        status = 1;
    }
    return value;
}

static void put_word(const char *from, size_t length, char letter)
{
    char format[32], text[1024];
    const char *word = *words ? *words++ : "";
    if (letter == 'b') {
        while (*word)
            if (*word == '\\')
                put_escaped(&word);
            else
                ht_put("printf", word++, 1);
        return;
    }
    memcpy(format, from, length);
    if (letter == 's' || letter == 'c') {
        strcpy(format + length, "s");
        char one[2] = {*word, 0};
        snprintf(text, sizeof text, format, letter == 'c' ? one : word);
        if (length == 1 && letter == 's') { // however long it is
            ht_put("printf", word, strlen(word));
            return;
        }
    } else {
        format[length] = 'l';
        format[length + 1] = 'l';
        format[length + 2] = letter;
        format[length + 3] = 0;
        snprintf(text, sizeof text, format, number(word));
    }
    ht_put("printf", text, strlen(text));
}

static int print(const char *at)
{
    while (*at) {
        if (*at == '\\') {
            put_escaped(&at);
        } else if (*at == '%' && at[1] == '%') {
            ht_put("printf", "%", 1);
            at += 2;
        } else if (*at == '%') {
            size_t length = 1 + strspn(at + 1, "-+ #0123456789.");
            if (!at[length] || !strchr("sdiuxXocb", at[length]) || length > 20)
                return ht_usage("printf FORMAT [WORD...]");
            put_word(at, length, at[length]);
            at += length + 1;
        } else {
            ht_put("printf", at++, 1);
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return ht_usage("printf FORMAT [WORD...]");
    words = argv + 2;
    for (;;) {
        char **before = words;
        if (print(argv[1]))
            return 2;
        if (!*words || words == before)
            break;
    }
    ht_flush("printf");
    return status;
}
