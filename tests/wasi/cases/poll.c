// poll_oneoff. No case waits more than 50 ms.
// Left out: the number of bytes to read (wasmtime says 1), and which of several ready descriptors are
// reported in one call (wasmtime says one).
#include "conformance.h"

#define MILLISECOND UINT64_C(1000000)
#define MONOTONIC __WASI_CLOCKID_MONOTONIC
#define ABSTIME __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME

static __wasi_subscription_t on_clock(u64 userdata, u32 clock, u64 timeout, u32 flags)
{
    __wasi_subscription_t wanted = {.userdata = userdata, .u.tag = __WASI_EVENTTYPE_CLOCK};
    wanted.u.u.clock.id = clock;
    wanted.u.u.clock.timeout = timeout;
    wanted.u.u.clock.flags = flags;
    return wanted;
}

static __wasi_subscription_t on_fd(u64 userdata, u32 tag, u32 fd)
{
    __wasi_subscription_t wanted = {.userdata = userdata, .u.tag = tag};
    wanted.u.u.fd_read.file_descriptor = fd;
    return wanted;
}

static u64 now(u32 clock)
{
    u64 time = 0;
    show("clock", sys_clock_time_get(clock, 0, &time));
    return time;
}

static void do_poll(const char *what, const __wasi_subscription_t *wanted, u32 count)
{
    __wasi_event_t events[8];
    u32 ready = 0;
    if (show(what, sys_poll_oneoff(wanted, events, count, &ready)))
        return;
    for (u32 i = 0; i < ready; i++)
        printf("  userdata %llu error %u type %u\n", (unsigned long long)events[i].userdata, events[i].error,
               events[i].type);
}

CASE(poll_nothing)
{
    __wasi_subscription_t wanted = {0};
    do_poll("poll", &wanted, 0);
}

CASE(poll_clock)
{
    __wasi_subscription_t wanted = on_clock(7, MONOTONIC, 20 * MILLISECOND, 0);
    u64 start = now(MONOTONIC);
    do_poll("poll", &wanted, 1);
    u64 took = now(MONOTONIC) - start;
    printf("waited long enough %d, not for ever %d\n", took >= 20 * MILLISECOND, took < 5000 * MILLISECOND);
}

CASE(poll_clock_realtime)
{
    __wasi_subscription_t wanted = on_clock(7, __WASI_CLOCKID_REALTIME, 20 * MILLISECOND, 0);
    u64 start = now(MONOTONIC);
    do_poll("poll", &wanted, 1);
    printf("waited long enough %d\n", now(MONOTONIC) - start >= 20 * MILLISECOND);
}

CASE(poll_clock_absolute)
{
    u64 start = now(MONOTONIC);
    __wasi_subscription_t wanted = on_clock(7, MONOTONIC, start + 20 * MILLISECOND, ABSTIME);
    do_poll("to come", &wanted, 1);
    printf("waited long enough %d\n", now(MONOTONIC) - start >= 20 * MILLISECOND);
    wanted = on_clock(8, MONOTONIC, start, ABSTIME);
    do_poll("past", &wanted, 1);
    wanted = on_clock(9, MONOTONIC, 0, ABSTIME);
    do_poll("zero", &wanted, 1);
}

CASE(poll_clock_absolute_realtime)
{
    u64 start = now(MONOTONIC);
    __wasi_subscription_t wanted =
        on_clock(7, __WASI_CLOCKID_REALTIME, now(__WASI_CLOCKID_REALTIME) + 20 * MILLISECOND, ABSTIME);
    do_poll("to come", &wanted, 1);
    printf("waited long enough %d\n", now(MONOTONIC) - start >= 19 * MILLISECOND);
    wanted = on_clock(8, __WASI_CLOCKID_REALTIME, 1, ABSTIME);
    do_poll("past", &wanted, 1);
}

CASE(poll_clock_of_zero)
{
    __wasi_subscription_t wanted = on_clock(7, MONOTONIC, 0, 0);
    do_poll("poll", &wanted, 1);
}

CASE(poll_the_earlier_of_two_clocks)
{
    __wasi_subscription_t wanted[] = {on_clock(1, MONOTONIC, 60000 * MILLISECOND, 0),
                                      on_clock(2, MONOTONIC, 10 * MILLISECOND, 0)};
    do_poll("poll", wanted, 2);
}

CASE(poll_bad_clocks)
{
    __wasi_subscription_t wanted = on_clock(1, __WASI_CLOCKID_PROCESS_CPUTIME_ID, 0, 0);
    do_poll("CPU time", &wanted, 1);
    wanted = on_clock(1, 9, 0, 0);
    do_poll("unknown clock", &wanted, 1);
}

CASE(poll_file)
{
    put("a", "text");
    u32 fd = open_file("a", 0, RIGHT_READ | RIGHT_WRITE, 0);
    __wasi_subscription_t wanted = on_fd(1, __WASI_EVENTTYPE_FD_READ, fd);
    do_poll("to read", &wanted, 1);
    wanted = on_fd(2, __WASI_EVENTTYPE_FD_WRITE, fd);
    do_poll("to write", &wanted, 1);
}

CASE(poll_file_before_clock)
{
    put("a", "text");
    u32 fd = open_file("a", 0, RIGHT_READ, 0);
    __wasi_subscription_t wanted[] = {on_clock(1, MONOTONIC, 60000 * MILLISECOND, 0),
                                      on_fd(2, __WASI_EVENTTYPE_FD_READ, fd)};
    do_poll("poll", wanted, 2);
}

CASE(poll_stdout)
{
    __wasi_subscription_t wanted = on_fd(1, __WASI_EVENTTYPE_FD_WRITE, 1);
    do_poll("to write", &wanted, 1);
}

CASE(poll_stdin_at_its_end)
{
    __wasi_subscription_t wanted = on_fd(1, __WASI_EVENTTYPE_FD_READ, 0);
    do_poll("to read", &wanted, 1);
}

CASE(poll_the_wrong_way)
{
    __wasi_subscription_t wanted = on_fd(1, __WASI_EVENTTYPE_FD_WRITE, 0);
    do_poll("stdin to write", &wanted, 1);
    wanted = on_fd(1, __WASI_EVENTTYPE_FD_READ, 1);
    do_poll("stdout to read", &wanted, 1);
}

CASE(poll_file_opened_the_wrong_way)
{
    put("a", "text");
    __wasi_subscription_t wanted = on_fd(1, __WASI_EVENTTYPE_FD_WRITE, open_file("a", 0, RIGHT_READ, 0));
    do_poll("to write", &wanted, 1);
    wanted = on_fd(1, __WASI_EVENTTYPE_FD_READ, open_file("a", 0, RIGHT_WRITE, 0));
    do_poll("to read", &wanted, 1);
}

// The specification gives such a subscription an event with an error; wasmtime refuses the whole call.
CASE(poll_no_descriptor)
{
    __wasi_subscription_t wanted[] = {on_fd(1, __WASI_EVENTTYPE_FD_READ, NO_FD),
                                      on_clock(2, MONOTONIC, 0, 0)};
    do_poll("to read", wanted, 1);
    do_poll("with a clock", wanted, 2);
    wanted[0] = on_fd(1, __WASI_EVENTTYPE_FD_WRITE, NO_FD);
    do_poll("to write", wanted, 1);
}

CASE(poll_directory)
{
    __wasi_subscription_t wanted = on_fd(1, __WASI_EVENTTYPE_FD_READ, ROOT);
    do_poll("to read", &wanted, 1);
    wanted = on_fd(1, __WASI_EVENTTYPE_FD_WRITE, ROOT);
    do_poll("to write", &wanted, 1);
}
