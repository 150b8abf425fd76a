// The shell's parser: text in, trees out.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

enum token {
    END,
    NEWLINE,
    WORD,
    BAR,
    BARS,
    AMPERSAND,
    AMPERSANDS,
    SEMICOLON,
    SEMICOLONS,
    REDIRECTION,
    OPEN,
    CLOSE,
    BAD,
};

struct source source;

static enum token token;
static char *word;                     // of a WORD
static struct redirection redirection; // of a REDIRECTION, without its text
static struct redirection *here;       // a text that begins after this line, or NULL
static const char *here_end;
static int broken;    // a message about wrong syntax was printed, or none is wanted
static int started;   // a command has begun: further lines continue it
static int abandoned; // it was given up, with all that it has begun

static struct node *parse_list(int in_line);

static void *syntax_error(const char *what)
{
    if (!broken)
        ht_print(STDERR_FILENO, "sh: syntax error: %s\n", what);
    broken = 1;
    token = BAD;
    return NULL;
}

// Reads the next line of a descriptor, byte by byte: what comes after it belongs to the programs it starts.
static int refill(void)
{
    size_t length = 0;
    char c;
    if (source.fd < 0 || abandoned)
        return 0;
    if (source.prompts)
        ht_print(STDOUT_FILENO, started ? "> " : "$ ");
    for (;;) {
        ssize_t got = read(source.fd, &c, 1);
        if (got < 0)
            exit(complain("standard input", 1));
        if (got == 0)
            break;
        if (length == MAX_LINE - 1) {
            errno = E2BIG;
            exit(complain("line", 2));
        }
        if (c == INTERRUPT && source.prompts) {
            abandoned = broken = 1;
            source.at = "";
            return 0;
        }
        source.line[length++] = c;
        if (c == '\n')
            break;
    }
    if (!length)
        source.fd = -1; // a terminal would go on after its end
    source.line[length] = 0;
    source.at = source.line;
    return length > 0;
}

static char peek(void)
{
    return *source.at || refill() ? *source.at : 0;
}

static char *put(char *to, char c)
{
    *to = c;
    take(1);
    return to + 1;
}

// Copies $(...) or ${...} from the first bracket to the one that closes it, nested ones and quotes included.
static char *copy_nested(char *to, char open, char close)
{
    int depth = 0;
    char quote = 0, c;
    do {
        c = peek();
        if (!c) {
            syntax_error("a bracket is not closed");
            return to;
        }
        source.at++;
        to = put(to, c);
        if (quote) {
            quote = c == quote ? 0 : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '\\' && peek()) {
            to = put(to, *source.at++);
        } else {
            depth += (c == open) - (c == close);
        }
    } while (depth);
    return to;
}

// Takes a word as it is written. It stands at the end of the arena, which grows with it.
static enum token take_word(void)
{
    char *to = take(0), quote = 0, c;
    word = to;
    while ((c = peek())) {
        if (!quote && strchr(" \t\n|;&<>()", c))
            break;
        source.at++;
        if (c == '\\' && quote != '\'') {
            char next = peek();
            source.at += next != 0;
            if (next == '\n' || !next)
                continue;
            to = put(put(to, c), next);
            continue;
        }
        to = put(to, c);
        if (c == '$' && quote != '\'' && (peek() == '(' || peek() == '{'))
            to = peek() == '(' ? copy_nested(to, '(', ')') : copy_nested(to, '{', '}');
        else if (quote ? c == quote : c == '\'' || c == '"')
            quote = quote ? 0 : c;
    }
    put(to, 0);
    if (quote)
        syntax_error("a quote is not closed");
    return broken ? BAD : WORD;
}

static enum token one_or_two(char second, enum token one, enum token two)
{
    source.at++;
    if (*source.at != second)
        return one;
    source.at++;
    return two;
}

static enum token take_redirection(int fd)
{
    char c = *source.at++;
    redirection.fd = fd >= 0 ? fd : c == '>';
    redirection.kind = c;
    if (*source.at == '&' || *source.at == c) {
        redirection.kind = *source.at == '&' ? '&' : c == '>' ? 'a' : 'h';
        source.at++;
    }
    return REDIRECTION;
}

// Reads a text that was announced by <<END, up to a line that is END.
static void read_here(void)
{
    size_t length = strlen(here_end);
    char *to = take(0);
    here->text = to;
    while (peek()) {
        const char *end = strchr(source.at, '\n');
        size_t line = end ? (size_t)(end - source.at) : strlen(source.at);
        if (line == length && memcmp(source.at, here_end, length) == 0) {
            source.at += line + (end != NULL);
            break;
        }
        for (line += end != NULL; line; line--)
            to = put(to, *source.at++);
    }
    put(to, 0);
    here = NULL;
}

