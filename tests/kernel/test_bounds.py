"""No system call ever takes more than its bound; what was measured stands beside what the bounds allow.

`hardtack lab bounds` prints the table.
"""

from __future__ import annotations

import gc
import os
import struct
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wasmtime import wat2wasm

from hardtack.heap import Heap
from hardtack.kernel import abi
from hardtack.kernel import host as host_module
from hardtack.kernel.directories import ADD_BYTES, Directory, place
from hardtack.kernel.files import PAGE_STEP_BYTES, File
from hardtack.kernel.host import Host
from hardtack.kernel.inodes import Inode, Owner
from hardtack.kernel.memory_files import CREATE_BYTES
from hardtack.kernel.params import BUCKET, FAN, FIRST_PAGES, PAGE, SCHEDULER_BYTES, START_BYTES
from hardtack.kernel.streams import Capture, HostStream, Source
from hardtack.kernel.system_calls import TABLE, Row
from hardtack.lab.machine import ledger, worst_cases
from hardtack.lab.machine.driver import KIB, MIB, READ, ROOT, Calls, Machine, nothing
from hardtack.runtime.kernel import Kernel

NUMBERS_PEAK = 600  # as `abi` states it

pytestmark = pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer allocates inside the calls")


@pytest.fixture(scope="module")
def measured() -> ledger.Ledger:
    return ledger.measure(range(8), 2500)


# -- the table
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_no_call_takes_more_than_its_bound(measured: ledger.Ledger, row: Row) -> None:
    assert measured.entries[row.name].calls >= 100
    assert [line for line in measured.overruns if f" {row.name}(" in line] == []


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_bound_is_within_reach_of_the_worst_that_was_measured(measured: ledger.Ledger, row: Row) -> None:
    entry = measured.entries[row.name]
    assert entry.bound <= max(3 * entry.peak, 4_000)


def test_the_largest_bounds_are_tight(measured: ledger.Ledger) -> None:
    loose = {
        name: (entry.row.maximum, entry.peak)
        for name, entry in measured.entries.items()
        if entry.row.maximum > 20_000 and entry.row.maximum > 1.6 * entry.peak
    }
    assert loose == {}


_ARGUMENT = st.one_of(
    st.sampled_from([0, 1, 126, 127, 128, 4096, 65535, 65536, 1 << 20, (1 << 32) - 1, (1 << 64) - 1]),
    st.integers(0, (1 << 64) - 1),
)


@settings(deadline=None)
@given(data=st.data(), row=st.sampled_from(TABLE), environment=st.integers(0, 128 * KIB - 1))
def test_no_arguments_make_a_bound_exceed_its_maximum(
    data: st.DataObject, row: Row, environment: int
) -> None:
    class Stand:
        memory = memoryview(data.draw(st.binary(max_size=64)) * 64)

    stand = Stand()
    stand.environment = stand.arguments = bytes(environment)
    arguments = [
        data.draw(_ARGUMENT) & ((1 << 64) - 1 if kind == "I" else (1 << 32) - 1) for kind in row.signature
    ]
    assert 0 < row.step_bound(stand, *arguments) <= row.bound(stand, *arguments) <= row.maximum


def test_the_numbers_of_the_table_count_up() -> None:
    assert [row.number for row in TABLE] == list(range(len(TABLE)))
    assert len({row.name for row in TABLE}) == len(TABLE)


# -- the steps that system calls are made of
class Steps:
    """Measures, in a heap, what steps take at their peak and what they keep."""

    def __init__(self) -> None:
        gc.collect()
        self.heap = Heap(256 * MIB, name="steps")
        self.most = 0
        self.kept = 0

    def measure(self, function, *arguments):
        self.heap.reset_peak()
        before = self.heap.live
        result = self.heap.run(function, *arguments)
        self.most = max(self.most, self.heap.peak - before)
        self.kept = max(self.kept, self.heap.live - before)
        return result


