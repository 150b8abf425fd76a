// recurse: calls itself without end: its stack runs out, and it alone must die of it.
// Exit status: none; it traps.

static volatile int depth, enough; // nothing sets enough, but the compiler cannot know

static __attribute__((noinline)) int recurse(int level)
{
    depth = level;
    if (enough)
        return level;
    int below = recurse(level + 1);
    depth = level; // work after the call, or it would become a loop
    return below + level;
}

int main(void)
{
    return recurse(1) & 1;
}
