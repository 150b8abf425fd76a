// false: fails, and nothing else.
// Exit status: 1.

int main(void)
{
    return 1;
}