static void advance(void)
{
    char c;
    while ((c = peek()) == ' ' || c == '\t' || (c == '\\' && source.at[1] == '\n'))
        source.at += c == '\\' ? 2 : 1;
    if (c == '#')
        while (*source.at && *source.at != '\n')
            source.at++;
    c = peek();
    switch (c) {
    case 0:
        token = END;
        return;
    case '\n':
        source.at++;
        if (here)
            read_here();
        token = NEWLINE;
        return;
    case '|':
        token = one_or_two('|', BAR, BARS);
        return;
    case '&':
        token = one_or_two('&', AMPERSAND, AMPERSANDS);
        return;
    case ';':
        token = one_or_two(';', SEMICOLON, SEMICOLONS);
        return;
    case '(':
    case ')':
        source.at++;
        token = c == '(' ? OPEN : CLOSE;
        return;
    case '<':
    case '>':
        token = take_redirection(-1);
        return;
    }
    if (c >= '0' && c <= '9' && (source.at[1] == '<' || source.at[1] == '>')) {
        source.at++;
        token = take_redirection(c - '0');
        return;
    }
    token = take_word();
}

static struct node *make(enum kind kind, struct node *first, struct node *second)
{
    struct node *node = take(sizeof *node);
    memset(node, 0, sizeof *node);
    node->kind = kind;
    node->first = first;
    node->second = second;
    return node;
}

static int is(const char *reserved)
{
    return token == WORD && strcmp(word, reserved) == 0;
}

static void skip_newlines(void)
{
    while (token == NEWLINE)
        advance();
}

// Steps over a reserved word, or says that it is missing.
static int expect(const char *reserved)
{
    char text[40];
    if (broken)
        return 0;
    if (!is(reserved)) {
        ht_format(text, sizeof text, "%s is missing", reserved);
        syntax_error(text);
        return 0;
    }
    advance();
    return 1;
}

static struct word **add_word(struct word **end)
{
    struct word *one = take(sizeof *one);
    one->text = word;
    one->next = NULL;
    *end = one;
    advance();
    return &one->next;
}

static struct redirection **add_redirection(struct redirection **end)
{
    struct redirection *one = take(sizeof *one);
    *one = redirection;
    one->next = NULL;
    advance();
    if (token != WORD)
        return syntax_error("a file name is missing");
    one->text = word;
    if (one->kind == 'h') {
        one->kind = strpbrk(word, "'\"\\") ? 'H' : 'h';
        here_end = expand_text(word);
        here = one;
    }
    *end = one;
    advance();
    return &one->next;
}

static void add_redirections(struct node *node)
{
    struct redirection **end = &node->redirections;
    while (end && token == REDIRECTION)
        end = add_redirection(end);
}

static struct node *parse_simple(void)
{
    struct node *node = make(SIMPLE, NULL, NULL);
    struct word **words = &node->words;
    struct redirection **redirections = &node->redirections;
    while (redirections && (token == WORD || token == REDIRECTION)) {
        if (token == WORD)
            words = add_word(words);
        else
            redirections = add_redirection(redirections);
    }
    if (!broken && !node->words && !node->redirections)
        return syntax_error("a command is missing");
    return node;
}

static struct node *parse_if(void)
{
    struct node *node = make(IF, NULL, NULL);
    advance();
    node->first = parse_list(0);
    if (!expect("then"))
        return NULL;
    node->second = parse_list(0);
    if (is("elif")) {
        node->third = parse_if(); // which takes the one fi
        return node;
    }
    if (is("else")) {
        advance();
        node->third = parse_list(0);
    }
    expect("fi");
    return node;
}

static struct node *parse_body(struct node *node)
{
    if (expect("do"))
        node->second = parse_list(0);
    expect("done");
    return node;
}

static struct node *parse_while(enum kind kind)
{
    struct node *node = make(kind, NULL, NULL);
    advance();
    node->first = parse_list(0);
    return parse_body(node);
}

static struct node *parse_for(void)
{
    static struct word all = {"\"$@\"", NULL};
    struct node *node = make(FOR, NULL, NULL);
    advance();
    if (token != WORD)
        return syntax_error("a name is missing after for");
    node->name = word;
    node->words = &all;
    advance();
    skip_newlines();
    if (is("in")) {
        struct word **end = &node->words;
        node->words = NULL;
        advance();
        while (token == WORD)
            end = add_word(end);
    }
    if (token == SEMICOLON)
        advance();
    skip_newlines();
    return parse_body(node);
}

