// test EXPRESSION: -n TEXT, -z TEXT, A = B, A != B; A -eq B and -ne -lt -le -gt -ge for numbers; -e -f -d -L -s FILE;
// ! EXPRESSION, EXPRESSION -a EXPRESSION, EXPRESSION -o EXPRESSION.
// Exit status: 0 if that is so, 1 if not, 2 for wrong use.
#include "hardtack.h"

int main(int argc, char **argv)
{
    ht_start();
    return ht_test("test", argc, argv);
}
