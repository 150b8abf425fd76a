"""/proc, /dev and /bin: files that nobody keeps, for programs that know files and none of our imports.

    /dev    null zero random urandom tty pipe fd
    /proc   self kill meminfo heap, and of each process of one's own tree PID: status cmdline environ cwd fd
    /bin    the programs that come with the kernel; they are started, not read

A directory here is a kind and a pid; names are made when they are looked up or listed, texts when they are
opened, in the heap of the group that opened them. To open fd/N is to have another descriptor of what the
process has as N. Nothing here can be made, renamed or removed: EROFS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from hardtack.kernel import abi, pseudo_texts
from hardtack.kernel.descriptions import Description, Entries
from hardtack.kernel.params import MAX_PROCESSES, RANDOM_STEP
from hardtack.kernel.paths import walk
from hardtack.kernel.pipes import Pipe, ReadEnd, WriteEnd
from hardtack.kernel.pseudo_texts import MOST, KillFile, Text
from hardtack.kernel.streams import HostStream, Null

if TYPE_CHECKING:
    from annotated_types import Interval, MaxLen

    from hardtack.kernel.process import Process
    from hardtack.kernel.queues import Queue
    from hardtack.kernel.ranges import (
        Flags,
        Kind,
        Long,
        Name,
        Number,
        PathBytes,
        Position,
        Rights,
        Transfer,
        Word,
    )
    from hardtack.kernel.system import System

DEV: Final = "dev"
PROC: Final = "proc"
BIN: Final = "bin"
_PROCESS: Final = "process"
_DESCRIPTORS: Final = "descriptors"
_NAMES: Final[dict[str, tuple[Name, ...]]] = {
    DEV: (b"fd", b"null", b"pipe", b"random", b"tty", b"urandom", b"zero"),
    PROC: (b"heap", b"kill", b"meminfo", b"self"),
    _PROCESS: (b"cmdline", b"cwd", b"environ", b"fd", b"status"),
}
_TYPES: Final[dict[str, dict[bytes, Flags]]] = {
    DEV: dict.fromkeys(_NAMES[DEV], abi.CHARACTER_DEVICE) | {b"fd": abi.DIRECTORY},
    PROC: dict.fromkeys(_NAMES[PROC], abi.REGULAR_FILE) | {b"self": abi.SYMBOLIC_LINK},
    _PROCESS: dict.fromkeys(_NAMES[_PROCESS], abi.REGULAR_FILE)
    | {b"fd": abi.DIRECTORY, b"cwd": abi.SYMBOLIC_LINK},
}
_DIGITS: Final = 10
_FIRST_PID: Final = 16  # the cookie of pid 0 in a listing of /proc
_ZEROS: Final[Annotated[bytes, MaxLen(4096)]] = bytes(4096)
_PIECE: Final = 1024  # random bytes that are made at a time


class NullDevice(Null):
    """Reads nothing, takes everything. It can be told from a terminal by its position, which stays 0."""

    __slots__ = ()
    filetype = abi.CHARACTER_DEVICE

    def __init__(self) -> None:
        super().__init__()
        self.rights |= abi.RIGHT_SEEK | abi.RIGHT_TELL

    def read_at(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """Read as at every position."""
        return self.read(process, start, count)

    def write_at(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """Take all."""
        return count

    def seek(self, offset: Annotated[int, Interval(ge=-(1 << 63), lt=1 << 63)], whence: Word) -> int:
        """Stay where it is."""
        return 0 if whence <= abi.SEEK_END else -abi.EINVAL


class Zero(NullDevice):
    """Reads zeros without end."""

    __slots__ = ()

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Fill the memory with zeros."""
        for at in range(0, count, len(_ZEROS)):
            piece = min(len(_ZEROS), count - at)
            process.memory[start + at : start + at + piece] = _ZEROS[:piece]
        return count


