"""Guests that take what they can get, for every host of preview1: each attacks one thing.

They are written by hand in WebAssembly's text format, import nothing but preview1, and find a directory that
they may write to as descriptor 3. One that is refused ends by itself: with status 0, or with the errno.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import wasmtime

if TYPE_CHECKING:
    from collections.abc import Mapping

MIB: Final = 1 << 20
_IMPORTS: Final = """
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))"""

# Grow the memory to so many pages, or exit with 48, preview1's ENOMEM.
_GROW: Final = (
    "(if (i32.lt_s (memory.grow (i32.const {pages})) (i32.const 0)) (then (call $exit (i32.const 48))))"
)


@dataclass(frozen=True, slots=True)
class Attack:
    """One guest.

    Attributes:
        name: what it is called.
        what: what it does, for people.
        body: its `_start`, as text.
        locals: of that.
        arguments: how many arguments it is started with.
    """

    name: str
    what: str
    body: str
    locals: str = ""
    arguments: int = 0

    def module(self) -> bytes:
        """Return it as a module."""
        return bytes(
            wasmtime.wat2wasm(
                f"""(module {_IMPORTS}
                  (memory (export "memory") 16)
                  (table $table 1 funcref)
                  (data (i32.const 1024) "hog")
                  (func (export "_start") {self.locals} {self.body}))"""
            )
        )


_ATTACKS: Final = (
    Attack(
        "descriptors",
        "opens files and closes none",
        """(loop $again
             (local.set $errno (call $open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 3)
                (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8)))
             (br_if $again (i32.eqz (local.get $errno))))
           (call $exit (local.get $errno))""",
        "(local $errno i32)",
    ),
    Attack(
        "memory",
        "grows its memory and writes to every page",
        """(loop $again
             (if (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0))
               (then (i32.store (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 8)) (i32.const 1))
                     (br $again))))
           (call $exit (i32.const 48))""",
    ),
    Attack(
        "output",
        "writes to standard output for ever",
        """(i32.store (i32.const 0) (i32.const 4096)) (i32.store (i32.const 4) (i32.const 65536))
           (loop $again
             (local.set $errno (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
             (br_if $again (i32.eqz (local.get $errno))))
           (call $exit (local.get $errno))""",
        "(local $errno i32)",
    ),
    Attack(
        "sleep",
        "sleeps for 60 seconds",
        """(i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 60000000000))
           (call $exit (call $poll (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 512)))""",
    ),
    Attack("loop", "loops for ever", "(loop $again (br $again))"),
    Attack(
        "arguments",
        "is started with a million arguments",
        "(call $exit (call $sizes (i32.const 0) (i32.const 4)))",
        arguments=1_000_000,
    ),
    Attack(
        "poll",
        "polls 40 million subscriptions",
        _GROW.format(pages=29_400)
        + "(call $exit (call $poll (i32.const 0) (i32.const 0) (i32.const 40000000) (i32.const 1048576)))",
    ),
    Attack(
        "vectors",
        "writes 250 million empty buffers in one call",
        _GROW.format(pages=30_600)
        + "(call $exit (call $write (i32.const 1) (i32.const 4096) (i32.const 250000000) (i32.const 0)))",
    ),
    Attack(
        "path",
        "opens a path of 1 GB",
        _GROW.format(pages=15_400)
        + """(call $exit (call $open (i32.const 3) (i32.const 0) (i32.const 4096) (i32.const 1000000000)
             (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))""",
    ),
    Attack(
        "table",
        "grows a table of its by a million elements at a time",
        """(loop $again (br_if $again (i32.ge_s
             (table.grow $table (ref.null func) (i32.const 1000000)) (i32.const 0))))
           (call $exit (i32.const 48))""",
    ),
)

ATTACKS: Final[Mapping[str, Attack]] = {attack.name: attack for attack in _ATTACKS}
"""Every attack by its name."""
