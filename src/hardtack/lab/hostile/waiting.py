"""Hostile guests that attack what processes wait for and pass on: clocks, lists of the ABI, each other."""

from __future__ import annotations

from typing import Final

from hardtack.kernel.abi import E2BIG, EAGAIN, ECHILD, EFAULT, EINVAL, ENOTSUP, EPIPE, ESRCH
from hardtack.lab.hostile.guest import (
    DATA,
    KILLED,
    LIST,
    NAME,
    OUT,
    TEXT,
    WIDE,
    Guest,
    buffer,
    call,
    clock_at,
    for_ever,
    leave,
    load,
    opened,
    repeat,
    set32,
    times,
)
from hardtack.limits import Limits

CLOCKS: Final = (
    Guest(
        "sleep",
        "clocks",
        "sleeps for an hour",
        clock_at(LIST, 3600 * 10**9) + leave(call("poll_oneoff", LIST, DATA, 1, OUT)),
        ("wall",),
        limits=Limits(wall=0.3),
    ),
    Guest(
        "sleep-longest",
        "clocks",
        "sleeps for 2^64 - 1 ns",
        clock_at(LIST, WIDE - 1) + leave(call("poll_oneoff", LIST, DATA, 1, OUT)),
        ("wall",),
        limits=Limits(wall=0.3),
    ),
    Guest(
        "sleep-until",
        "clocks",
        "sleeps until a time long past, without end",
        clock_at(LIST, 1, flags=1, clock=0) + for_ever(call("poll_oneoff", LIST, DATA, 1, OUT)),
        ("cpu",),
    ),
    Guest(
        "short-sleeps",
        "clocks",
        "sleeps for a nanosecond, without end",
        clock_at(LIST, 1) + for_ever(call("poll_oneoff", LIST, DATA, 1, OUT)),
        ("cpu",),
    ),
    Guest(
        "what-time",
        "clocks",
        "asks for the time without end",
        for_ever(call("clock_time_get", 1, 0, OUT)),
        ("cpu",),
    ),
    Guest(
        "no-clock",
        "clocks",
        "asks a clock that does not exist",
        leave(call("clock_time_get", 77, 0, OUT)),
        (EINVAL,),
    ),
    Guest(
        "last-day",
        "clocks",
        "gives a file a time of 2^64 - 1",
        f"(drop {opened(NAME, 3, 1)})"
        + leave(call("path_filestat_set_times", 3, 0, NAME, 3, WIDE - 1, WIDE - 1, 5)),
        (0,),
    ),
)
POLLS: Final = (
    Guest(
        "poll-many",
        "poll lists",
        "polls 2^32 - 1 subscriptions",
        leave(call("poll_oneoff", LIST, DATA, (1 << 32) - 1, OUT)),
        (EINVAL,),
    ),
    Guest("poll-none", "poll lists", "polls none", leave(call("poll_oneoff", LIST, DATA, 0, OUT)), (EINVAL,)),
    Guest(
        "poll-wraps",
        "poll lists",
        "polls so many that their size wraps to nothing",
        leave(call("poll_oneoff", LIST, DATA, 1 << 28, OUT)),
        (EINVAL,),
    ),
    Guest(
        "poll-tag",
        "poll lists",
        "polls for what does not exist",
        set32(LIST + 8, 200) + leave(call("poll_oneoff", LIST, DATA, 1, OUT)),
        (EINVAL,),
    ),
    Guest(
        "poll-clocks",
        "poll lists",
        "polls 1,024 clocks that have come, without end",
        times(
            1024,
            "(i32.store8 (i32.add (i32.const 65552) (i32.mul (local.get $i) (i32.const 48))) (i32.const 1))",
        )
        + for_ever(call("poll_oneoff", LIST, DATA, 1024, OUT)),
        ("cpu",),
    ),
    Guest(
        "poll-itself",
        "poll lists",
        "polls over the list of what it polls",
        clock_at(LIST, 1) + leave(call("poll_oneoff", LIST, LIST, 1, LIST)),
        (0,),
    ),
    Guest(
        "poll-nobody",
        "poll lists",
        "waits for a pipe that nobody writes to",
        f"(drop {call('pipe', OUT)})"
        + set32(LIST + 8, 1)
        + set32(LIST + 16, load(OUT))
        + leave(call("poll_oneoff", LIST, DATA, 1, OUT)),
        (KILLED,),
    ),
)
BUFFERS: Final = (
    Guest(
        "buffers-1025",
        "buffer lists",
        "writes one buffer more than there may be",
        leave(call("fd_write", 1, LIST, 1025, 8)),
        (0,),
    ),
    Guest(
        "buffers-wrap",
        "buffer lists",
        "writes so many that their size wraps to nothing",
        leave(call("fd_write", 1, LIST, 1 << 29, 8)),
        (EFAULT,),
    ),
    Guest(
        "buffers-sum",
        "buffer lists",
        "writes buffers whose sizes add up past 2^32",
        buffer(LIST, DATA, (1 << 32) - 1)
        + buffer(LIST + 8, DATA, (1 << 32) - 1)
        + leave(call("fd_write", 1, LIST, 2, 8)),
        (EFAULT,),
    ),
    Guest(
        "buffers-themselves",
        "buffer lists",
        "reads over the list of buffers that it reads to",
        f"(drop {opened(TEXT, 8)})"
        + buffer(LIST, LIST, 4096)
        + leave(call("fd_read", load(OUT), LIST, 1, LIST)),
        (0,),
        b"dev/zero",
    ),
    Guest(
        "buffers-at-the-end",
        "buffer lists",
        "has a list that ends past its memory",
        leave(call("fd_write", 1, 4 * 65536 - 8, 2, 8)),
        (EFAULT,),
    ),
    Guest(
        "count-outside",
        "buffer lists",
        "has the count written outside its memory",
        buffer(LIST, NAME, 1) + leave(call("fd_write", 1, LIST, 1, (1 << 32) - 2)),
        (EFAULT,),
    ),
)
PROCESSES: Final = (
    Guest(
        "zombies",
        "processes",
        "starts programs and waits for none",
        repeat(call("spawn", TEXT, 9, 0, 0, 0, 0, 0, 0, 0, 0, OUT)),
        (EAGAIN,),
        b"/bin/true",
    ),
    Guest(
        "sleepers",
        "processes",
        "starts programs that wait for ever",
        repeat(call("spawn", TEXT, 12, TEXT + 12, 11, 0, 0, 0, 0, 0, 0, OUT)),
        (EAGAIN,),
        b"/bin/sleepersleeper\x0060\0",
    ),
    Guest(
        "long-arguments",
        "processes",
        "starts a program with 4 GB of arguments",
        leave(call("spawn", TEXT, 9, DATA, (1 << 32) - 1, 0, 0, 0, 0, 0, 0, OUT)),
        (E2BIG,),
        b"/bin/true",
    ),
    Guest(
        "long-map",
        "processes",
        "starts a program with 2^32 - 1 descriptors",
        leave(call("spawn", TEXT, 9, 0, 0, 0, 0, LIST, (1 << 32) - 1, 0, 0, OUT)),
        (EINVAL,),
        b"/bin/true",
    ),
    Guest(
        "kill-all",
        "processes",
        "kills every pid there may be",
        f"(drop {call('getpid', OUT)})"
        + times(
            10_000,
            f"(if (i32.ne (local.get $i) {load(OUT)}) (then "
            f"(if (i32.ne {call('kill', '(local.get $i)', 9)} (i32.const {ESRCH}))"
            "(then (local.set $e (local.get $i))))))",
        )
        + leave("(local.get $e)"),
        (0,),
        limits=Limits(cpu=5, wall=10),
    ),
    Guest(
        "wait-for-others",
        "processes",
        "waits for what is no child of its",
        leave(call("waitpid", 1, 0, OUT, OUT + 8)),
        (ECHILD,),
    ),
    Guest("raise", "processes", "kills itself", leave(call("proc_raise", 9)), (128 + 9, 128 + 6, EINVAL, 0)),
    Guest(
        "exec-for-ever",
        "processes",
        "execs a shell script that is none",
        for_ever(call("exec", NAME, 3, 0, 0, 0, 0)),
        ("cpu",),
    ),
    Guest(
        "fork-unprepared",
        "processes",
        "forks without what a fork needs",
        leave(call("fork", OUT)),
        (ENOTSUP,),
    ),
    Guest(
        "broken-pipe",
        "processes",
        "writes to a pipe that nobody reads",
        f"(drop {call('pipe', OUT)}) (drop {call('fd_close', load(OUT))})"
        + buffer(LIST, NAME, 1)
        + leave(call("fd_write", load(OUT + 4), LIST, 1, 8)),
        (EPIPE,),
    ),
)
