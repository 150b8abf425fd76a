// The shell's work: running trees. Programs are spawned, since that is quicker than fork and exec; what the shell
// has to do itself in another process (compound commands and builtins in pipelines, subshells) is forked.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

#define STREAMS 3          // descriptors that can be redirected: 0, 1 and 2
#define MAX_BACKGROUND 64  // whose statuses are kept

static struct {
    int pid, status, ended;
} background[MAX_BACKGROUND];
static int in_background;

int last_status, last_background, substitution_status;

// -- children

static void note_end(int pid, int status)
{
    for (int i = 0; i < in_background; i++)
        if (background[i].pid == pid) {
            background[i].status = status;
            background[i].ended = 1;
        }
}

int wait_for(int pid)
{
    int status = 0;
    for (int i = 0; i < in_background; i++)
        if (background[i].pid == pid && background[i].ended) {
            status = background[i].status;
            background[i] = background[--in_background];
            return status;
        }
    return ht_waitpid(pid, &status, 0) < 0 ? complain("waitpid", 127) : status;
}

static void add_background(int pid)
{
    if (pid <= 0)
        return;
    last_background = pid;
    if (in_background == MAX_BACKGROUND) // the oldest one's status is forgotten
        memmove(background, background + 1, sizeof background[0] * (size_t)--in_background);
    background[in_background].pid = pid;
    background[in_background++].ended = 0;
}

static void reap_background(void)
{
    int pid, status;
    while (in_background && (pid = ht_waitpid(-1, &status, HT_NOHANG)) > 0)
        note_end(pid, status);
}

int wait_for_all(void)
{
    int pid, status;
    while ((pid = ht_waitpid(-1, &status, 0)) > 0)
        note_end(pid, status);
    in_background = 0;
    return 0;
}

void become_child(void)
{
    in_background = 0;
    last_background = 0;
}

// -- redirection

static void close_other(int fd)
{
    if (fd >= STREAMS)
        close(fd);
}

static void close_all(const int fds[STREAMS])
{
    for (int i = 0; i < STREAMS; i++) {
        int again = 0;
        for (int k = 0; k < i; k++)
            again |= fds[k] == fds[i];
        if (!again)
            close_other(fds[i]);
    }
}

// Returns the end to read from of a pipe that holds a text, which must not be longer than a pipe holds.
static int open_text(const struct redirection *one)
{
    int ends[2];
    const char *text = one->kind == 'H' ? one->text : expand_here(one->text);
    if (ht_pipe(ends))
        return -1;
    int failed = fcntl(ends[1], F_SETFL, O_NONBLOCK) || ht_write_all(ends[1], text, strlen(text));
    close(ends[1]);
    if (!failed)
        return ends[0];
    close(ends[0]);
    return -1;
}

static int open_redirection(const struct redirection *one, const char *name)
{
    switch (one->kind) {
    case '<':
        return open(name, O_RDONLY);
    case '>':
        return open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    case 'a':
        return open(name, O_WRONLY | O_CREAT | O_APPEND, 0666);
    default:
        return open_text(one);
    }
}

// Puts what a command is redirected to in place of what the pipeline gave it; 0, or a status and a message.
static int redirect(const struct redirection *one, int fds[STREAMS])
{
    for (; one; one = one->next) {
        const char *name = one->kind == 'h' || one->kind == 'H' ? "the text" : expand_text(one->text);
        int fd;
        if (one->fd >= STREAMS || (one->kind == '&' && (*name < '0' || *name > '2' || name[1]))) {
            errno = EBADF;
            return complain(name, 1);
        }
        fd = one->kind == '&' ? fds[*name - '0'] : open_redirection(one, name);
        if (fd < 0)
            return complain(name, 1);
        int old = fds[one->fd], kept = 0;
        fds[one->fd] = fd;
        for (int i = 0; i < STREAMS; i++)
            kept |= fds[i] == old;
        if (!kept)
            close_other(old);
    }
    return 0;
}