class Random(NullDevice):
    """Reads random bytes, RANDOM_STEP at a time."""

    __slots__ = ()

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Fill the memory with random bytes."""
        count = min(count, RANDOM_STEP)
        for at in range(0, count, _PIECE):
            piece = min(_PIECE, count - at)
            process.memory[start + at : start + at + piece] = process.system.random(piece)
        return count


class Duplex(Description):
    """Both ends of a pipe in one: what is written to it is read from it."""

    __slots__ = ("_reader", "_writer")
    takes_flags = True

    def __init__(self, pipe: Pipe, flags: Flags) -> None:
        super().__init__(abi.STREAM_RIGHTS, 0, flags)
        self._reader = ReadEnd(pipe)
        self._writer = WriteEnd(pipe)

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Read what is there; wait while there is nothing."""
        self._reader.flags = self.flags
        return self._reader.read(process, start, count)

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Write what fits; wait while there is no room."""
        self._writer.flags = self.flags
        return self._writer.write(process, start, count)

    def readable(self) -> int:
        """Return the bytes in the pipe."""
        return self._reader.readable()

    def writable(self) -> int:
        """Return the room in the pipe."""
        return self._writer.writable()

    def wait_ready(self, process: Process, to_write: bool) -> Queue:
        """Return the queue of those who wait at that end."""
        return (self._writer if to_write else self._reader).wait_ready(process, to_write)

    def release(self) -> None:
        """Let go of both ends."""
        self._reader.release()
        self._writer.release()


class _Place:
    """Where a walk has come to: a directory's kind, whose it is, a name in it. Implements `paths.Place`."""

    __slots__ = ("_base", "kind", "must_be_directory", "name", "pid", "root", "system")

    def __init__(self, system: System, root: str, kind: str, pid: int) -> None:
        self.system = system
        self.root = root
        self._base = kind
        self.kind: Kind = kind
        self.pid: Number = pid
        self.name: Name = b"."
        self.must_be_directory = False

    def link(self, name: Name) -> PathBytes | None:
        """Return the target of /proc/self; that of cwd leads out of here, and cannot be followed."""
        if self.kind == PROC and name == b"self":
            current = self.system.current
            return b"%d" % (0 if current is None else current.pid)
        if self.kind == _PROCESS and name == b"cwd":
            process = self.process()
            return None if process is None else process.directory
        return None

    def down(self, name: Name) -> int:
        """Enter a process's directory, or that of its descriptors."""
        if name == b"fd" and self.kind in {_PROCESS, DEV}:
            self.kind = _DESCRIPTORS
            return abi.OK
        if self.kind == PROC and self._is_shown(name):
            self.pid = _number(name)
            self.kind = _PROCESS
            return abi.OK
        return abi.ENOENT if self.filetype(name) < 0 else abi.ENOTDIR

    def up(self) -> bool:
        """Go back."""
        if self.kind == self._base:
            return False
        self.kind = PROC if self.kind == _PROCESS else _PROCESS if self.root == PROC else DEV
        return True

    def process(self) -> Process | None:
        """Return the process whose directory this is; in /dev, whoever asks."""
        return self.system.current if self.root == DEV else visible(self.system, self.pid)

    def filetype(self, name: Name) -> int:
        """Return what kind of file a name here is, or -1 if there is none."""
        if name == b".":
            return abi.DIRECTORY
        if self.kind == BIN:
            return abi.REGULAR_FILE if name in self.system.loader.names() else -1
        if self.kind == _DESCRIPTORS:
            process = self.process()
            description = None if process is None else process.descriptors.find(_number(name))
            return -1 if description is None else description.filetype
        if self.kind == PROC and self._is_shown(name):
            return abi.DIRECTORY
        return _TYPES[self.kind].get(name, -1)

    def _is_shown(self, name: Name) -> bool:
        plain = not (name.startswith(b"0") and len(name) > 1)
        return plain and visible(self.system, _number(name)) is not None


def _number(name: Name) -> int:
    """Return the number that a name is: -1 for none, and for one of more digits than any here has."""
    return int(name) if len(name) < _DIGITS and name.isdigit() else -1


def visible(system: System, pid: int) -> Process | None:
    """Return a process if it is of the tree of whoever makes the call."""
    process, current = system.process(pid), system.current
    if process is None or current is None or process.group is not current.group:
        return None
    return process


