"""Hostile guests that take what the kernel gives out: its heap, descriptors, names."""

from __future__ import annotations

from typing import Final

from hardtack.kernel.abi import EBADF, EILSEQ, EINVAL, EMFILE, ENAMETOOLONG, ENOSPC, ENOTDIR
from hardtack.lab.hostile.guest import (
    CREATE,
    DATA,
    LIST,
    NAME,
    NEXT,
    NONBLOCK,
    OUT,
    STREAM,
    TEXT,
    UNIX,
    WRITE_DATA,
    Guest,
    call,
    for_ever,
    leave,
    load,
    opened,
    repeat,
    times,
)
from hardtack.limits import Limits

HEAP: Final = (
    Guest(
        "open-files",
        "the heap",
        "opens one file again and again",
        repeat(opened(NAME, 3, 1)),
        ("heap",),
        limits=Limits(heap="512 KiB", descriptors=100_000),
    ),
    Guest(
        "pipes",
        "the heap",
        "makes pipes",
        repeat(call("pipe", OUT)),
        ("heap",),
        limits=Limits(heap="512 KiB", descriptors=100_000),
    ),
    Guest(
        "full-pipes",
        "the heap",
        "makes pipes and fills them",
        WRITE_DATA
        + repeat(
            f"(drop {call('pipe', OUT)})",
            f"(drop {call('fd_fdstat_set_flags', load(OUT + 4), NONBLOCK)})",
            f"(drop {call('fd_write', load(OUT + 4), LIST, 1, 8)})",
            "(i32.const 0)",
        ),
        ("heap",),
        limits=Limits(descriptors=100_000),
    ),
    Guest(
        "socket-pairs",
        "the heap",
        "makes pairs of sockets",
        repeat(call("socketpair", UNIX, STREAM, OUT)),
        ("heap",),
        limits=Limits(heap="512 KiB", descriptors=100_000),
    ),
    Guest(
        "sockets",
        "the heap",
        "makes sockets",
        repeat(call("socket", UNIX, STREAM, OUT)),
        ("heap",),
        limits=Limits(heap="512 KiB", descriptors=100_000),
    ),
    Guest(
        "duplicates",
        "the heap",
        "duplicates a descriptor",
        repeat(call("dup", 1, OUT)),
        ("heap",),
        limits=Limits(heap="200 KiB", cpu=2, wall=10, descriptors=1_000_000),
    ),
    Guest(
        "listings",
        "the heap",
        "opens a directory again and again",
        repeat(opened(TEXT, 1)),
        ("heap",),
        b".",
        limits=Limits(heap="512 KiB", descriptors=100_000),
    ),
)
DESCRIPTORS: Final = (
    Guest(
        "descriptor-limit",
        "descriptors",
        "opens more files than it may",
        repeat(opened(NAME, 3, 1)),
        (EMFILE,),
    ),
    Guest("pipe-limit", "descriptors", "makes more pipes than it may", repeat(call("pipe", OUT)), (EMFILE,)),
    Guest(
        "dup2-beyond",
        "descriptors",
        "duplicates onto descriptor 2^32 - 1",
        leave(call("dup2", 1, (1 << 32) - 1)),
        (EBADF,),
    ),
    Guest(
        "dup2-last",
        "descriptors",
        "duplicates onto the last number a table has",
        leave(call("dup2", 1, 64**3 - 1)),
        (0,),
    ),
    Guest(
        "close-all",
        "descriptors",
        "closes everything that it has, and goes on",
        times(64, f"(drop {call('fd_close', '(local.get $i)')})") + leave(opened(NAME, 3, 1)),
        (EBADF,),
    ),
    Guest(
        "close-twice",
        "descriptors",
        "closes one descriptor twice",
        f"(drop {opened(NAME, 3, 1)}) (drop {call('fd_close', load(OUT))})"
        + leave(call("fd_close", load(OUT))),
        (EBADF,),
    ),
    Guest(
        "renumber-root",
        "descriptors",
        "moves a file onto its root, and opens from there",
        f"(drop {opened(NAME, 3, 1)}) (drop {call('fd_renumber', load(OUT), 3)})" + leave(opened(NAME, 3)),
        (ENOTDIR,),
    ),
    Guest(
        "unlinked",
        "descriptors",
        "keeps files open that have no name",
        "(loop $again (call $next) "
        f"(local.set $e {CREATE}) (if (local.get $e) (then {leave('(local.get $e)')}))"
        f"(drop {call('path_unlink_file', 3, NEXT, 8)}) (br $again))",
        (EMFILE,),
    ),
    Guest(
        "lowest-numbers",
        "descriptors",
        "opens and closes at the limit, without end",
        f"{times(300, f'(drop {opened(NAME, 3, 1)})')}"
        + for_ever(call("fd_close", 100), opened(NAME, 3), opened(NAME, 3)),
        ("cpu",),
    ),
)
NAMES: Final = (
    Guest(
        "empty-files",
        "names",
        "makes empty files",
        repeat("(call $next)", f"(drop {call('fd_close', 4)})", CREATE),
        (ENOSPC,),
    ),
    Guest(
        "directories",
        "names",
        "makes directories",
        repeat("(call $next)", call("path_create_directory", 3, NEXT, 8)),
        (ENOSPC,),
    ),
    Guest(
        "long-links",
        "names",
        "makes symbolic links with targets of 4 KB",
        repeat("(call $next)", call("path_symlink", TEXT, 4000, 3, NEXT, 8)),
        (ENOSPC,),
        b"x/" * 2000,
    ),
    Guest(
        "hard-links",
        "names",
        "makes hard links to a file that the host put there",
        repeat("(call $next)", call("path_link", 3, 0, TEXT, 5, 3, NEXT, 8)),
        (ENOSPC,),
        b"given",
    ),
    Guest(
        "endless-listing",
        "names",
        "makes a name for each that it lists",
        repeat(
            "(call $next)",
            f"(drop {call('fd_readdir', 3, DATA, 4096, '(i64.extend_i32_u (global.get $n))', OUT)})",
            call("path_create_directory", 3, NEXT, 8),
        ),
        (ENOSPC,),
        limits=Limits(disk="128 KiB", cpu=5),
    ),
    Guest(
        "long-name",
        "names",
        "makes a name of 256 bytes",
        leave(call("path_create_directory", 3, TEXT, 256)),
        (ENAMETOOLONG,),
        b"n" * 256,
    ),
    Guest(
        "nul-name",
        "names",
        "makes a name with NUL in it",
        leave(call("path_create_directory", 3, TEXT, 3)),
        (EINVAL,),
        b"a\0b",
    ),
    Guest(
        "no-text",
        "names",
        "makes a name that is not UTF-8",
        leave(call("path_create_directory", 3, TEXT, 3)),
        (EILSEQ,),
        b"a\xff\xfe",
    ),
    Guest(
        "socket-names",
        "names",
        "binds sockets to names without end",
        "(i32.store16 (i32.const 2046) (i32.const 3))"
        + repeat(
            "(call $next)",
            f"(drop {call('socket', UNIX, STREAM, OUT)})",
            call("bind", load(OUT), NEXT - 2, 10),
        ),
        ("heap",),
        limits=Limits(heap="512 KiB", descriptors=100_000),
    ),
    Guest(
        "rename-for-ever",
        "names",
        "renames a directory to and fro",
        f"(drop {call('path_create_directory', 3, NAME, 3)})"
        + for_ever(call("path_rename", 3, NAME, 3, 3, NAME, 2), call("path_rename", 3, NAME, 2, 3, NAME, 3)),
        ("cpu",),
    ),
    Guest(
        "into-itself",
        "names",
        "moves a directory into itself",
        f"(drop {call('path_create_directory', 3, TEXT, 1)})"
        + leave(call("path_rename", 3, TEXT, 1, 3, TEXT, 3)),
        (EINVAL,),
        b"d/d",
    ),
)
