"""Hostile guests, and the words that they are written with, in WebAssembly's text format."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import wasmtime

from hardtack.kernel.system_calls import TABLE, by_name
from hardtack.limits import NO_LIMITS, Limits

TRAPPED, KILLED, NOT_STARTED = 134, 137, 127

USUAL: Final = Limits(
    heap="4 MiB", memory="64 MiB", cpu=0.2, wall=10, descriptors=200, output="64 KiB", disk="1 MiB",
    processes=20,
)  # fmt: skip
_TYPES: Final = {"i": "i32", "I": "i64"}
WIDE: Final = 1 << 64

# Where things lie in a guest's memory.
NAME: Final = 1024  # "hog"
NEXT: Final = 2048  # eight letters, others after each `(call $next)`
TEXT: Final = 3072  # a guest's own
OUT: Final = 512
LIST: Final = 65536  # 2 pages of lists: subscriptions, buffers
DATA: Final = 196608  # a page of bytes


@dataclass(frozen=True, slots=True)
class Guest:
    """One hostile guest.

    Attributes:
        name: what it is called.
        attacks: the thing that it attacks.
        what: what it does, in words.
        body: its `_start`, as text.
        ends: how it may: exit codes, or names of the limit that ends it.
        text: bytes at TEXT.
        limits: those that differ from USUAL.
        module_fields: what the module has besides; it may replace the usual memory.
        memory: its memory, as text.
    """

    name: str
    attacks: str
    what: str
    body: str
    ends: tuple[int | str, ...]
    text: bytes = b""
    limits: Limits = field(default=NO_LIMITS)
    module_fields: str = ""
    memory: str = "4"

    def module(self) -> bytes:
        """Return it as a module, which imports the calls that it makes."""
        whole = self.body + self.module_fields
        imports = "".join(
            _import(row.name) for row in TABLE if f"${row.name} " in f"{whole} ".replace(")", " ")
        )
        return bytes(
            wasmtime.wat2wasm(
                f"""(module {imports}
                  (memory (export "memory") {self.memory})
                  (data (i32.const {NAME}) "hog")
                  (data (i32.const {TEXT}) "{_escaped(self.text)}")
                  (global $n (mut i32) (i32.const 0))
                  {_NEXT} {self.module_fields}
                  (func (export "_start") (local $e i32) (local $i i32) {self.body}))"""
            )
        )


_NEXT: Final = f"""(func $next (local $k i32)
  (global.set $n (i32.add (global.get $n) (i32.const 1)))
  (loop $letters
    (i32.store8 (i32.add (i32.const {NEXT}) (local.get $k)) (i32.add (i32.const 97)
      (i32.and (i32.shr_u (global.get $n) (i32.mul (local.get $k) (i32.const 4))) (i32.const 15))))
    (local.set $k (i32.add (local.get $k) (i32.const 1)))
    (br_if $letters (i32.lt_u (local.get $k) (i32.const 8)))))"""


def _import(name: str) -> str:
    row = by_name(name)
    types = " ".join(_TYPES[letter] for letter in row.signature)
    result = "" if name == "proc_exit" else "(result i32)"
    return f'(import "{row.module}" "{name}" (func ${name} (param {types}) {result}))'


def _escaped(data: bytes) -> str:
    return re.sub(rb"[^ -!#-\[\]-~]", lambda found: b"\\%02x" % found[0][0], data).decode()


def call(name: str, *arguments: int | str) -> str:
    """Return the text of a call; arguments are numbers, or text."""
    parts = [f"(call ${name}"]
    for letter, argument in zip(by_name(name).signature, arguments, strict=True):
        parts.append(argument if isinstance(argument, str) else f"({_TYPES[letter]}.const {argument})")
    return " ".join(parts) + ")"


def leave(expression: str) -> str:
    """Return the text of exiting with what an expression gives."""
    return call("proc_exit", expression)


def repeat(*steps: str) -> str:
    """Return the text of doing steps in turn until the last gives an errno; exit with that."""
    return (
        f"(loop $again {' '.join(steps[:-1])} (local.set $e {steps[-1]})"
        " (br_if $again (i32.eqz (local.get $e))))" + leave("(local.get $e)")
    )


def for_ever(*steps: str) -> str:
    """Return the text of doing steps in turn, without end; what they answer is dropped."""
    return f"(loop $again {' '.join(f'(drop {step})' for step in steps)} (br $again))"


def times(count: int, step: str) -> str:
    """Return the text of doing a step so often, whatever it answers; $i counts from 0."""
    return (
        f"(local.set $i (i32.const 0)) (loop $times {step}"
        " (local.set $i (i32.add (local.get $i) (i32.const 1)))"
        f"(br_if $times (i32.lt_u (local.get $i) (i32.const {count}))))"
    )


def set32(address: int, value: int | str) -> str:
    """Return the text of storing a number, or an expression."""
    return f"(i32.store (i32.const {address}) {value if isinstance(value, str) else f'(i32.const {value})'})"


def set64(address: int, value: int) -> str:
    """Return the text of storing a long number."""
    return f"(i64.store (i32.const {address}) (i64.const {value}))"


def load(address: int) -> str:
    """Return the text of loading a number."""
    return f"(i32.load (i32.const {address}))"


def opened(path: int, size: int, oflags: int = 0, rights: int = 2, fd: int | str = 3, flags: int = 0) -> str:
    """Return the text of opening a path; the descriptor is at OUT, and passes its rights on."""
    return call("path_open", fd, 1, path, size, oflags, rights, rights, flags, OUT)


def buffer(address: int, start: int, size: int) -> str:
    """Return the text of writing one buffer's place and size."""
    return set32(address, start) + set32(address + 4, size)


def clock_at(address: int, nanoseconds: int, flags: int = 0, clock: int = 1) -> str:
    """Return the text of writing a subscription to a clock."""
    return set32(address + 16, clock) + set64(address + 24, nanoseconds) + set32(address + 40, flags)


CREATE: Final = opened(NEXT, 8, 1, 64)
WRITE_DATA: Final = buffer(LIST, DATA, 65536)
NONBLOCK: Final = 4  # fdflags
EVERYTHING: Final = 0x1FFFFFFF
STREAM: Final = 6  # a socket's kind
UNIX: Final = 3  # and its domain