def _write(file: File, position: int, memory: memoryview, size: int) -> None:
    leaf = file.make_leaf(position // PAGE)
    file.make_leaf((position + size + 3 * PAGE) // PAGE)  # as for a write of more pages
    file.write_page(leaf, position, memory, 0, size)


def test_no_page_of_a_file_takes_more_than_a_pages_step() -> None:
    steps = Steps()
    memory = memoryview(bytearray(2 * PAGE))
    edges = [
        FAN**level * times * PAGE + before
        for level in range(4)
        for times in (1, 2, 63)
        for before in (0, -PAGE)
    ]
    for start in [0, *edges]:
        for size in [1, *FIRST_PAGES, 64, 65, 512, 513]:
            file = steps.heap.run(File, 5, 0, Owner())
            for position in (start, 0, *edges[::-1], start, 1, 127, 1023, 4095):
                gc.collect()
                steps.measure(_write, file, position, memory, size)
    assert steps.most <= PAGE_STEP_BYTES <= 1.3 * steps.most


def _add_copy(directory: Directory, name: bytes, inode: Inode) -> bool:
    return directory.add(bytes(memoryview(name)), inode)


def test_no_name_takes_a_directory_more_than_adding_is_said_to() -> None:
    steps = Steps()
    inode = Inode(300, 0, Owner())
    for ways in (
        {0: 7, 1: 11, 2: 11, 3: 11},
        {0: 25, 1: 11, 2: 2, 3: 2},
        {0: 10, 1: 10, 2: 10, 3: 10},
        {0: 21, 1: 11, 2: 8},
        {0: 39, 1: 1},
    ):
        assert sum(ways.values()) == BUCKET
        names = worst_cases.names_in({**ways, 0: ways[0] + 1})
        names.sort(key=lambda name: place(name) >> 58 == 0)  # the last goes to way 0
        directory = steps.heap.run(Directory, 1, 0, Owner(), 1)
        for name in names[:-1]:
            assert steps.measure(directory.add, name, inode)
        gc.collect()
        assert steps.measure(_add_copy, directory, names[-1], inode)
    for rounds in range(30):  # names that come and go leave holes in the leaves' tables
        for name in worst_cases.names(3 * BUCKET)[rounds:]:
            if directory.get(name) is None:
                steps.measure(directory.add, name, inode)
        for name in worst_cases.names(3 * BUCKET)[rounds::2]:
            if directory.get(name) is not None:
                directory.remove(name)
    assert steps.most <= ADD_BYTES <= 1.5 * steps.most


def test_no_new_name_takes_the_file_system_more_than_creating_is_said_to() -> None:
    most = 0
    with Machine(flush=True) as machine:
        heap = machine.system.files.heap
        hand = machine.hand()
        hand.mkdir(b"other")
        other = hand.open_directory(b"other")
        with machine.warm():
            for number in range(4000):
                hand.mkdir(b"%d" % number, at=other)
        for round_ in range(8):
            names = worst_cases.names_in({0: 8, 1: 11, 2: 11, 3: 11})
            names.sort(key=lambda name: place(name) >> 58 == 0)
            hand.mkdir(b"top%d" % round_)
            top = hand.open_directory(b"top%d" % round_)
            with machine.warm():
                for name in names[:-1]:
                    hand.mkdir(name, at=top)
                number = 4000
                while round_ % 2 == 0 and machine.system.files.inodes.lowest_free() % 64:
                    number += 1
                    hand.mkdir(b"%d-%d" % (round_, number), at=other)
                while round_ % 4 == 0 and machine.system.files.inodes.lowest_free() < 4096 * (
                    1 + round_ // 4
                ):
                    number += 1
                    hand.mkdir(b"%d-%d" % (round_, number), at=other)
            heap.reset_peak()
            before = heap.live
            make = (hand.mkdir, lambda name, at: hand.open(name, abi.O_CREAT, READ, at=at))[round_ % 2]
            assert make(names[-1], at=top) >= 0
            most = max(most, heap.peak - before)
    assert most <= CREATE_BYTES + 255 <= 1.8 * most


# -- what the kernel sets aside for itself
class WatchedHost(Host):
    """A host's side that compares each reservation it makes with what was taken of it."""

    steps: list[tuple[str, int, int]]

    def _reserved(self, need, step, *arguments):
        gc.collect()
        result = super()._reserved(need, step, *arguments)
        self.steps.append((step.__name__, need, self.system.heap.last_call()[0]))
        return result


def test_the_host_takes_no_more_than_it_reserves() -> None:
    block = ["x" * 30] * 4000
    with Machine(64 * MIB) as machine:
        machine.host = WatchedHost(machine.system)
        machine.host.steps = []
        for number in range(70):  # over the edge of a node of the process table
            machine.start(_rest, ["name"], streams=_streams if number % 2 else nothing)
        machine.start(_rest, block, block)
        deep = "/".join(["d" * 255] * 15)
        machine.host.write_file(f"{deep}/file", bytes(20 * PAGE))
        for number in range(100):
            machine.host.write_file(f"/{deep}/{'n' * 200}{number}", bytes(200))
        worst: dict[str, float] = {}
        for name, need, used in machine.host.steps:
            assert used <= need, name
            worst[name] = max(worst.get(name, 0), used / need)
        assert worst.keys() == {"create", "_create", "_make_directory", "_place", "write"}
        starts = [used for name, _, used in machine.host.steps if name == "create"]
        assert max(starts[:-1]) * 2.5 >= host_module._CREATE_PROCESS_BYTES
        assert starts[-1] <= max(starts[:-1])  # arguments and environment are in user memory


def _streams(process):
    return [Source(b"in"), Capture(process.group.heap, MIB), HostStream(1)]


def _rest(calls: Calls):
    yield from calls.sleep(1 << 60)


def _busy(calls: Calls):
    for number in range(100):
        yield from calls.open(b"file%d" % number, abi.O_CREAT)
        yield from calls.open_directory(b".")
        yield from calls.pipe()


def _turns(machine: Machine) -> list[int]:
    """Note from now on what each turn takes of the scheduler's own reservation."""
    taken: list[int] = []
    heap = machine.system.scheduler_heap
    live = heap.live

    def note(_process) -> None:
        nonlocal live
        taken.append(heap.peak - live)
        if len(taken) % 16 == 0:
            gc.collect()
        heap.reset_peak()
        live = heap.live

    heap.reset_peak()
    machine.scheduler.on_turn = note
    return taken


def test_no_turn_takes_more_than_half_of_what_the_scheduler_sets_aside() -> None:
    with Machine(64 * MIB) as machine:
        machine.program(b"rest", worst_cases.wait_for_ever, 4096)
        machine.program(b"busy", _busy)
        hand = machine.hand()
        for _ in range(500):
            hand.spawn(b"rest")
        taken = _turns(machine)
        machine.start(_busy)
        for _ in range(3):
            hand.spawn(b"busy")
            hand.waitpid()
        machine.clock.now = 1 << 61  # everybody's deadline at once
        hand.sleep(1)
        for _ in range(500):
            assert hand.waitpid()[1] == 0
        assert max(taken) <= SCHEDULER_BYTES // 2


def test_reclaiming_takes_no_more_than_half_of_what_the_scheduler_sets_aside() -> None:
    with Machine(2 * MIB) as machine:
        machine.program(b"rest", worst_cases.wait_for_ever, 4096)
        taken = _turns(machine)
        machine.start(_hog)
        machine.settle()
        machine.run(lambda: bool(machine.system.kills))
        machine.start(_hog)
        machine.run(lambda: len(machine.system.kills) >= 2)
        assert max(taken) <= SCHEDULER_BYTES // 2


def _hog(calls: Calls):
    while True:
        yield from calls.pipe()
        yield from calls.spawn(b"rest")
        yield from calls.open(b".", rights=READ, at=ROOT)


def test_watching_a_hundred_descriptors_of_the_host_fits_the_schedulers_reservation() -> None:
    pipes = [os.pipe() for _ in range(100)]
    with Machine(64 * MIB) as machine:
        taken = _turns(machine)
        for reader, _ in pipes:
            machine.start(_read, streams=lambda _process, fd=reader: [HostStream(fd)])
        machine.settle()
        for _, writer in pipes:
            os.write(writer, b"x")
        assert machine.run(lambda: machine.system.processes.count == 0)
        assert max(taken) <= SCHEDULER_BYTES // 2
    for pair in pipes:
        for fd in pair:
            os.close(fd)


def _read(calls: Calls):
    assert (yield from calls.read(0, 1)) == b"x"


# -- WebAssembly
def _start_bytes(kernel: Kernel, program: str | bytes) -> int:
    """Start a program; return what that took at its peak."""
    process = kernel.spawn(program)
    gc.collect()
    scheduler = kernel._scheduler
    turns = scheduler.turns
    taken: list[int] = []

    def started() -> bool:
        if scheduler.turns > turns:
            taken.append(kernel._system.heap.last_call()[0])
        return bool(taken)

    kernel._worker.call(scheduler.run, started)
    process.kill()
    assert kernel._system.heap.overruns == 0
    return taken[0]


def test_no_program_takes_more_to_start_than_starting_is_said_to() -> None:
    with Kernel(heap="16 MiB") as kernel:
        names = ("cat", "sh", "ls", "mail", "hello", "true", "wc", "recurse", "memhog")
        most = max(_start_bytes(kernel, f"/bin/{name}") for name in names)
        assert most <= START_BYTES


@pytest.mark.parametrize(
    "text",
    [
        '(memory (export "memory") 1 10000)(data (i32.const 65530) "too long for a page")',
        '(memory (export "memory") 1)(func $start unreachable)(start $start)',
        '(memory (export "memory") 1)(table 10 funcref)(elem (i32.const 9) $f $f)(func $f)',
    ],
)
def test_no_program_that_fails_to_start_takes_more(text: str) -> None:
    with Kernel(heap="16 MiB") as kernel:
        program = wat2wasm(f'(module {text} (func (export "_start")))')
        most = _start_bytes(kernel, bytes(program))
        assert most <= START_BYTES


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (abi.unpack_pair, (3,)),
        (abi.unpack_pair, (9,)),  # beyond the end
        (abi.pack_u32, (8, (1 << 32) - 1)),
        (abi.pack_u64, (8, (1 << 64) - 1)),
        (abi.pack_u64, (9, 1)),
        (abi.pack_u32, (0, 1 << 32)),
    ],
)
def test_numbers_in_a_guests_memory_take_no_more_than_is_stated(function, arguments) -> None:
    steps = Steps()
    steps.measure(_caught, function, memoryview(bytearray(b"\xff" * 16)), *arguments)
    assert steps.most <= NUMBERS_PEAK
    assert steps.kept <= 144 * (function is abi.unpack_pair)


def _caught(function, *arguments):
    try:
        return function(*arguments)
    except struct.error:
        return None
