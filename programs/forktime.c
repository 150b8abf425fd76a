// forktime COUNT [DESCRIPTORS [SLEEPERS [CALL]]]: makes COUNT calls of one kind and prints ns for each; before that
// it opens DESCRIPTORS descriptors, and leaves SLEEPERS children asleep.
//   fork       forks a child, which exits at once, and waits for it; so it is if no CALL is given
//   read       fd_read of 16 bytes from a file of 16 KiB, going back at its end
//   seek       fd_seek in it
//   openclose  path_open and fd_close of it
//   pipe       makes a pipe and closes both ends
// Exit status: 0, 1 after an error, 2 for wrong use.
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hardtack.h"

#define USAGE "forktime COUNT [DESCRIPTORS [SLEEPERS [fork|read|seek|openclose|pipe]]]"
#define NAME "/forktime"
#define ROOM 16384 // bytes of the file
#define SIZE 16    // bytes of a read

static int file;

static uint64_t now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

static int sleepers(long long count)
{
    for (long long i = 0; i < count; i++) {
        int pid = ht_fork();
        if (pid < 0)
            return ht_fail("forktime", "fork");
        if (pid == 0) {
            sleep(1000000);
            _exit(0);
        }
    }
    return 0;
}

static int make_file(void)
{
    static char zeros[ROOM];
    file = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0666);
    return file < 0 || ht_write_all(file, zeros, ROOM) ? ht_fail("forktime", NAME) : 0;
}

static int call_fork(long long i)
{
    int status = 0, pid = ht_fork();
    (void)i;
    if (pid == 0)
        _exit(7);
    return pid < 0 || ht_waitpid(pid, &status, 0) != pid || status != 7;
}

static int call_seek(long long i)
{
    return lseek(file, i % ROOM, SEEK_SET) < 0;
}

static int call_read(long long i)
{
    char buffer[SIZE];
    return (i % (ROOM / SIZE) == 0 && call_seek(0)) || read(file, buffer, SIZE) != SIZE;
}

static int call_openclose(long long i)
{
    (void)i;
    return close(open(NAME, O_RDONLY));
}

static int call_pipe(long long i)
{
    int ends[2];
    (void)i;
    return ht_pipe(ends) || close(ends[0]) || close(ends[1]);
}

static const struct call {
    const char *name;
    int (*make)(long long i);
} calls[] = {
    {"fork", call_fork}, {"read", call_read}, {"seek", call_seek}, {"openclose", call_openclose}, {"pipe", call_pipe},
};
#define CALLS (sizeof calls / sizeof *calls)

static int measure(const struct call *call, long long count)
{
    uint64_t before = now();
    for (long long i = 0; i < count; i++)
        if (call->make(i))
            return ht_fail("forktime", call->name);
    return ht_print(STDOUT_FILENO, "%l\n", count ? (now() - before) / (uint64_t)count : 0) ? 1 : 0;
}

int main(int argc, char **argv)
{
    long long numbers[3] = {0, 0, 0};
    const struct call *call = calls, *end = calls + CALLS;
    if (argc < 2 || argc > 5)
        return ht_usage(USAGE);
    for (int i = 1; i < argc && i < 4; i++)
        if ((numbers[i - 1] = ht_number(argv[i])) < 0)
            return ht_usage(USAGE);
    while (argc > 4 && call < end && strcmp(argv[4], call->name))
        call++;
    if (call == end)
        return ht_usage(USAGE);
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    for (long long i = 1; i < numbers[1]; i++)
        if (fd < 0 || ht_dup(fd) < 0)
            return ht_fail("forktime", "dup");
    return (call->make != call_fork && make_file()) || sleepers(numbers[2]) || measure(call, numbers[0]);
}
