// Arguments, environment, clocks, random numbers, yielding and exit codes.
// Left out: exit codes from 126 up and unknown clocks, on which wasmtime traps.
#include "conformance.h"

CASE(args)
{
    u32 count = 0, bytes = 0;
    char *argv[8], block[256];
    show("args_sizes_get", sys_args_sizes_get(&count, &bytes));
    printf("  %u arguments, %u bytes\n", count, bytes);
    show("args_get", sys_args_get(argv, block));
    for (u32 i = 0; i < count; i++)
        printf("  argv[%u] = \"%s\" at byte %d\n", i, argv[i], (int)(argv[i] - block));
}

CASE(environment)
{
    u32 count = 0, bytes = 0;
    char *environ[8], block[256];
    show("environ_sizes_get", sys_environ_sizes_get(&count, &bytes));
    printf("  %u variables, %u bytes\n", count, bytes);
    show("environ_get", sys_environ_get(environ, block));
    for (u32 i = 0; i < count; i++)
        printf("  %s at byte %d\n", environ[i], (int)(environ[i] - block));
}

CASE(clock_resolution)
{
    u64 resolution = 0;
    show("realtime", sys_clock_res_get(__WASI_CLOCKID_REALTIME, &resolution));
    printf("  %s\n", resolution > 0 && resolution <= 1000000000 ? "sane" : "strange");
    resolution = 0;
    show("monotonic", sys_clock_res_get(__WASI_CLOCKID_MONOTONIC, &resolution));
    printf("  %s\n", resolution > 0 && resolution <= 1000000000 ? "sane" : "strange");
}

// CPU clocks: wasmtime refuses them as bad descriptors (EBADF), though the specification would say EINVAL
// or give a time.
CASE(clock_cpu_time)
{
    u64 time = 0;
    show("resolution, process", sys_clock_res_get(__WASI_CLOCKID_PROCESS_CPUTIME_ID, &time));
    show("resolution, thread", sys_clock_res_get(__WASI_CLOCKID_THREAD_CPUTIME_ID, &time));
    show("time, process", sys_clock_time_get(__WASI_CLOCKID_PROCESS_CPUTIME_ID, 0, &time));
    show("time, thread", sys_clock_time_get(__WASI_CLOCKID_THREAD_CPUTIME_ID, 0, &time));
}

CASE(clock_monotonic_never_goes_back)
{
    u64 before = 0, now = 0;
    bool forward = true;
    show("time", sys_clock_time_get(__WASI_CLOCKID_MONOTONIC, 0, &before));
    for (int i = 0; i < 1000; i++, before = now) {
        forward = !sys_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &now) && now >= before && forward;
    }
    printf("  %s\n", forward ? "forward" : "BACKWARD");
}

CASE(clock_realtime_is_of_this_century)
{
    u64 now = 0, later = 0;
    show("time", sys_clock_time_get(__WASI_CLOCKID_REALTIME, 0, &now));
    bool sane = now > UINT64_C(1600000000000000000) && now < UINT64_C(4102444800000000000);
    printf("  %s\n", sane ? "sane" : "strange");
    show("with precision", sys_clock_time_get(__WASI_CLOCKID_REALTIME, UINT64_MAX, &later));
    printf("  %s\n", later >= now ? "forward" : "BACKWARD");
}

CASE(random_bytes_differ)
{
    unsigned char first[64] = {0}, second[64] = {0};
    show("first", sys_random_get(first, sizeof first));
    show("second", sys_random_get(second, sizeof second));
    printf("  %s\n", memcmp(first, second, sizeof first) ? "different" : "THE SAME");
}

CASE(random_fills_exactly)
{
    static unsigned char buffer[5002];
    int zeros = 0;
    show("no bytes", sys_random_get(buffer, 0));
    printf("  first byte %u\n", buffer[0]);
    show("5000 bytes", sys_random_get(buffer + 1, 5000));
    for (int i = 1; i <= 5000; i++)
        zeros += buffer[i] == 0;
    printf("  bytes around %u %u, %s\n", buffer[0], buffer[5001], zeros < 200 ? "random" : "NOT RANDOM");
}

CASE(yield)
{
    for (int i = 0; i < 3; i++)
        show("sched_yield", sys_sched_yield());
}

CASE(return_from_main)
{
    printf("main returns\n");
}

CASE(exit_1)
{
    printf("before\n");
    exit(1);
}

CASE(exit_0)
{
    printf("before\n");
    fflush(stdout);
    __wasi_proc_exit(0);
}

CASE(exit_125)
{
    printf("before\n");
    fflush(stdout);
    __wasi_proc_exit(125);
}

// proc_exit ends the program at once: what libc still buffers is lost.
CASE(exit_loses_what_is_buffered_by_libc)
{
    static char buffer[64];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    printf("kept\n");
    fflush(stdout);
    printf("lost\n");
    __wasi_proc_exit(7);
}
