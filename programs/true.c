// true: the smallest process there is; what starting and ending one costs.
// Exit status: 0.

int main(void)
{
    return 0;
}
