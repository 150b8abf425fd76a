// kill [-SIGNAL] PID...: ends processes of its own tree; SIGNAL is a number or one of HUP INT QUIT KILL PIPE ALRM
// TERM, which is meant without one. With 0 it only asks whether they are there.
// Exit status: 0, 1 if one is not there (the others are still ended), 2 for wrong use.
#include <string.h>
#include <strings.h>

#include "hardtack.h"

static int number_of(const char *name)
{
    static const struct {
        char name[5];
        int number;
    } signals[] = {{"HUP", 1}, {"INT", 2}, {"QUIT", 3}, {"KILL", 9}, {"PIPE", 13}, {"ALRM", 14}, {"TERM", 15}};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (strcasecmp(name, signals[i].name) == 0)
            return signals[i].number;
    return (int)ht_number(name);
}

int main(int argc, char **argv)
{
    int signal = HT_SIGTERM, first = 1, status = 0;
    if (argc > 1 && argv[1][0] == '-') {
        signal = number_of(argv[1] + 1);
        first = 2;
    }
    if (first >= argc || signal < 0)
        return ht_usage("kill [-SIGNAL] PID...");
    for (int i = first; i < argc; i++) {
        long long pid = ht_number(argv[i]);
        if (pid < 0)
            return ht_usage("kill [-SIGNAL] PID...");
        if (ht_kill((int)pid, signal))
            status = ht_fail("kill", argv[i]);
    }
    return status;
}
