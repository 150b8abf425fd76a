// forktime COUNT [DESCRIPTORS [SLEEPERS]]: forks COUNT children, which exit at once, and waits for each; before
// that it opens DESCRIPTORS descriptors, and leaves SLEEPERS children asleep. Prints ns per fork, exit and wait.
// Exit status: 0, 1 after an error, 2 for wrong use.
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "hardtack.h"

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

static int measure(long long count)
{
    uint64_t before = now();
    for (long long i = 0; i < count; i++) {
        int status = 0, pid = ht_fork();
        if (pid == 0)
            _exit(7);
        if (pid < 0)
            return ht_fail("forktime", "fork");
        if (ht_waitpid(pid, &status, 0) != pid || status != 7)
            return ht_fail("forktime", "waitpid");
    }
    return ht_print(STDOUT_FILENO, "%l\n", count ? (now() - before) / (uint64_t)count : 0) ? 1 : 0;
}

int main(int argc, char **argv)
{
    long long numbers[3] = {0, 0, 0};
    if (argc < 2 || argc > 4)
        return ht_usage("forktime COUNT [DESCRIPTORS [SLEEPERS]]");
    for (int i = 1; i < argc; i++)
        if ((numbers[i - 1] = ht_number(argv[i])) < 0)
            return ht_usage("forktime COUNT [DESCRIPTORS [SLEEPERS]]");
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    for (long long i = 1; i < numbers[1]; i++)
        if (fd < 0 || ht_dup(fd) < 0)
            return ht_fail("forktime", "dup");
    return sleepers(numbers[2]) || measure(numbers[0]);
}
