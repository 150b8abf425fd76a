// Commands that the shell does itself: those that change it, and those that scripts use in every line.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

int leaving, repeating;
int wait_for_all(void); // run.c

static int complain_about(const char *command, const char *what)
{
    ht_print(STDERR_FILENO, "sh: %s: %s\n", command, what);
    return 2;
}

static int run_exit(int argc, char **argv)
{
    long long status = argc > 1 ? ht_number(argv[1]) : last_status;
    if (status < 0 || argc > 2)
        status = complain_about("exit", "a number is wanted");
    exit((int)(status & 255));
}

static int run_cd(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : get_variable("HOME");
    char *now = take(MAX_LINE);
    path = path ? path : "/";
    if (ht_chdir(path))
        return complain(path, 1);
    if (getcwd(now, MAX_LINE))
        set_variable("PWD", now, 1);
    return 0;
}

static int run_pwd(void)
{
    char *now = take(MAX_LINE);
    if (!getcwd(now, MAX_LINE))
        return complain("pwd", 1);
    return ht_print(STDOUT_FILENO, "%s\n", now) != 0;
}

static int run_export(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int length = is_assignment(argv[i]);
        const char *value = length ? argv[i] + length + 1 : get_variable(argv[i]);
        argv[i][length ? length : (int)strlen(argv[i])] = 0;
        set_variable(argv[i], value ? value : "", 1);
    }
    return 0;
}

static int run_shift(int argc, char **argv)
{
    long long count = argc > 1 ? ht_number(argv[1]) : 1;
    if (count < 0 || count >= argument_count)
        return complain_about("shift", "there are not so many arguments");
    arguments[count] = arguments[0];
    arguments += count;
    argument_count -= (int)count;
    return 0;
}

// set -- A B ...: other arguments.
static int run_set(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--"))
        return complain_about("set", "only set -- WORD... is there");
    char **list = malloc((size_t)argc * sizeof *list);
    if (!list)
        give_up("no memory for arguments");
    list[0] = arguments[0];
    for (int i = 2; i < argc; i++)
        if (!(list[i - 1] = strdup(argv[i])))
            give_up("no memory for arguments");
    list[argc - 1] = NULL;
    arguments = list;
    argument_count = argc - 1;
    return 0;
}

static int run_wait(int argc, char **argv)
{
    int status = 0;
    if (argc < 2)
        return wait_for_all();
    for (int i = 1; i < argc; i++)
        status = wait_for((int)ht_number(argv[i]));
    return status;
}

// read NAME...: a line; the last name gets what is left of it.
static int run_read(int argc, char **argv)
{
    char *line = take(MAX_LINE), c = 0;
    size_t length = 0;
    while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n' && length < MAX_LINE - 1) {
        if (c == INTERRUPT && isatty(STDIN_FILENO))
            return 130;
        line[length++] = c;
    }
    line[length] = 0;
    for (int i = 1; i < argc; i++) {
        line += strspn(line, " \t");
        size_t size = strcspn(line, " \t");
        char *rest = line + size + (line[size] != 0);
        if (i + 1 < argc)
            line[size] = 0;
        set_variable(argv[i], line, -1);
        line = i + 1 < argc ? rest : "";
    }
    return c != '\n';
}

static int run_exec(int argc, char **argv)
{
    static char variables[2 * HT_ARG_MAX];
    char *environment[257], *at = variables;
    int count = 0;
    if (argc < 2)
        return 0; // what it was redirected to stays
    size_t size = export_block(variables, sizeof variables);
    for (; count < 256 && at < variables + size; at += strlen(at) + 1)
        environment[count++] = at;
    environment[count] = NULL;
    char *path = take(strlen(argv[1]) + 10);
    strcpy(path, strchr(argv[1], '/') ? "" : "/bin/");
    strcat(path, argv[1]);
    ht_exec(path, argv + 1, environment);
    return complain(argv[1], errno == ENOENT ? 127 : 126);
}

static int run_leave(int argc, char **argv, int again)
{
    long long loops = argc > 1 ? ht_number(argv[1]) : 1;
    if (loops < 1)
        return complain_about(argv[0], "a number is wanted");
    leaving = (int)loops;
    repeating = again;
    return 0;
}

// . FILE: runs the commands in a file as if they stood here.
static int run_dot(int argc, char **argv)
{
    struct source outer = source;
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : (errno = EINVAL, -1);
    if (fd < 0)
        return complain(argc == 2 ? argv[1] : ".", 1);
    char *line = take(MAX_LINE);
    source = (struct source){"", fd, 0, line};
    run_source();
    close(fd);
    source = outer;
    return last_status;
}

static const char *const names[] = {":",    ".",    "[",   "break", "cd",    "continue", "exec",  "exit", "export", "false",
                                    "pwd",  "read", "set", "shift", "test", "true",     "unset", "wait"};

int is_builtin(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i + 1;
    return 0;
}

int builtin(int argc, char **argv)
{
    int number = is_builtin(argv[0]);
    const char *name = number ? names[number - 1] : "";
    switch (*name) {
    case ':':
        return 0;
    case '.':
        return run_dot(argc, argv);
    case '[':
        return ht_test("[", argc, argv);
    case 'b':
        return run_leave(argc, argv, 0);
    case 'c':
        return name[1] == 'd' ? run_cd(argc, argv) : run_leave(argc, argv, 1);
    case 'e':
        return name[2] == 'e' ? run_exec(argc, argv) : name[2] == 'i' ? run_exit(argc, argv) : run_export(argc, argv);
    case 'f':
        return 1;
    case 'p':
        return run_pwd();
    case 'r':
        return run_read(argc, argv);
    case 's':
        return name[1] == 'e' ? run_set(argc, argv) : run_shift(argc, argv);
    case 't':
        return name[1] == 'e' ? ht_test("test", argc, argv) : 0;
    case 'u':
        for (int i = 1; i < argc; i++)
            unset_variable(argv[i]);
        return 0;
    case 'w':
        return run_wait(argc, argv);
    }
    return -1;
}
