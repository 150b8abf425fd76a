// dirname PATH: a path less its last part.
// Exit status: 0, 1 if it cannot be written, 2 for wrong use.
#include <string.h>

#include "hardtack.h"

int main(int argc, char **argv)
{
    if (argc != 2)
        return ht_usage("dirname PATH");
    char *path = argv[1];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length && path[length - 1] != '/')
        length--;
    while (length > 1 && path[length - 1] == '/')
        length--;
    path[length] = 0;
    ht_put_line("dirname", length ? path : ".");
    ht_flush("dirname");
    return 0;
}
