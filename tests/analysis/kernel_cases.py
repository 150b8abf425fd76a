"""Arguments for the kernel's operations, and what they really take at their peak in a kernel's heap."""

from __future__ import annotations

import gc
import statistics

from hardtack.kernel import abi
from hardtack.kernel.directories import Directory
from hardtack.kernel.files import File
from hardtack.kernel.inodes import Inode, Owner
from hardtack.kernel.memory_files import MemoryFiles
from hardtack.kernel.open_files import OpenDirectory, OpenFile
from hardtack.kernel.params import MAX_IO, PAGE
from hardtack.kernel.pipes import Pipe, ReadEnd, WriteEnd
from hardtack.kernel.queues import Queue
from hardtack.kernel.table import CAPACITY, Table
from hardtack.lab.machine.driver import Machine

CASES: dict[str, list] = {}
SIZES = (0, 1, 100, 127, 128, 512, 513, 4095, PAGE, PAGE + 1, MAX_IO)
NAMES = (
    b"a",
    b"n" * 255,
    b"dir/f",
    b"dir/../dir/" + b"n" * 200,
    b"x/y",
    b"link/f",
    b"",
    b"/a",
    b"dir/dir/dir/f",
)
MEMORY = memoryview(bytearray(range(256)) * 512)


def case(operation: str, call: object, *ways: object) -> None:
    """Have an operation measured: each way makes its arguments from a kernel, anew for each call."""
    CASES.setdefault(operation, []).extend((call, way) for way in ways)


def _table(used: tuple[int, ...]) -> Table:
    table = Table()
    for number in used:
        table.put(number, object())
    return table


NUMBERS = (0, 63, 64, 4095, 4096, CAPACITY - 1)
for _used in ((), tuple(range(64)), (4096, 4097)):
    for _n in NUMBERS:
        case("table:Table.put", Table.put, lambda k, n=_n, u=_used: (_table(u), n, k))
        case("table:Table.get", Table.get, lambda k, n=_n, u=_used: (_table(u), n))
        case("table:Table.remove", Table.remove, lambda k, n=_n, u=_used: (_table((*u, n)), n))
    case("table:Table.lowest_free", Table.lowest_free, lambda k, u=_used: (_table(u),))


def _directory(count: int) -> Directory:
    directory = Directory(5, 0, Owner(), 1)
    for i in range(count):
        directory.add(b"%d" % i, Inode(300 + i, 0, Owner()))
    return directory


for _count in (0, 1, 5, 10, 39, 40, 41, 600):
    case(
        "directories:Directory.add",
        Directory.add,
        lambda k, c=_count: (_directory(c), b"new", Inode(1000, 0, Owner())),
    )
    case("directories:Directory.get", Directory.get, lambda k, c=_count: (_directory(c), b"3"))
    case("directories:Directory.leaf_from", Directory.leaf_from, lambda k, c=_count: (_directory(c), 0))
    if _count:
        case("directories:Directory.remove", Directory.remove, lambda k, c=_count: (_directory(c), b"0"))


def _file(size: int, at: int = 0) -> File:
    file = File(9, 0, Owner())
    file.root = None
    while file.size < size:
        _write_page(file, file.size, MEMORY, 0, min(size - file.size, PAGE))
    if at:
        _write_page(file, at, MEMORY, 0, 1)
    return file


