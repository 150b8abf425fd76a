// What the shell's parts share. parse.c makes trees of text, expand.c makes words of what was written, run.c runs
// trees, variables.c keeps names, main.c finds the text.
#ifndef SH_H
#define SH_H

#include <stddef.h>

#include "hardtack.h"

#define MAX_LINE 4096 // bytes of a line

// -- trees. They live in the arena until their line has been run.

// A word as it was written, quotes and all.
struct word {
    const char *text;
    struct word *next;
};

// fd < text, fd > text, fd >> text ('a'), fd >& text or fd <& text ('&'), or a text that is itself what is read:
// 'h', or 'H' where nothing in it is to be replaced.
struct redirection {
    int fd;
    char kind;
    const char *text;
    struct redirection *next;
};

enum kind { SIMPLE, PIPE, SEQUENCE, AND, OR, NOT, BACKGROUND, IF, WHILE, UNTIL, FOR, CASE, GROUP, SUBSHELL };

// first, second, third: the two sides; a condition, its body and its else; a body.
struct node {
    enum kind kind;
    struct node *first, *second, *third;
    struct word *words; // SIMPLE: the command; FOR: the values; CASE: what is compared
    const char *name;   // FOR: the variable; null in words means "$@"
    struct item *items; // CASE
    struct redirection *redirections;
};

struct item {
    struct word *patterns;
    struct node *body;
    struct item *next;
};

// -- parse.c: reads from a text, or from a descriptor line by line, so that what follows a line is left to others
struct source {
    const char *at; // the text; "" before the first line of a descriptor
    int fd;         // or -1
    int prompts;    // whether lines are asked for
    char *line;     // MAX_LINE bytes, for a descriptor
};
extern struct source source;

#define INTERRUPT 3 // what a terminal gives in place of the line at which Ctrl-C was typed

int parse_line(struct node **tree); // 1; 0 at the end; -1 and a message for wrong syntax; -2 where it was given up

// -- expand.c: $NAME ${NAME:-WORD} ${NAME:=WORD} ${NAME:+WORD} ${#NAME} $1 $# $@ $* $? $$ $! $(COMMANDS) $((SUM)),
// quotes, fields, and * ? [...] in the last part of a path
int expand_words(const struct word *words, char ***argv); // how many; the list ends in NULL
char *expand_text(const char *text);                      // one field, quotes taken off
char *expand_here(const char *text);                      // the same, quotes left as they are
char *expand_pattern(const char *text);                   // the same, quoted characters marked for `matches`
int matches(const char *pattern, const char *text);
long long calculate(const char *sum); // of $((SUM)); a sum that is none is 0, with a message

// -- run.c
extern int last_status, last_background;
extern int substitution_status; // of the last $(...) in a command, or -1
int run(const struct node *node);
void run_source(void);     // all of it; the status is in last_status
void become_child(void);   // in a process that was forked
int wait_for(int pid);

// -- variables.c
extern char **arguments; // $0 $1 ..., ended by NULL
extern int argument_count;
const char *get_variable(const char *name);
void set_variable(const char *name, const char *value, int exported); // exported -1: as it was
void unset_variable(const char *name);
size_t export_block(char *block, size_t size); // NAME=VALUE and NUL each; 0 if they do not fit
int is_assignment(const char *text);           // the length of NAME in NAME=..., or 0
void import_environment(void);

// -- builtins.c: a command that the shell does itself, or -1 if it does not know it
int builtin(int argc, char **argv);
int is_builtin(const char *name);
extern int leaving; // loops that a break or continue has still to leave
extern int repeating; // whether the last of them goes on with its next turn

// -- main.c: memory that is given back all at once. Too little of it ends the shell.
void *take(size_t size);
char *take_text(const char *text, size_t length);
size_t mark(void);
void release(size_t mark);
int complain(const char *what, int status); // "sh: WHAT: the text of errno"
_Noreturn void give_up(const char *why);

#endif
