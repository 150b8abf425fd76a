"""Hostile guests that attack by computing: processor time in the kernel, memory, the stack."""

from __future__ import annotations

from typing import Final

from hardtack.kernel.abi import ENOMEM
from hardtack.lab.hostile.guest import (
    DATA,
    LIST,
    NAME,
    NEXT,
    NOT_STARTED,
    OUT,
    TEXT,
    TRAPPED,
    WRITE_DATA,
    Guest,
    call,
    for_ever,
    leave,
    load,
    opened,
    times,
)
from hardtack.limits import Limits

KERNEL: Final = (
    Guest(
        "random",
        "processor time in the kernel",
        "asks for 48 MiB of random bytes, again and again",
        "(drop (memory.grow (i32.const 800)))" + for_ever(call("random_get", 262144, 48 << 20)),
        ("cpu",),
    ),
    Guest(
        "yield", "processor time in the kernel", "yields without end", for_ever(call("sched_yield")), ("cpu",)
    ),
    Guest(
        "nothing",
        "processor time in the kernel",
        "writes 1,024 empty buffers, again and again",
        for_ever(call("fd_write", 1, LIST, 1024, 8)),
        ("cpu",),
    ),
    Guest(
        "large-reads",
        "processor time in the kernel",
        "reads 64 KiB again and again",
        f"(drop {opened(TEXT, 5)})" + WRITE_DATA + for_ever(call("fd_pread", load(OUT), LIST, 1, 0, 8)),
        ("cpu",),
        b"given",
    ),
    Guest(
        "small-listing",
        "processor time in the kernel",
        "lists a directory of 1,000 names by a buffer of 32 bytes",
        times(1000, f"(call $next) (drop {call('path_create_directory', 3, NEXT, 8)})")
        + for_ever(call("fd_readdir", 3, DATA, 32, 0, OUT), call("fd_readdir", 3, DATA, 65536, 0, OUT)),
        ("cpu",),
    ),
    Guest(
        "no-program",
        "processor time in the kernel",
        "starts a program that is not there",
        for_ever(call("spawn", NAME, 3, 0, 0, 0, 0, 0, 0, 0, 0, OUT)),
        ("cpu",),
    ),
    Guest(
        "spawn-and-wait",
        "processor time in the kernel",
        "starts programs and waits for them",
        for_ever(
            call("spawn", TEXT, 9, 0, 0, 0, 0, 0, 0, 0, 0, OUT),
            call("waitpid", (1 << 32) - 1, 0, OUT, OUT + 8),
        ),
        ("cpu",),
        b"/bin/true",
    ),
    Guest(
        "arguments-again",
        "processor time in the kernel",
        "asks for its arguments without end",
        for_ever(call("args_get", DATA, DATA + 4096)),
        ("cpu",),
    ),
    Guest(
        "sync", "processor time in the kernel", "syncs without end", for_ever(call("fd_sync", 3)), ("cpu",)
    ),
)
MEMORY: Final = (
    Guest(
        "grow-at-once",
        "memory",
        "grows its memory by 4 GiB at once",
        f"(if (i32.eq (memory.grow (i32.const 65532)) (i32.const -1)) (then {leave('(i32.const 48)')}))",
        (ENOMEM,),
    ),
    Guest(
        "grow-slowly",
        "memory",
        "grows its memory page by page",
        "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))"
        + leave("(i32.const 48)"),
        (ENOMEM,),
    ),
    Guest(
        "fill",
        "memory",
        "fills 48 MiB without end",
        "(drop (memory.grow (i32.const 800))) (loop $again "
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 50331648)) (br $again))",
        ("cpu",),
    ),
    Guest("large-from-the-start", "memory", "begins with 1.5 GiB", "(nop)", ("memory",), memory="24576"),
    Guest(
        "large-table",
        "memory",
        "begins with a table of a million elements",
        "(nop)",
        ("table_elements",),
        module_fields="(table 1000000 funcref)",
        limits=Limits(table_elements=1000),
    ),
    Guest(
        "beyond",
        "memory",
        "stores past the end of its memory",
        "(i32.store (i32.const 0x7fffffff) (i32.const 1))",
        (TRAPPED,),
    ),
    Guest(
        "segment",
        "memory",
        "has a data segment past the end of its memory",
        "(nop)",
        (NOT_STARTED,),
        module_fields='(data (i32.const 0x7fffffff) "x")',
    ),
)
RECURSION: Final = (
    Guest(
        "for-ever-down",
        "recursion",
        "calls itself without end",
        "(call $down)",
        (TRAPPED,),
        module_fields="(func $down (call $down) (call $down))",
    ),
    Guest(
        "indirectly",
        "recursion",
        "calls itself through a table",
        "(call $down)",
        (TRAPPED,),
        module_fields="(table 1 funcref) (elem (i32.const 0) $down)"
        "(func $down (call_indirect (i32.const 0)) (nop))",
    ),
    Guest(
        "with-calls",
        "recursion",
        "makes a system call at each depth",
        "(call $down)",
        (TRAPPED,),
        module_fields=f"(func $down (drop {call('sched_yield')}) (call $down) (nop))",
    ),
    Guest(
        "large-frames",
        "recursion",
        "calls itself with many locals",
        "(call $down (i64.const 1))",
        (TRAPPED,),
        module_fields="(func $down (param i64) (local i64 i64 i64 i64 i64 i64 i64 i64)"
        "(local.set 1 (i64.mul (local.get 0) (i64.const 3)))"
        "(call $down (local.get 1)) (call $down (local.get 1)))",
    ),
    Guest(
        "no-start",
        "recursion",
        "calls itself in its start function",
        "(nop)",
        (TRAPPED,),
        module_fields="(func $down (call $down) (nop)) (start $down)",
    ),
)