static struct item *parse_item(void)
{
    struct item *item = take(sizeof *item);
    struct word **end = &item->patterns;
    memset(item, 0, sizeof *item);
    if (token == OPEN)
        advance();
    for (;;) {
        if (token != WORD)
            return syntax_error("a pattern is missing");
        end = add_word(end);
        if (token != BAR)
            break;
        advance();
    }
    if (token != CLOSE)
        return syntax_error(") is missing after a pattern");
    advance();
    item->body = parse_list(0);
    if (token == SEMICOLONS)
        advance();
    else if (!is("esac"))
        return syntax_error("esac is missing");
    skip_newlines();
    return item;
}

static struct node *parse_case(void)
{
    struct node *node = make(CASE, NULL, NULL);
    struct item **end = &node->items;
    advance();
    if (token != WORD)
        return syntax_error("a word is missing after case");
    add_word(&node->words);
    skip_newlines();
    if (!expect("in"))
        return NULL;
    skip_newlines();
    while (!broken && !is("esac")) {
        struct item *item = parse_item();
        if (!item)
            return NULL;
        *end = item;
        end = &item->next;
    }
    expect("esac");
    return node;
}

static struct node *parse_brackets(enum kind kind)
{
    struct node *node = make(kind, NULL, NULL);
    advance();
    node->first = parse_list(0);
    if (kind == GROUP)
        expect("}");
    else if (token == CLOSE)
        advance();
    else
        syntax_error(") is missing");
    return node;
}

static struct node *parse_command(void)
{
    struct node *node;
    if (is("if"))
        node = parse_if();
    else if (is("while"))
        node = parse_while(WHILE);
    else if (is("until"))
        node = parse_while(UNTIL);
    else if (is("for"))
        node = parse_for();
    else if (is("case"))
        node = parse_case();
    else if (is("{"))
        node = parse_brackets(GROUP);
    else if (token == OPEN)
        node = parse_brackets(SUBSHELL);
    else
        return parse_simple();
    if (node && !broken)
        add_redirections(node);
    return node;
}

static struct node *parse_pipeline(void)
{
    if (is("!")) {
        advance();
        return make(NOT, parse_pipeline(), NULL);
    }
    if (token == BAR)
        return syntax_error("a command is missing before |");
    struct node *left = parse_command();
    if (token != BAR || broken)
        return left;
    advance();
    skip_newlines();
    if (token != WORD && token != REDIRECTION && token != OPEN)
        return syntax_error("a command is missing after |");
    return make(PIPE, left, parse_pipeline());
}

static struct node *parse_and_or(void)
{
    struct node *left = parse_pipeline();
    while (!broken && (token == AMPERSANDS || token == BARS)) {
        enum kind kind = token == BARS ? OR : AND;
        advance();
        skip_newlines();
        left = make(kind, left, parse_pipeline());
    }
    return left;
}

// Whether a list ends here: where nothing, or something that is no command, follows.
static int at_end(int in_line)
{
    static const char *const ends[] = {"then", "elif", "else", "fi", "do", "done", "esac", "}"};
    if (broken || token == END || token == CLOSE || token == SEMICOLONS || (in_line && token == NEWLINE))
        return 1;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (is(ends[i]))
            return 1;
    return 0;
}

// Parses commands to the end of the line, or up to a reserved word or bracket.
static struct node *parse_list(int in_line)
{
    struct node *list = NULL;
    for (;;) {
        if (!in_line)
            skip_newlines();
        if (at_end(in_line))
            return list;
        struct node *one = parse_and_or();
        if (broken)
            return NULL;
        if (token == AMPERSAND)
            one = make(BACKGROUND, one, NULL);
        list = list ? make(SEQUENCE, list, one) : one;
        if (token == AMPERSAND || token == SEMICOLON)
            advance();
        else if (token != NEWLINE)
            return list;
    }
}

int parse_line(struct node **tree)
{
    broken = started = abandoned = 0;
    here = NULL;
    do
        advance();
    while (token == NEWLINE);
    if (token == END && !abandoned)
        return 0;
    started = 1;
    if (!abandoned)
        *tree = parse_list(1);
    if (!broken && token != NEWLINE && token != END)
        syntax_error(token == WORD ? word : "a command is missing");
    if (!broken && here)
        read_here();
    return abandoned ? -2 : broken ? -1 : 1;
}