class PseudoDirectory(Description):
    """A directory of /proc, /dev or /bin, opened."""

    __slots__ = ("kind", "pid", "preopen", "root", "system")
    filetype = abi.DIRECTORY
    not_seekable = abi.EBADF

    def __init__(self, system: System, root: str, kind: str, pid: int, name: bytes | None = None) -> None:
        super().__init__(abi.DIRECTORY_RIGHTS, abi.DIRECTORY_RIGHTS | abi.FILE_RIGHTS, 0)
        self.system = system
        self.root = root
        self.kind: Kind = kind
        self.pid: Number = pid
        self.preopen = name

    def _walk(self, path: PathBytes, follow: bool) -> _Place | int:
        place = _Place(self.system, self.root, self.kind, self.pid)
        errno = walk(place, path, follow)
        if errno:
            return errno
        kind = place.filetype(place.name)
        if kind < 0:
            return abi.ENOENT
        if place.must_be_directory and kind != abi.DIRECTORY:
            return abi.ENOTDIR
        return place

    def open_at(
        self,
        process: Process,
        path: PathBytes,
        follow: bool,
        oflags: Flags,
        flags: Flags,
        rights: Rights,
        inheriting: Rights,
    ) -> Description | int:
        """Open what path names."""
        place = self._walk(path, follow)
        if isinstance(place, int):
            return abi.EROFS if place == abi.ENOENT and oflags & abi.O_CREAT else place
        if oflags & abi.O_CREAT and oflags & abi.O_EXCL:
            return abi.EEXIST
        kind = place.filetype(place.name)
        if kind == abi.SYMBOLIC_LINK:
            return abi.ELOOP
        if kind == abi.DIRECTORY and place.kind != _DESCRIPTORS:
            if rights & abi.RIGHT_WRITE:
                return abi.EISDIR
            if place.name != b".":
                place.down(place.name)
            with process.group.heap:
                return PseudoDirectory(self.system, self.root, place.kind, place.pid)
        if oflags & abi.O_DIRECTORY:
            return abi.ENOTDIR
        return self._open(process, place, flags, rights)

    def _open(self, process: Process, place: _Place, flags: Flags, rights: Rights) -> Description | int:
        if place.kind == _DESCRIPTORS:
            if place.process() is not process:
                return abi.EACCES
            return process.descriptors.find(_number(place.name)) or abi.ENOENT
        if place.kind == BIN:
            return abi.EACCES
        with process.group.heap:
            if place.kind == DEV:
                return _open_device(process, place.name, flags)
            if place.name == b"kill":
                return KillFile()
            if rights & abi.RIGHT_WRITE:
                return abi.EACCES
            return Text(_text(self.system, place))

    def filestat(self) -> tuple[int, ...] | int:
        """Return a directory's status."""
        return (0, _inode(self.kind, self.pid, b"."), abi.DIRECTORY, 1, 0, 0, 0, 0)

    def filestat_at(self, path: PathBytes, follow: bool) -> tuple[int, ...] | int:
        """Return the status of what path names: sizes are not known before a text is made."""
        place = self._walk(path, follow)
        if isinstance(place, int):
            return place
        return (0, _inode(place.kind, place.pid, place.name), place.filetype(place.name), 1, 0, 0, 0, 0)

    def readlink_at(self, path: PathBytes) -> bytes | int:
        """Return the target of self or of a process's working directory."""
        place = self._walk(path, False)
        if isinstance(place, int):
            return place
        return place.link(place.name) or abi.EINVAL

    def readdir(self, process: Process, start: Word, count: Transfer, cookie: Long) -> int:
        """Fill in entries from cookie on."""
        out = Entries(process.memory, start, count)
        place = _Place(self.system, self.root, self.kind, self.pid)
        cookie = min(cookie, 1 << 62)
        for name in (b".", b".."):
            if cookie < 1 + (name == b".."):
                if out.put(cookie + 1, _inode(self.kind, self.pid, name), name, abi.DIRECTORY):
                    return count
                cookie += 1
        for _ in range(count):  # each entry takes more than a byte
            found = _entry(place, cookie)
            if found is None:
                break
            cookie, name = found
            if out.put(cookie, _inode(place.kind, place.pid, name), name, place.filetype(name)):
                return count
        return out.done

    # -- nothing can be changed
    def create_directory_at(self, process: Process, path: PathBytes) -> int:
        """Refuse."""
        return abi.EEXIST if isinstance(self._walk(path, False), _Place) else abi.EROFS

    def remove_directory_at(self, path: PathBytes) -> int:
        """Refuse."""
        return abi.EROFS

    def unlink_at(self, path: PathBytes) -> int:
        """Refuse."""
        return abi.EROFS

    def symlink_at(self, process: Process, target: bytes, path: PathBytes) -> int:
        """Refuse."""
        return abi.EROFS

    def link_at(self, process: Process, path: PathBytes, to: Description, new: PathBytes) -> int:
        """Refuse: names lead to files of one file system."""
        return abi.EXDEV

    def rename_at(self, path: PathBytes, to: Description, new: PathBytes, slash: bool) -> int:
        """Refuse."""
        return abi.EXDEV

    def set_times_at(self, path: PathBytes, follow: bool, atime: int | None, mtime: int | None) -> int:
        """Refuse; a program that touches what is there is let be."""
        place = self._walk(path, follow)
        return place if isinstance(place, int) else abi.OK


