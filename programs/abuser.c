// abuser [CHILDREN PROGRAM [ARGUMENT]]: keeps CHILDREN children (2) that each run PROGRAM (/bin/fdhog -k), and
// starts another whenever one of them ends: what one child is killed for, the next does again.
// Exit status: 0 when nobody is left to wait for, 1 after an error, 2 for wrong use.
#include <sched.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    static char *const usual[] = {"/bin/fdhog", "-k", 0};
    char *const *child = argc > 2 ? argv + 2 : usual;
    long long children = argc > 1 ? ht_number(argv[1]) : 2, alive = 0;
    if (argc == 2 || children < 1)
        return ht_usage("abuser [CHILDREN PROGRAM [ARGUMENT]]");
    for (;;) {
        for (; alive < children; alive++)
            if (ht_spawn(child[0], child, 0) < 0) {
                sched_yield(); // no more processes for now
                break;
            }
        if (alive == 0)
            continue;
        if (ht_waitpid(-1, 0, 0) < 0)
            return ht_fail("abuser", "waitpid");
        alive--;
    }
}
