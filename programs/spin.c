// spin: loops for ever without a system call: only a kernel that can take the processor away gets it back.
// Exit status: none; it does not end by itself.

int main(void)
{
    for (volatile unsigned turns = 0;; turns++)
        ;
}