def open_pseudo(system: System, kind: str) -> PseudoDirectory:
    """Open /dev, /proc or /bin as a preopened directory."""
    with system.scheduler_heap:
        return PseudoDirectory(system, kind, kind, 0, b"/" + kind.encode())


def _entry(place: _Place, cookie: int) -> tuple[int, bytes] | None:
    """Return the first entry from a cookie on, from 2, as (the next cookie, name); None at the end."""
    index = cookie - 2
    if place.kind == BIN:
        names = place.system.loader.names()
        return (cookie + 1, names[index]) if index < len(names) else None
    if place.kind == _DESCRIPTORS:
        process = place.process()
        number = -1 if process is None else process.descriptors.next_used(index)
        return (number + 3, b"%d" % number) if number >= 0 else None
    names = _NAMES[place.kind]
    if index < len(names):
        return cookie + 1, names[index]
    if place.kind != PROC:
        return None
    pid = max(1, cookie - _FIRST_PID)
    for _ in range(MAX_PROCESSES):
        pid = place.system.processes.next_used(pid)
        if pid < 0:
            return None
        if visible(place.system, pid) is not None:
            return _FIRST_PID + pid + 1, b"%d" % pid
        pid += 1
    return None


def _open_device(process: Process, name: Name, flags: Flags) -> Description | int:
    if name == b"null":
        return NullDevice()
    if name == b"zero":
        return Zero()
    if name in {b"random", b"urandom"}:
        return Random()
    if name == b"pipe":
        return Duplex(Pipe(process.group.heap), flags & abi.FDFLAG_NONBLOCK)
    for number in range(3):
        description = process.descriptors.find(number)
        if isinstance(description, HostStream) and description.filetype == abi.CHARACTER_DEVICE:
            return description
    return abi.ENXIO


def _text(system: System, place: _Place) -> bytes:
    if place.name == b"meminfo":
        return pseudo_texts.meminfo(system)
    if place.name == b"heap":
        return pseudo_texts.heap(system)
    process = place.process()
    if process is None:  # cannot be: the walk has just been here
        return b""
    if place.name == b"status":
        return pseudo_texts.status(process)
    return (process.arguments if place.name == b"cmdline" else process.environment)[:MOST]


def _inode(kind: Kind, pid: Number, name: bytes) -> int:
    """Return a number that is the same for the same file, and hardly ever for another."""
    number = 0xCBF29CE484222325
    for byte in kind.encode() + b"%d/" % pid + name:
        number = (number ^ byte) * 0x100000001B3 & (1 << 62) - 1
    return number