// Makes descriptors 0, 1 and 2 what they are to be; what they were is kept in saved, unless that is NULL.
static void put_in_place(const int fds[STREAMS], int saved[STREAMS])
{
    int copies[STREAMS];
    for (int i = 0; i < STREAMS; i++) {
        if (saved)
            saved[i] = fds[i] == i ? -1 : ht_dup(i);
        copies[i] = fds[i] < STREAMS && fds[i] != i ? ht_dup(fds[i]) : fds[i]; // 1 and 2 may change places
    }
    for (int i = 0; i < STREAMS; i++)
        if (copies[i] != i)
            ht_dup2(copies[i], i);
    close_all(copies);
}

static void put_back(const int saved[STREAMS])
{
    for (int i = 0; i < STREAMS; i++)
        if (saved[i] >= 0) {
            ht_dup2(saved[i], i);
            close(saved[i]);
        }
}

// -- programs

static int pack(char *block, size_t size, char *const strings[])
{
    size_t used = 0;
    for (; *strings; strings++) {
        size_t length = strlen(*strings) + 1;
        if (length > size - used)
            return -1;
        memcpy(block + used, *strings, length);
        used += length;
    }
    return (int)used;
}

static int spawn_at(const char *path, char *const argv[], const int fds[STREAMS])
{
    static char block[8 * HT_ARG_MAX], variables[2 * HT_ARG_MAX];
    struct ht_map map[STREAMS];
    uint32_t pid = 0;
    int used = pack(block, sizeof block, argv);
    size_t exported = export_block(variables, sizeof variables);
    if (used < 0) {
        errno = E2BIG;
        return -1;
    }
    for (uint32_t i = 0; i < STREAMS; i++)
        map[i] = (struct ht_map){i, (uint32_t)fds[i]};
    errno = posix_spawn(path, strlen(path), block, (uint32_t)used, variables, exported, map, STREAMS, 0, 0, &pid);
    return errno ? -1 : (int)pid;
}

// The host compiles what is large only when it runs it itself.
static int is_program(const char *path)
{
    char start[4] = "";
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    ssize_t count = read(fd, start, sizeof start);
    close(fd);
    return count == sizeof start && memcmp(start, "\0asm", sizeof start) == 0;
}

// A file that is no program is a script.
static int spawn_or_script(const char *path, char *const argv[], const int fds[STREAMS])
{
    int pid = spawn_at(path, argv, fds), count = 0;
    if (pid >= 0 || errno != ENOEXEC)
        return pid;
    if (is_program(path)) {
        errno = ENOEXEC;
        return -1;
    }
    while (argv[count])
        count++;
    char **longer = take(((size_t)count + 2) * sizeof *longer + 8);
    longer[0] = "sh";
    longer[1] = (char *)path;
    for (int i = 1; i <= count; i++)
        longer[i + 1] = argv[i];
    return spawn_at("/bin/sh", longer, fds);
}

// Starts a program with these descriptors: its pid, or 0 and a status after a message.
static int start(char *const argv[], const int fds[STREAMS], int *status)
{
    const char *path = get_variable("PATH"), *name = argv[0];
    int pid = -1;
    errno = ENOENT;
    if (strchr(name, '/'))
        pid = spawn_or_script(name, argv, fds);
    for (path = path ? path : "/bin"; pid < 0 && errno == ENOENT && *path && !strchr(name, '/');) {
        size_t length = strcspn(path, ":");
        char *whole = take(length + strlen(name) + 10);
        memcpy(whole, path, length);
        whole[length] = '/';
        strcpy(whole + length + 1, name);
        pid = spawn_or_script(whole, argv, fds);
        path += length + (path[length] != 0);
    }
    if (pid >= 0)
        return pid;
    if (errno == ENOENT) {
        ht_print(STDERR_FILENO, "sh: %s: not found\n", name);
        *status = 127;
    } else if (errno == ENOEXEC) {
        ht_print(STDERR_FILENO, "sh: %s: not compiled, or no program: `hardtack run` it once from the host\n", name);
        *status = 126;
    } else {
        *status = complain(name, 126);
    }
    return 0;
}

// -- simple commands

static const struct word *assign(const struct word *words, int exported)
{
    for (int length; words && (length = is_assignment(words->text)); words = words->next)
        set_variable(take_text(words->text, (size_t)length), expand_text(words->text + length + 1), exported);
    return words;
}