def _write_page(file: File, position: int, memory: memoryview, start: int, count: int) -> None:
    file.write_page(file.make_leaf(position // PAGE), position, memory, start, count)


def _with_leaf(file: File, position: int, size: int) -> tuple[object, ...]:
    return file, file.make_leaf(position // PAGE), position, MEMORY, 0, size


for _size in SIZES:
    for _at in (0, 5, PAGE, 70 * PAGE):
        case(
            "files:File.write_page",
            File.write_page,
            lambda k, s=_size, a=_at: _with_leaf(_file(0, a), a, s),
            lambda k, s=_size, a=_at: _with_leaf(_file(200), a, s),
        )
        case(
            "files:File.make_leaf",
            File.make_leaf,
            lambda k, a=_at: (_file(0), a // PAGE),
            lambda k, a=_at: (_file(200), a // PAGE),
        )
    case("files:File.read_at", File.read_at, lambda k, s=_size: (_file(70_000), 7, MEMORY, 0, s))
    case("files:File.resize", File.resize, lambda k, s=_size: (_file(70_000), s))
    case("pipes:Pipe.put", Pipe.put, lambda k, s=_size: (_pipe(k, 0), MEMORY, 0, s))
    case("pipes:Pipe.take", Pipe.take, lambda k, s=_size: (_pipe(k, 60_000), MEMORY, 0, s))
    case("pipes:WriteEnd.write", WriteEnd.write, lambda k, s=_size: (WriteEnd(_pipe(k, 9)), k.process, 0, s))
    case("pipes:ReadEnd.read", ReadEnd.read, lambda k, s=_size: (ReadEnd(_pipe(k, 60_000)), k.process, 0, s))
    case(
        "memory_files:MemoryFiles.resize",
        MemoryFiles.resize,
        lambda k, s=_size: (k.files, _file(70_000), s),
    )
    case("open_files:OpenFile.read", OpenFile.read, lambda k, s=_size: (k.opened(), k.process, 0, s))
    case("open_files:OpenFile.set_size", OpenFile.set_size, lambda k, s=_size: (k.opened(), s))
    case("open_files:OpenFile.seek", OpenFile.seek, lambda k, s=_size: (k.opened(), s << 30, 0))
case("open_files:OpenFile.filestat", OpenFile.filestat, lambda k: (k.opened(),))
case("open_files:OpenFile.set_times", OpenFile.set_times, lambda k: (k.opened(), 1 << 63, 1 << 62))
case("open_files:OpenFile.release", OpenFile.release, lambda k: (k.opened(),))


def _pipe(kernel: Kernel, used: int) -> Pipe:
    pipe = Pipe(kernel.process.group.heap)
    pipe.put(MEMORY, 0, used)
    return pipe


case("queues:Queue.append", Queue.append, lambda k: (Queue(), k.idle()))
for _name in NAMES:
    case(
        "memory_files:MemoryFiles.walk",
        MemoryFiles.walk,
        lambda k, n=_name: (k.files, k.root(), n, True),
        lambda k, n=_name: (k.files, k.root(), n, False),
    )
    for _oflags in (0, abi.O_CREAT, abi.O_DIRECTORY):
        case(
            "open_files:OpenDirectory.open_at",
            OpenDirectory.open_at,
            lambda k, n=_name, o=_oflags: (k.top(), k.process, n, True, o, 0, abi.ALL_RIGHTS, abi.ALL_RIGHTS),
        )
    case(
        "open_files:OpenDirectory.filestat_at",
        OpenDirectory.filestat_at,
        lambda k, n=_name: (k.top(), n, True),
    )
    case(
        "open_files:OpenDirectory.create_directory_at",
        OpenDirectory.create_directory_at,
        lambda k, n=_name: (k.top(), k.process, n),
    )
    case("open_files:OpenDirectory.unlink_at", OpenDirectory.unlink_at, lambda k, n=_name: (k.top(), n))
    case(
        "open_files:OpenDirectory.symlink_at",
        OpenDirectory.symlink_at,
        lambda k, n=_name: (k.top(), k.process, b"t" * 4000, n),
    )
    case(
        "open_files:OpenDirectory.rename_at",
        OpenDirectory.rename_at,
        lambda k, n=_name: (k.top(), b"dir/f", k.top(), n, False),
    )
    case(
        "open_files:OpenDirectory.link_at",
        OpenDirectory.link_at,
        lambda k, n=_name: (k.top(), k.process, b"dir/f", k.top(), n),
    )
for _cookie in (0, 1, 2, 3):
    case(
        "open_files:OpenDirectory.readdir",
        OpenDirectory.readdir,
        lambda k, c=_cookie: (k.top(), k.process, 0, 4096, c),
        lambda k, c=_cookie: (k.top(), k.process, 0, 30, c),
    )


class Kernel:
    """A kernel with some files; a case's arguments are made of it."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.hand = self.machine.hand()
        self.process = self.hand.process
        self.files = self.machine.system.files
        hand = self.hand
        hand.mkdir(b"dir")
        hand.close(hand.open(b"dir/f", abi.O_CREAT))
        hand.symlink(b"dir", b"link")

    def root(self) -> Directory:
        return self.files.root

    def top(self) -> OpenDirectory:
        return OpenDirectory(self.files, self.files.root, abi.ALL_RIGHTS, abi.ALL_RIGHTS)

    def opened(self) -> OpenFile:
        return OpenFile(self.files, _file(70_000), abi.ALL_RIGHTS, 0)

    def idle(self) -> object:
        process = self.process
        process.queue = None
        return process


def peak_of(call: object, way: object) -> tuple[int, tuple]:
    """Return what one call takes at its peak, warm and with cold free lists, and arguments as it had them."""
    peak = 0
    for _ in range(2):
        kernel = Kernel()
        arguments = way(kernel)
        heap = kernel.machine.system.heap
        gc.collect()
        heap.reset_peak()
        before = heap.live
        heap.run(call, *arguments)
        peak = heap.peak - before
    return peak, way(Kernel())


def compare(bound: object, calls: list) -> dict[str, object]:
    """Return the largest peak that was measured, and how far bounds lie above: the tightest and the median."""
    if not calls:
        return {}
    found = [peak_of(call, way) for call, way in calls]
    ratios = [bound.for_call(*arguments) / peak for peak, arguments in found if peak]
    return {
        "calls": len(found),
        "largest": max(peak for peak, _ in found),
        "tightest": round(min(ratios), 2) if ratios else None,
        "median": round(statistics.median(ratios), 2) if ratios else None,
    }
