// Where hardtack answers otherwise than wasmtime on purpose, beside set_flags, open_with_flags and clock_cpu_time:
// tests/wasi/differs.py has what it answers.
#include "conformance.h"

CASE(sync_of_directories)
{
    make_directory("d");
    u32 fd = open_directory("d");
    show("sync", sys_fd_sync(fd));
    show("datasync", sys_fd_datasync(fd));
    show("sync of the root", sys_fd_sync(ROOT));
}

CASE(flags_that_synchronise_do_not_change_what_is_written)
{
    u32 fd = 0;
    for (u32 flags = 2; flags < 32; flags = flags == 2 ? 8 : flags * 2) {
        if (show("open", sys_path_open(ROOT, 0, "a", 1, CREAT, RIGHT_READ | RIGHT_WRITE, 0, flags | APPEND, &fd)))
            continue;
        do_write(fd, "text");
        close_fd(fd);
    }
    do_open("read it", ROOT, "a", 0);
}

CASE(clock_cpu_time_goes_on)
{
    u64 before = 0, after = 0;
    volatile u32 work = 0;
    show("process", sys_clock_time_get(__WASI_CLOCKID_PROCESS_CPUTIME_ID, 0, &before));
    for (u32 i = 0; i < 3000000; i++)
        work += i;
    show("process", sys_clock_time_get(__WASI_CLOCKID_PROCESS_CPUTIME_ID, 0, &after));
    printf("  %s, %s\n", after > before ? "forward" : "STANDS STILL", after < 10000000000 ? "sane" : "strange");
    show("thread", sys_clock_time_get(__WASI_CLOCKID_THREAD_CPUTIME_ID, 0, &before));
    printf("  %s\n", before >= after ? "the same clock" : "ANOTHER");
}

CASE(signals_that_are_ignored_and_those_that_stop)
{
    static const u32 signals[] = {0, 16, 17, 22, 27, 18, 19, 20, 21};
    for (u32 i = 0; i < sizeof signals / sizeof *signals; i++) {
        char what[20];
        snprintf(what, sizeof what, "signal %u", signals[i]);
        show(what, sys_proc_raise(signals[i]));
    }
}

CASE(signal_abrt_ends)
{
    printf("before\n");
    fflush(stdout);
    show("abrt", sys_proc_raise(6));
    printf("after\n");
}

static __wasi_subscription_t to_read(u64 userdata, u32 fd)
{
    __wasi_subscription_t wanted = {.userdata = userdata, .u.tag = __WASI_EVENTTYPE_FD_READ};
    wanted.u.u.fd_read.file_descriptor = fd;
    return wanted;
}

// Left out: which of several that are ready it tells of. Here all; in wasmtime that changes from run to run.
CASE(poll_tells_how_many_bytes_there_are)
{
    __wasi_event_t event;
    u32 ready = 0;
    put("a", "text");
    __wasi_subscription_t wanted = to_read(1, open_file("a", 0, RIGHT_READ, 0));
    show("poll", sys_poll_oneoff(&wanted, &event, 1, &ready));
    printf("  %u ready, %llu bytes\n", ready, (unsigned long long)event.fd_readwrite.nbytes);
}

CASE(poll_of_more_than_1024)
{
    static __wasi_subscription_t wanted[1025];
    static __wasi_event_t events[1025];
    u32 ready = 0, fd = open_file("a", CREAT, RIGHT_READ, 0);
    for (u32 i = 0; i < 1025; i++)
        wanted[i] = to_read(i, fd);
    show("1024", sys_poll_oneoff(wanted, events, 1024, &ready));
    show("1025", sys_poll_oneoff(wanted, events, 1025, &ready));
}

CASE(what_a_reader_makes_or_cuts_is_not_written)
{
    u32 made = open_file("a", CREAT, RIGHT_READ, 0), cut = open_file("a", TRUNC, RIGHT_READ, 0);
    do_write(made, "text");
    show("set_size", sys_fd_filestat_set_size(made, 4));
    show("set_size of what was cut", sys_fd_filestat_set_size(cut, 4));
    do_stat("a", 0);
}
