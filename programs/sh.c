// sh [-c COMMANDS]: a shell. It reads commands from standard input, with a prompt if that is a terminal.
//   a | b | c    pipelines
//   < F  > F  >> F   redirection, anywhere in a command; the last one of a kind counts
//   a ; b  a &   one after the other; without waiting
//   '...'  "..."  \c   quotes
//   # ...        a comment
//   exit [N]     ends the shell
// A NAME without a slash is /bin/NAME.
// Exit status: that of the last pipeline's last command; 127 if it was not found, 126 if it could not be
// started, 1 if a redirection failed, 2 for wrong use or wrong syntax.
//
// The work is in two halves: parse_line fills `parsed`, run_pipeline starts what is in it.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

#define MAX_LINE 4096 // bytes of a line
#define MAX_WORDS 128 // words of a command
#define MAX_COMMANDS 16 // commands of a pipeline

struct command {
    char *argv[MAX_WORDS + 1];
    int argc;
    const char *in, *out; // files to redirect to, or NULL
    int append;
};

static struct {
    struct command commands[MAX_COMMANDS];
    int count;
    int background;
} parsed;

static int last_status;
static int in_background; // children that nobody waits for

// Parsing.

enum token { END, WORD, PIPE, LESS, GREATER, APPEND, SEMICOLON, AMPERSAND, BAD };

static char words[2 * MAX_LINE]; // the words of a line, unquoted, each ended by NUL
static char *next_word;

// Takes a token from *at, skipping blanks; a word's text goes into *word.
static enum token take_token(const char **at, char **word)
{
    const char *from = *at;
    char quote = 0;
    while (*from == ' ' || *from == '\t')
        from++;
    *at = from + 1;
    switch (*from) {
    case 0:
    case '#':
        *at = from;
        return END;
    case '|':
        return PIPE;
    case ';':
        return SEMICOLON;
    case '&':
        return AMPERSAND;
    case '<':
        return LESS;
    case '>':
        if (from[1] != '>')
            return GREATER;
        ++*at;
        return APPEND;
    }
    *word = next_word;
    for (; *from && (quote || !strchr(" \t|;&<>", *from)); from++) {
        if (quote ? *from == quote : *from == '\'' || *from == '"')
            quote = quote ? 0 : *from;
        else if (*from == '\\' && quote != '\'' && from[1])
            *next_word++ = *++from;
        else
            *next_word++ = *from;
    }
    *next_word++ = 0;
    *at = from;
    return quote ? BAD : WORD;
}

static int syntax_error(const char *what)
{
    ht_print(STDERR_FILENO, "sh: syntax error: %s\n", what);
    last_status = 2;
    return -1;
}

static int add_redirection(struct command *command, enum token token, const char **at)
{
    char *name;
    if (take_token(at, &name) != WORD)
        return syntax_error("a file name is missing");
    if (token == LESS)
        command->in = name;
    else
        command->out = name;
    if (token != LESS)
        command->append = token == APPEND;
    return 0;
}

static int is_empty(const struct command *command)
{
    return command->argc == 0 && !command->in && !command->out;
}

// Parses one pipeline from *at into `parsed`: 1, or 0 at the end of the line, or -1 for wrong syntax.
static int parse_pipeline(const char **at)
{
    struct command *command = parsed.commands;
    char *word;
    memset(&parsed, 0, sizeof parsed);
    for (;;) {
        enum token token = take_token(at, &word);
        switch (token) {
        case WORD:
            if (command->argc == MAX_WORDS)
                return syntax_error("too many words");
            command->argv[command->argc++] = word;
            break;
        case LESS:
        case GREATER:
        case APPEND:
            if (add_redirection(command, token, at))
                return -1;
            break;
        case PIPE:
            if (is_empty(command))
                return syntax_error("a command is missing before |");
            if (++parsed.count == MAX_COMMANDS)
                return syntax_error("too many commands");
            command++;
            break;
        case BAD:
            return syntax_error("a quote is not closed");
        default:
            if (is_empty(command)) {
                if (parsed.count)
                    return syntax_error("a command is missing after |");
                if (token != END)
                    return syntax_error("a command is missing");
                return 0;
            }
            parsed.count++;
            parsed.background = token == AMPERSAND;
            return 1;
        }
    }
}

// Running.

static int complain(const char *name, int status)
{
    ht_print(STDERR_FILENO, "sh: %s: %s\n", name, strerror(errno));
    return status;
}

static void close_both(const int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] > STDERR_FILENO)
            close(fds[i]);
}

