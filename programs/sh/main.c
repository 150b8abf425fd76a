// sh [-c COMMANDS | FILE] [WORD...]: a shell. It reads commands from a text, from a file, or from standard input,
// with a prompt if that is a terminal; the WORDs are $1, $2, ...
//   a | b    a ; b    a &    a && b    a || b    ! a    { a; }    ( a )
//   < F  > F  >> F  2> F  2>&1  <<END    redirection, of a command or of all of a compound one
//   if a; then b; elif c; then d; else e; fi        while a; do b; done     until a; do b; done
//   for N in WORD...; do a; done                    case WORD in PATTERN|PATTERN) a ;; esac
//   N=VALUE  $N  ${N:-WORD}  ${N:=WORD}  ${N:+WORD}  ${#N}  $1  $#  $@  $*  $?  $$  $!  $(COMMANDS)  $((SUM))
//   '...'  "..."  \c    quotes;  * ? [...]    names of files, in the last part of a path;  # ...    a comment
//   : . [ break cd continue exec exit export false pwd read set shift test true unset wait    done by the shell
// A NAME without a slash is a program in /bin, or in the directories of $PATH; a file that is none is a script.
// Exit status: that of the last command; 127 if it was not found, 126 if it could not be started, 1 if a
// redirection failed, 2 for wrong use or wrong syntax, 128 and more if a signal ended it.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

#define ARENA 65536 // bytes for the trees and words of a line

static char arena[ARENA] __attribute__((aligned(8)));
static size_t used;

void *take(size_t size)
{
    if (size >= 8)
        used = (used + 7) & ~(size_t)7;
    if (size > sizeof arena - used)
        give_up("too long");
    used += size;
    return arena + used - size;
}

char *take_text(const char *text, size_t length)
{
    char *copy = take(length + 1);
    memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

size_t mark(void)
{
    return used;
}

void release(size_t mark)
{
    used = mark;
}

int complain(const char *what, int status)
{
    ht_print(STDERR_FILENO, "sh: %s: %s\n", what, strerror(errno));
    return status;
}

_Noreturn void give_up(const char *why)
{
    ht_print(STDERR_FILENO, "sh: %s\n", why);
    exit(2);
}

int main(int argc, char **argv)
{
    static char line[MAX_LINE];
    int first = 1;
    ht_start();
    import_environment();
    source = (struct source){"", STDIN_FILENO, 0, line};
    if (argc > 1 && strcmp(argv[1], "-c") == 0) {
        if (argc == 2)
            return ht_usage("sh [-c COMMANDS | FILE] [WORD...]");
        source = (struct source){argv[2], -1, 0, NULL};
        first = argc > 3 ? 3 : 0;
    } else if (argc > 1) {
        if (argv[1][0] == '-')
            return ht_usage("sh [-c COMMANDS | FILE] [WORD...]");
        source.fd = open(argv[1], O_RDONLY);
        if (source.fd < 0)
            return complain(argv[1], 127);
    } else {
        source.prompts = isatty(STDIN_FILENO);
        first = 0;
    }
    arguments = argv + first;
    argument_count = first ? argc - first : 1;
    run_source();
    return last_status;
}