// Assignments before a program's name are for the program alone.
static int start_with(const struct word *words, char *const argv[], const int fds[STREAMS], int *status)
{
    char *names[16], *values[16];
    int count = 0;
    for (int length; count < 16 && (length = is_assignment(words->text)); words = words->next) {
        names[count] = take_text(words->text, (size_t)length);
        const char *before = get_variable(names[count]);
        values[count] = before ? take_text(before, strlen(before)) : NULL;
        set_variable(names[count++], expand_text(words->text + length + 1), 1);
    }
    int pid = start(argv, fds, status);
    for (int i = count - 1; i >= 0; i--) {
        if (values[i])
            set_variable(names[i], values[i], -1);
        else
            unset_variable(names[i]);
    }
    return pid;
}

static int run_builtin(int argc, char **argv, const struct node *node)
{
    int fds[STREAMS] = {0, 1, 2}, saved[STREAMS];
    int status = redirect(node->redirections, fds);
    if (status) {
        close_all(fds);
        return status;
    }
    int for_good = argc && strcmp(argv[0], "exec") == 0;
    put_in_place(fds, for_good ? NULL : saved);
    status = argc ? builtin(argc, argv) : 0;
    if (!for_good)
        put_back(saved);
    return status;
}

// Starts a command with these descriptors, which it closes: the pid of its process, or 0 and its status if there
// is none to wait for. alone: the shell may do the command itself.
static int launch(const struct node *node, int fds[STREAMS], int other, int alone, int *status);

static int run_simple(const struct node *node)
{
    int fds[STREAMS] = {0, 1, 2}, status = 0;
    int pid = launch(node, fds, -1, 1, &status);
    return pid ? wait_for(pid) : status;
}

static int run_child(const struct node *node, int fds[STREAMS], int other)
{
    int pid = ht_fork();
    if (pid == 0) {
        close_other(other);
        put_in_place(fds, NULL);
        become_child();
        last_status = run(node);
        exit(last_status);
    }
    return pid;
}

static int launch(const struct node *node, int fds[STREAMS], int other, int alone, int *status)
{
    int pid = 0;
    if (node->kind == SIMPLE) {
        char **argv;
        const struct word *words = node->words;
        while (words && is_assignment(words->text))
            words = words->next;
        substitution_status = -1;
        int argc = expand_words(words, &argv);
        if (argc && !is_builtin(argv[0])) {
            *status = redirect(node->redirections, fds);
            if (!*status)
                pid = start_with(node->words, argv, fds, status);
            close_all(fds);
            return pid;
        }
        if (alone) {
            assign(node->words, -1);
            *status = run_builtin(argc, argv, node);
            if (!argc && substitution_status >= 0 && !*status)
                *status = substitution_status;
            return 0;
        }
    }
    pid = run_child(node, fds, other);
    if (pid < 0) {
        *status = complain("fork", 126);
        pid = 0;
    }
    close_all(fds);
    return pid;
}

// -- pipelines

#define MAX_PIPE 64 // commands of a pipeline

// Starts the commands of a pipeline: how many; the status of those without a process is in *status.
static int start_pipe(const struct node *node, int pids[MAX_PIPE], int *of_last)
{
    int count = 0, status = 0, input = STDIN_FILENO;
    for (const struct node *rest = node; rest; count++) {
        int last = rest->kind != PIPE, ends[2] = {-1, -1};
        int fds[STREAMS] = {input, STDOUT_FILENO, STDERR_FILENO};
        if (!last) {
            errno = E2BIG;
            if (count == MAX_PIPE - 1 || ht_pipe(ends)) {
                status = complain("pipe", 126);
                close_all(fds);
                break;
            }
            fds[1] = ends[1];
        }
        input = ends[0];
        status = 0;
        pids[count] = launch(last ? rest : rest->first, fds, ends[0], 0, &status);
        rest = last ? NULL : rest->second;
    }
    *of_last = status;
    return count;
}

