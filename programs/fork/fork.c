// fork, for programs that are linked with this file and passed through Binaryen's Asyncify.
//
// A copy of a WebAssembly program can have its memory, but not its stack of calls, which no program can see. So
// ht_fork first has the program return from all its functions, down to main's caller here: Asyncify's code in
// each of them writes its locals and where it was into `frames`, that is, into the memory. With no calls left,
// posix_fork copies the memory. Then parent and child call the program's main again, which goes the way back that
// `frames` tells, into ht_fork, and there it goes on in both.
//
// The kernel starts a child at hardtack_forked. Globals need no copy: Asyncify's own are at rest at that moment,
// and the stack pointer, the only other one that clang makes, is kept in memory.
#include <errno.h>
#include <stdlib.h>

#include "hardtack.h"

#undef main // the program's own is called program_main

#define ASYNCIFY(NAME) __attribute__((import_module("asyncify"), import_name(NAME)))
ASYNCIFY("start_unwind") void start_unwind(void *);
ASYNCIFY("stop_unwind") void stop_unwind(void);
ASYNCIFY("start_rewind") void start_rewind(void *);
ASYNCIFY("stop_rewind") void stop_rewind(void);

__asm__(".globaltype __stack_pointer, i32\n");

#define FRAMES 16384 // bytes for the locals of all functions that a fork returns from; more than that traps

int program_main(int argc, char **argv);

static char frames[FRAMES];
static struct {
    char *at, *end;
} unwound; // as Asyncify has it
static int forking, argument_count;
static char **arguments;
static char *stack_pointer;
static int32_t error;
static uint32_t pid;

__attribute__((noinline)) int ht_fork(void)
{
    if (!forking) {
        forking = 1;
        unwound.at = frames;
        unwound.end = frames + sizeof frames;
        start_unwind(&unwound);
        return 0; // to nobody: the callers only note where they are
    }
    stop_rewind();
    forking = 0;
    if (error) {
        errno = error;
        return -1;
    }
    return (int)pid;
}

static __attribute__((noinline)) int run(void)
{
    for (;;) {
        int status = program_main(argument_count, arguments);
        if (!forking)
            return status;
        stop_unwind();
        __asm__ volatile("global.get __stack_pointer\n\tlocal.set %0" : "=r"(stack_pointer));
        error = posix_fork(&pid);
        start_rewind(&unwound);
    }
}

int main(int argc, char **argv)
{
    argument_count = argc;
    arguments = argv;
    return run();
}

__attribute__((export_name("hardtack_forked"))) void forked(void)
{
    __asm__ volatile("local.get %0\n\tglobal.set __stack_pointer" : : "r"(stack_pointer));
    error = 0;
    pid = 0;
    start_rewind(&unwound);
    exit(run());
}
