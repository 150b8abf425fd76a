"""Programs that are files: they are read whole, and what is done aside takes nothing of the kernel's heap."""

from __future__ import annotations

import gc

import pytest

from hardtack.kernel import abi
from hardtack.kernel.host_directories import open_host_directory
from hardtack.kernel.host_pipes import HostInput, HostOutput
from hardtack.kernel.open_disk_files import open_disk
from hardtack.kernel.params import DISK_PAGE, DISK_SIZE, LEAST_CACHE_BYTES, PAGE
from hardtack.lab.machine.driver import MIB, OUTSIDE, ROOT, Machine, Null

MOUNT = ROOT + 1
SIZES = (1, 100, DISK_PAGE, DISK_PAGE + 1, PAGE, 65_536, 3 * 65_536 + 4_321)
BIG = bytes(range(251)) * 1000


class Recorder:
    """A loader that keeps what it was given, in a heap of its own, and finds no program in it."""

    def __init__(self):
        self.seen = []

    def find(self, path):
        return None

    def load(self, data, name):
        OUTSIDE.run(self.seen.append, data)

    def names(self):
        return ()


@pytest.fixture(params=["memory", "host", "disk"])
def machine(request, tmp_path):
    with Machine(8 * MIB, 4 * MIB) as made:
        if request.param == "host":
            made.preopen(open_host_directory(made.system, "/m", str(tmp_path)))
        elif request.param == "disk":
            path = str(tmp_path / "fs.db")
            made.preopen(open_disk(made.system, "/m", path, DISK_SIZE, LEAST_CACHE_BYTES))
        made.system.loader = Recorder()
        yield made


def watch(machine):
    """Note from now on what each call that is made aside takes of the kernel's heap at its peak."""
    taken = []
    heap, aside = machine.system.heap, machine.system.memory.aside

    def measure(function, arguments):
        gc.collect()
        heap.reset_peak()
        live = heap.live
        result = aside(function, *arguments)
        taken.append((function.__name__, heap.peak - live))
        return result

    machine.system.memory.aside = lambda function, *arguments: OUTSIDE.run(measure, function, arguments)
    return taken


def put(machine, hand, name, size):
    """Write a file with a hole before its last bytes; return its path and what is in it."""
    at = MOUNT if machine.system.preopens[1:] else ROOT
    fd = hand.open(name, abi.O_CREAT, at=at)
    content = BIG[: size // 3].ljust(size - 1, b"\0") + b"!"
    hand.write_all(fd, content[: size // 3])
    hand.seek(fd, size - 1)
    hand.write(fd, b"!")
    hand.close(fd)
    return (b"/m/" if at == MOUNT else b"/") + name, content


def test_a_program_that_is_a_file_is_read_whole_and_takes_nothing_of_the_kernels_heap(machine):
    hand = machine.hand()
    taken = watch(machine)
    files = [put(machine, hand, b"file%d" % size, size) for size in SIZES]
    for warm in (True, False):
        for path, content in files:
            machine.system.loader.seen.clear()
            assert hand.exec(path) == abi.ENOEXEC
            assert machine.system.loader.seen == [content]
            assert hand.spawn(path) == -abi.ENOEXEC
        if warm:
            machine.system.sync_disks()
            for disk in machine.system.disks:
                while disk.cache.evict():
                    pass
    assert len(taken) == 16 * len(SIZES)
    assert {name for name, _ in taken} == {"_find", "_load_file", "_forget"}
    assert [one for one in taken if one[1]] == []


@pytest.mark.parametrize("name", [".", "./", "/"])
def test_a_directory_given_as_all_there_is_hides_programs_in_memory_as_from_libc(name, tmp_path):
    (tmp_path / "there").write_bytes(b"of the host")
    with Machine(8 * MIB, 4 * MIB) as machine:
        machine.preopen(open_host_directory(machine.system, name, str(tmp_path)))
        machine.system.loader = Recorder()
        hand = machine.hand()
        for file in (b"there", b"here"):
            hand.write_all(hand.open(file, abi.O_CREAT, at=ROOT), b"in memory")
        for path, errno, seen in (
            (b"/there", abi.ENOEXEC, [b"of the host"]),
            (b"/./there", abi.ENOEXEC, [b"of the host"]),
            (b"/here", abi.ENOENT, []),
        ):
            machine.system.loader.seen.clear()
            assert hand.exec(path) == errno
            assert machine.system.loader.seen == seen


def test_a_relative_path_starts_below_the_longest_name_it_begins_with(tmp_path):
    with Machine(8 * MIB, 4 * MIB) as machine:
        for name, folder in (("a", "1"), ("./a/b/", "2"), ("/a/bc", "3")):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "file").write_bytes(name.encode())
            machine.preopen(open_host_directory(machine.system, name, str(tmp_path / folder)))
        machine.system.loader = Recorder()
        hand = machine.hand()
        for path, name in ((b"a/file", b"a"), (b"./a/b/file", b"./a/b/"), (b"/.//a/bc//file", b"/a/bc")):
            machine.system.loader.seen.clear()
            assert hand.exec(path) == abi.ENOEXEC
            assert machine.system.loader.seen == [name]
        for path in (b"a/bcd/file", b"ab/file", b".a/file", b"..a/file"):
            assert hand.exec(path) == abi.ENOENT


def test_what_pipes_of_the_host_hold_takes_nothing_of_the_kernels_heap():
    made = []

    def streams(process):
        made[:] = HostInput(process.system), HostOutput(process.system, None), Null()
        return made

    with Machine() as machine:
        taken = watch(machine)
        hand = machine.hand(streams=streams)
        for size in (1, 1000, 30_000):
            assert hand.write(1, BIG[:size]) == size
            assert made[1].take(size) == BIG[:size]
            assert made[0].put(memoryview(BIG[:size])) == size
            assert hand.read(0, size) == BIG[:size]
    assert {name for name, _ in taken} == {"bytearray", "extend", "__delitem__"}
    assert [one for one in taken if one[1]] == []