static int run_pipe(const struct node *node)
{
    int pids[MAX_PIPE], status = 0, count = start_pipe(node, pids, &status);
    for (int i = 0; i < count; i++) {
        int ended = pids[i] ? wait_for(pids[i]) : status;
        if (i + 1 == count)
            status = ended;
    }
    return status;
}

static int run_background(const struct node *node)
{
    int fds[STREAMS] = {0, 1, 2}, pids[MAX_PIPE], status = 0, count = 1;
    if (node->first->kind == PIPE)
        count = start_pipe(node->first, pids, &status);
    else
        pids[0] = launch(node->first, fds, -1, 0, &status);
    for (int i = 0; i < count; i++)
        add_background(pids[i]);
    return 0;
}

// -- compound commands

// Whether a loop goes on after a turn: not where the turn met a break, or a continue of a loop further out.
static int goes_on(void)
{
    if (!leaving)
        return 1;
    leaving--;
    if (leaving)
        return 0;
    int again = repeating;
    repeating = 0;
    return again;
}

static int run_while(const struct node *node)
{
    int status = 0;
    size_t before = mark();
    do {
        release(before);
        if ((run(node->first) != 0) != (node->kind == UNTIL) || leaving)
            break;
        status = run(node->second);
    } while (goes_on());
    return status;
}

static int run_for(const struct node *node)
{
    char **values;
    int status = 0, count = expand_words(node->words, &values);
    size_t before = mark();
    for (int i = 0; i < count; i++) {
        release(before);
        set_variable(node->name, values[i], -1);
        status = run(node->second);
        if (!goes_on())
            break;
    }
    return status;
}

static int run_case(const struct node *node)
{
    const char *text = expand_text(node->words->text);
    for (const struct item *item = node->items; item; item = item->next)
        for (const struct word *pattern = item->patterns; pattern; pattern = pattern->next)
            if (matches(expand_pattern(pattern->text), text))
                return run(item->body);
    return 0;
}

static int run_subshell(const struct node *node)
{
    int pid = ht_fork();
    if (pid == 0) {
        become_child();
        exit(run(node->first));
    }
    return pid < 0 ? complain("fork", 126) : wait_for(pid);
}

static int run_compound(const struct node *node)
{
    switch (node->kind) {
    case IF:
        return run(node->first) == 0 ? run(node->second) : leaving ? 0 : run(node->third);
    case WHILE:
    case UNTIL:
        return run_while(node);
    case FOR:
        return run_for(node);
    case CASE:
        return run_case(node);
    case SUBSHELL:
        return run_subshell(node);
    default:
        return run(node->first);
    }
}

static int run_redirected(const struct node *node)
{
    int fds[STREAMS] = {0, 1, 2}, saved[STREAMS];
    int status = redirect(node->redirections, fds);
    if (status) {
        close_all(fds);
        return status;
    }
    put_in_place(fds, saved);
    status = run_compound(node);
    put_back(saved);
    return status;
}

static int run_kind(const struct node *node)
{
    int status;
    switch (node->kind) {
    case SIMPLE:
        return run_simple(node);
    case PIPE:
        return run_pipe(node);
    case SEQUENCE:
        status = run(node->first);
        return leaving ? status : run(node->second);
    case AND:
        status = run(node->first);
        return status || leaving ? status : run(node->second);
    case OR:
        status = run(node->first);
        return !status || leaving ? status : run(node->second);
    case NOT:
        return !run(node->first);
    case BACKGROUND:
        return run_background(node);
    default:
        return node->redirections ? run_redirected(node) : run_compound(node);
    }
}

// Runs a tree: its status. What it needs of the arena is given back.
int run(const struct node *node)
{
    size_t before = mark();
    if (!node)
        return 0;
    last_status = run_kind(node);
    release(before);
    return last_status;
}

void run_source(void)
{
    struct node *tree = NULL;
    size_t before = mark();
    int found;
    while ((found = parse_line(&tree))) {
        if (found > 0) {
            last_status = run(tree);
            leaving = 0;
        } else {
            last_status = found == -2 ? 130 : 2;
            if (!source.prompts)
                return;
            source.at = "";
        }
        release(before);
        reap_background();
    }
}
