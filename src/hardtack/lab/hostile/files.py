"""Hostile guests that attack paths, output and files."""

from __future__ import annotations

from typing import Final

from hardtack.kernel.abi import (
    EFBIG,
    EINVAL,
    ELOOP,
    EMFILE,
    ENAMETOOLONG,
    ENOSPC,
    ENOTDIR,
    EPERM,
    EROFS,
    ESPIPE,
)
from hardtack.lab.hostile.guest import (
    EVERYTHING,
    LIST,
    NAME,
    OUT,
    TEXT,
    WIDE,
    WRITE_DATA,
    Guest,
    buffer,
    call,
    for_ever,
    leave,
    load,
    opened,
    repeat,
    times,
)
from hardtack.limits import Limits

PATHS: Final = (
    Guest(
        "climb",
        "paths",
        "opens ../../../... up to the host's root",
        leave(opened(TEXT, 3 * 1000 + 10)),
        (EPERM,),
        b"../" * 1000 + b"etc/passwd",
    ),
    Guest("absolute", "paths", "opens /etc/passwd", leave(opened(TEXT, 11)), (EPERM,), b"/etc/passwd"),
    Guest(
        "absolute-link",
        "paths",
        "makes a link to /etc/passwd",
        leave(call("path_symlink", TEXT, 11, 3, NAME, 3)),
        (EPERM,),
        b"/etc/passwd",
    ),
    Guest(
        "link-that-climbs",
        "paths",
        "follows a link to ../../etc/passwd",
        f"(drop {call('path_symlink', TEXT, 16, 3, NAME, 3)})" + leave(opened(NAME, 3)),
        (EPERM,),
        b"../../etc/passwd",
    ),
    Guest(
        "through-proc",
        "paths",
        "climbs out by /proc",
        leave(opened(TEXT, 30)),
        (ENOTDIR,),
        b"proc/self/fd/3/../../../../../"[:30],
    ),
    Guest(
        "link-to-itself",
        "paths",
        "follows a link that leads to itself",
        f"(drop {call('path_symlink', NAME, 3, 3, NAME, 3)})" + leave(opened(NAME, 3)),
        (ELOOP,),
    ),
    Guest(
        "link-bomb",
        "paths",
        "follows links that double the path twelve times",
        "".join(f"(drop {call('path_symlink', TEXT + 8 * k, 5, 3, TEXT + 8 * k + 6, 2)})" for k in range(12))
        + leave(opened(TEXT + 8 * 11 + 6, 2)),
        (ELOOP, ENAMETOOLONG),
        b"././.\0a." + b"".join(b"%c./%c.\0%c." % (96 + k, 96 + k, 97 + k) for k in range(1, 12)),
    ),
    Guest(
        "slashes",
        "paths",
        "walks a path of slashes and dots, without end",
        for_ever(call("path_filestat_get", 3, 0, TEXT, 4000, OUT)),
        ("cpu",),
        b"./" * 2000,
    ),
    Guest(
        "too-long",
        "paths",
        "opens a path of 4,097 bytes",
        leave(opened(TEXT, 4097)),
        (ENAMETOOLONG,),
        b"a/" * 2049,
    ),
    Guest(
        "deep",
        "paths",
        "makes a directory in a directory, as deep as goes",
        "(local.set $e (i32.const 3)) (loop $again "
        f"(if {call('path_create_directory', '(local.get $e)', NAME, 3)} (then {leave('(i32.const 51)')}))"
        f"(if {opened(NAME, 3, 2, EVERYTHING, '(local.get $e)')}"
        f" (then {leave('(i32.const 33)')}))"
        f"(local.set $e {load(OUT)}) (br $again))",
        (EMFILE,),
    ),
    Guest(
        "kill-others",
        "paths",
        "writes to /proc/PID/kill of everybody else",
        times(
            40,
            "(i32.store8 (i32.const 3077) (i32.add (i32.const 48) (i32.rem_u (local.get $i) (i32.const 10))))"
            + f"(drop {opened(TEXT, 11, 0, 64)})"
            + buffer(LIST, NAME, 1)
            + f"(drop {call('fd_write', load(OUT), LIST, 1, 8)})",
        )
        + leave("(i32.const 0)"),
        (0,),
        b"proc/1/kill",
    ),
    Guest(
        "change-proc",
        "paths",
        "removes and makes names in /proc",
        f"(drop {call('path_create_directory', 3, TEXT, 6)})" + leave(call("path_unlink_file", 3, TEXT, 11)),
        (EROFS,),
        b"proc/self/x",
    ),
)
OUTPUT: Final = (
    Guest(
        "stdout",
        "output",
        "writes 64 KiB at a time",
        WRITE_DATA + repeat(call("fd_write", 1, LIST, 1, 8)),
        (ENOSPC,),
    ),
    Guest(
        "stderr",
        "output",
        "writes to standard error",
        WRITE_DATA + repeat(call("fd_write", 2, LIST, 1, 8)),
        (ENOSPC,),
    ),
    Guest(
        "bytes",
        "output",
        "writes a byte at a time",
        buffer(LIST, NAME, 1) + repeat(call("fd_write", 1, LIST, 1, 8)),
        (ENOSPC,),
        limits=Limits(output="1 KiB"),
    ),
    Guest(
        "in-pieces",
        "output",
        "writes 1,024 buffers of 64 KiB at a time",
        times(
            1024,
            "(i64.store (i32.add (i32.const 65536) (i32.shl (local.get $i) (i32.const 3)))"
            " (i64.const 0x1000000030000))",
        )
        + repeat(call("fd_write", 1, LIST, 1024, 8)),
        (ENOSPC,),
    ),
    Guest(
        "seek-output",
        "output",
        "seeks in its output and writes over it",
        leave(call("fd_seek", 1, 0, 0, OUT)),
        (ESPIPE,),
    ),
)
FILES: Final = (
    Guest(
        "one-file",
        "the disk",
        "writes one file",
        f"(drop {opened(NAME, 3, 1, 64)})" + WRITE_DATA + repeat(call("fd_write", load(OUT), LIST, 1, 8)),
        (ENOSPC,),
    ),
    Guest(
        "given-file",
        "the disk",
        "lengthens a file that the host put there",
        f"(drop {opened(TEXT, 5, 0, 64 | 4 | 32, flags=1)})"
        + WRITE_DATA
        + repeat(call("fd_write", load(OUT), LIST, 1, 8)),
        (ENOSPC,),
        b"given",
    ),
    Guest(
        "sparse",
        "the disk",
        "writes a byte in each page of a file",
        f"(drop {opened(NAME, 3, 1, 64 | 4)})"
        + buffer(LIST, NAME, 1)
        + repeat(
            "(local.set $i (i32.add (local.get $i) (i32.const 16384)))",
            call("fd_pwrite", load(OUT), LIST, 1, "(i64.extend_i32_u (local.get $i))", 8),
        ),
        (ENOSPC,),
    ),
    Guest(
        "far-away",
        "the disk",
        "writes a byte at 2^62",
        f"(drop {opened(NAME, 3, 1, 64 | 4)})"
        + buffer(LIST, NAME, 1)
        + leave(call("fd_pwrite", load(OUT), LIST, 1, 1 << 62, 8)),
        (EFBIG,),
    ),
    Guest(
        "cut-for-ever",
        "the disk",
        "lengthens and cuts a file without end",
        f"(drop {opened(NAME, 3, 1, 1 << 22)})"
        + for_ever(
            call("fd_filestat_set_size", load(OUT), 1 << 37), call("fd_filestat_set_size", load(OUT), 0)
        ),
        ("cpu",),
    ),
    Guest(
        "too-large",
        "the disk",
        "gives a file a size of 2^64 - 1",
        f"(drop {opened(NAME, 3, 1, 1 << 22)})" + leave(call("fd_filestat_set_size", load(OUT), WIDE - 1)),
        (EINVAL,),
    ),
)