// Opens what a command is redirected to, in place of what the pipeline gave it.
static int redirect(const struct command *command, int fds[3])
{
    if (command->in) {
        int fd = open(command->in, O_RDONLY);
        if (fd < 0)
            return complain(command->in, 1);
        if (fds[0] > STDERR_FILENO)
            close(fds[0]);
        fds[0] = fd;
    }
    if (command->out) {
        int fd = open(command->out, O_WRONLY | O_CREAT | (command->append ? O_APPEND : O_TRUNC), 0666);
        if (fd < 0)
            return complain(command->out, 1);
        if (fds[1] > STDERR_FILENO)
            close(fds[1]);
        fds[1] = fd;
    }
    return 0;
}

// Starts a command with these descriptors: its pid, or 0 if there is nothing to wait for, with the status.
static int start(const struct command *command, int fds[3], int *status)
{
    char path[MAX_LINE + 8] = "";
    const char *name = command->argv[0];
    int pid = 0;
    *status = redirect(command, fds);
    if (*status || command->argc == 0)
        return 0;
    if (!strchr(name, '/'))
        strcpy(path, "/bin/");
    strcat(path, name);
    pid = ht_spawn(path, command->argv, fds);
    if (pid >= 0)
        return pid;
    if (errno == ENOENT) {
        ht_print(STDERR_FILENO, "sh: %s: not found\n", name);
        *status = 127;
    } else {
        *status = complain(name, 126);
    }
    return 0;
}

static int wait_for(int pid)
{
    int status = 0;
    return ht_waitpid(pid, &status, 0) < 0 ? complain("waitpid", 126) : status;
}

static void run_pipeline(void)
{
    int pids[MAX_COMMANDS], pipe[2], input = STDIN_FILENO, status = 0;
    for (int i = 0; i < parsed.count; i++) {
        int fds[3] = {input, STDOUT_FILENO, STDERR_FILENO};
        input = STDIN_FILENO;
        pids[i] = 0;
        if (i + 1 < parsed.count) {
            if (ht_pipe(pipe)) {
                status = complain("pipe", 126);
                parsed.count = i; // what already runs is waited for
                close_both(fds);
                break;
            }
            input = pipe[0];
            fds[1] = pipe[1];
        }
        pids[i] = start(&parsed.commands[i], fds, &status);
        close_both(fds);
    }
    if (parsed.background) {
        for (int i = 0; i < parsed.count; i++)
            in_background += pids[i] != 0;
        return;
    }
    for (int i = 0; i < parsed.count; i++) {
        if (!pids[i])
            continue;
        int ended = wait_for(pids[i]);
        if (i + 1 == parsed.count && !status)
            status = ended;
    }
    last_status = status;
}

static void run_exit(const struct command *command)
{
    long long status = command->argc > 1 ? ht_number(command->argv[1]) : last_status;
    if (status < 0 || command->argc > 2) {
        ht_print(STDERR_FILENO, "sh: exit: a number is wanted\n");
        status = 2;
    }
    exit(status & 255);
}

static void reap_background(void)
{
    while (in_background && ht_waitpid(-1, 0, HT_NOHANG) > 0)
        in_background--;
}

static void run_line(const char *line)
{
    next_word = words;
    while (parse_pipeline(&line) > 0) {
        if (parsed.count == 1 && parsed.commands[0].argc && strcmp(parsed.commands[0].argv[0], "exit") == 0)
            run_exit(&parsed.commands[0]);
        run_pipeline();
    }
    reap_background();
}

// Reads a line, byte by byte: what comes after it belongs to the programs that the line starts.
static int read_line(char *line)
{
    size_t length = 0;
    char c;
    for (;;) {
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got < 0)
            exit(complain("standard input", 1));
        if (got == 0 && length == 0)
            return 0;
        if (got == 0 || c == '\n')
            break;
        if (length == MAX_LINE - 1) {
            errno = E2BIG;
            exit(complain("line", 2));
        }
        line[length++] = c;
    }
    line[length] = 0;
    return 1;
}

static void run_text(char *text)
{
    for (char *line = text, *end; line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = 0;
        run_line(line);
    }
}

int main(int argc, char **argv)
{
    static char line[MAX_LINE];
    if (argc == 3 && strcmp(argv[1], "-c") == 0) {
        if (strlen(argv[2]) >= MAX_LINE) {
            errno = E2BIG;
            return complain("-c", 2);
        }
        run_text(argv[2]);
        return last_status;
    }
    if (argc != 1)
        return ht_usage("sh [-c COMMANDS]");
    int prompt = isatty(STDIN_FILENO);
    for (;;) {
        if (prompt)
            ht_print(STDOUT_FILENO, "$ ");
        if (!read_line(line))
            return last_status;
        run_line(line);
    }
}
