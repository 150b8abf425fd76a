// xargs [-n WORDS] [PROGRAM [WORD...]]: runs a program, or echo, with the words of standard input as its last
// arguments: as many at a time as fit, or WORDS.
// Exit status: 0, 123 if the program failed, 126 or 127 if it cannot be started, 1 for an error, 2 for wrong use.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hardtack.h"

#define MOST 1024 // words at a time

static char *words[MOST + 1];
static char path[4096];
static int given, status;

static void run(int count)
{
    int ended = 0;
    words[count] = NULL;
    int pid = ht_spawn(path, words, NULL);
    if (pid < 0) {
        ht_fail("xargs", words[0]);
        exit(errno == ENOENT ? 127 : 126);
    }
    if (ht_waitpid(pid, &ended, 0) < 0)
        exit(ht_fail("xargs", "waitpid"));
    if (ended)
        status = 123;
    while (count > given)
        free(words[--count]);
}

int main(int argc, char **argv)
{
    long long most = MOST - 64;
    int first = 1, count, ran = 0;
    size_t fixed = 0, used;
    struct ht_lines lines = ht_lines(STDIN_FILENO);
    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        most = ht_number(argv[2]);
        first = 3;
    }
    if (most < 1 || most > MOST - 64 || argc - first > 63 || (first < argc && argv[first][0] == '-'))
        return ht_usage("xargs [-n WORDS] [PROGRAM [WORD...]]");
    for (int i = first; i < argc; i++)
        words[given++] = argv[i];
    if (!given)
        words[given++] = "echo";
    for (int i = 0; i < given; i++)
        fixed += strlen(words[i]) + 1;
    if (strlen(words[0]) + 6 > sizeof path)
        return ht_usage("xargs [-n WORDS] [PROGRAM [WORD...]]");
    strcpy(path, strchr(words[0], '/') ? "" : "/bin/");
    strcat(path, words[0]);
    count = given;
    used = fixed;
    while (ht_next_line(&lines) > 0) {
        for (char *word = strtok(lines.line, " \t"); word; word = strtok(NULL, " \t")) {
            if (count - given == most || used + strlen(word) + 1 > HT_ARG_MAX) {
                run(count);
                ran = 1;
                count = given;
                used = fixed;
            }
            used += strlen(word) + 1;
            if (!(words[count++] = strdup(word)))
                return ht_fail("xargs", "memory");
        }
    }
    if (count > given || !ran)
        run(count);
    return status;
}
