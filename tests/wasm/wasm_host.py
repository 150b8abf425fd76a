"""A host for small guests: an engine with a table of fake host functions, written for these tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from wasmtime import wat2wasm

from hardtack.kernel.guest import UserMemory
from hardtack.wasm.binary import read_outline
from hardtack.wasm.engine import Engine, make_trap
from hardtack.wasm.imports import RESULT, WAIT, CallPage, EntrySpec
from hardtack.wasm.modules import CompiledModule, Image

MIB = 1 << 20
PAGE = 65536

IMPORTS = """
  (import "test" "nine" (func $nine (param i32 i64 i32 i64 i32 i64 i32 i32 i64) (result i32)))
  (import "test" "ok" (func $ok (param i32) (result i32)))
  (import "test" "wait" (func $wait (param i32 i32) (result i32)))
  (import "test" "trap" (func $trap (result i32)))
  (import "test" "raise" (func $raise (result i32)))
  (import "test" "nop" (func $nop (result i32)))
  (import "test" "mute" (func $mute (result i32)))
  (import "test" "ask" (func $ask (result i32)))
  (import "test" "exit" (func $exit (param i32)))
"""


class Faulty(UserMemory):
    """A budget that raises."""

    error: BaseException | None = None

    def take(self, count):
        if self.error is not None and count == PAGE:
            raise self.error
        return super().take(count)


class Process:
    """What an engine must know of a process."""

    def __init__(self):
        self.memory = memoryview(b"")
        self.user_memory = None


@dataclass
class Ended:
    turns: int
    failure: str | None
    sizes: list[int] = field(default_factory=list)


class Host:
    """An engine, its budget and its fake host functions."""

    def __init__(self, capacity=64 * MIB, quantum=10_000):
        self.page = CallPage()
        self.slots = self.page.slots
        self.user_memory = UserMemory(capacity)
        self.calls = []
        self.on_ask = lambda: 0
        self.exit_waits = 0
        self.waits = {}
        self.engine = Engine(
            [
                EntrySpec("test", "nine", "iIiIiIiiI", True, self.nine),
                EntrySpec("test", "ok", "i", True, self.ok),
                EntrySpec("test", "wait", "ii", True, self.wait),
                EntrySpec("test", "trap", "", True, lambda: make_trap(b"the reactor is too hot")),
                EntrySpec("test", "raise", "", True, self.raise_),
                EntrySpec("test", "nop", "", True, self.nop),
                EntrySpec("test", "mute", "", True, lambda: 0),
                EntrySpec("test", "ask", "", True, self.ask),
                EntrySpec("test", "exit", "i", False, self.exit),
            ],
            self.user_memory,
            page=self.page,
            quantum=quantum,
        )

    def nine(self):
        self.calls.append(list(self.slots[:9]))
        self.slots[RESULT] = 0xFFFF_FFFF
        return 0

    def ok(self):
        self.calls.append(self.slots[0])
        self.slots[RESULT] = self.slots[0]
        return 0

    def wait(self):
        """wait(key, k): answers WAIT k times, then k."""
        key, times = self.slots[0], self.slots[1]
        self.calls.append((key, times))
        count = self.waits[key] = self.waits.get(key, 0) + 1
        self.slots[RESULT] = times if count > times else WAIT
        return 0

    def raise_(self):
        raise ValueError("a bug in a host function")

    def nop(self):
        self.slots[RESULT] = 0
        return 0

    def ask(self):
        self.slots[RESULT] = self.on_ask()
        return 0

    def exit(self):
        self.exit_waits -= 1
        self.slots[RESULT] = WAIT if self.exit_waits >= 0 else 0
        self.calls.append(("exit", self.slots[0]))
        return 0

    def image(self, body, memory='(memory (export "memory") 1)', more=""):
        """Compile a program whose _start has this body."""
        text = f'(module {IMPORTS} {memory} {more} (func $_start (export "_start") {body}))'
        return self.image_of(bytes(wat2wasm(text)))

    def image_of(self, data, name="test"):
        return Image(self.engine, CompiledModule(self.engine.compile(data), read_outline(data), ""), name)

    def run(self, image, process=None):
        """Run a program to its end."""
        process = process or Process()
        guest = image.start(process)
        ended = Ended(1, None)
        while not guest.resume():
            ended.turns += 1
            ended.sizes.append(len(process.memory))
        ended.sizes.append(len(process.memory))
        ended.failure = guest.failure()
        guest.close()
        return ended


def mappings():
    """How many mappings this process has."""
    return len(Path("/proc/self/maps").read_text().splitlines())
