// pwd: prints the directory that it was started in.
// Exit status: 0, 1 if it cannot be written.
#include <unistd.h>

#include "hardtack.h"

int main(void)
{
    char path[4096];
    ht_start();
    if (!getcwd(path, sizeof path))
        return ht_fail("pwd", "getcwd");
    return ht_print(STDOUT_FILENO, "%s\n", path) ? ht_fail("pwd", "write") : 0;
}
