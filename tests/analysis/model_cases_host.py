"""Calls of what leads to the host: paths relative to a directory, listings, sockets, polling, arrays, a disk's end."""

from __future__ import annotations

import operator
import os
import select
import socket
import sqlite3
import tempfile
import time
from array import array

from model_cases import Given, measured

# -- os
_DIRECTORY = tempfile.TemporaryDirectory()
_AT = os.open(_DIRECTORY.name, os.O_RDONLY | os.O_DIRECTORY)
_MISSING = b"n" * 255
for _number in range(3):  # names whose text is wide
    os.mkdir(("\N{GOTHIC LETTER AHSA}" + "n" * 250 + str(_number)).encode(), dir_fd=_AT)
os.symlink(b"t" * 4000, b"long", dir_fd=_AT)
os.symlink(b"t", b"short", dir_fd=_AT)
_HERE = Given(b".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=_AT)


_KEPT: list[object] = []  # what warns when it is dropped without having been closed


def _kept(made: object) -> object:
    _KEPT.append(made)
    return made


def opened_and_closed(path: object, flags: int, mode: int = 511, *, dir_fd: int | None = None) -> None:
    os.close(os.open(path, flags, mode, dir_fd=dir_fd))


def _made(make: object, *arguments: object) -> object:
    """Return a function that makes what a call is to work on, and then its arguments."""

    def case() -> Given:
        make(*arguments, dir_fd=_AT)
        return Given(arguments[-1], dir_fd=_AT)

    return case


def _free(name: bytes) -> bytes:
    for remove in (os.unlink, os.rmdir):
        try:
            remove(name, dir_fd=_AT)
        except OSError:
            continue
    return name


measured("os.open", opened_and_closed, _HERE, Given(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=_AT))
measured("os.open", os.open, Given(_MISSING, os.O_RDONLY, dir_fd=_AT), raises=True)
measured("os.mkdir", os.mkdir, lambda: Given(_free(b"made"), dir_fd=_AT))
measured("os.mkdir", os.mkdir, Given(b"n" * 300, dir_fd=_AT), raises=True)
measured("os.rmdir", os.rmdir, lambda: _made(os.mkdir, _free(b"empty"))())
measured("os.unlink", os.unlink, lambda: _made(os.symlink, b"t", _free(b"link"))())
measured("os.unlink", os.unlink, Given(_MISSING, dir_fd=_AT), raises=True)
measured("os.remove", os.remove, lambda: _made(os.symlink, b"t", _free(b"link"))())
measured("os.symlink", os.symlink, lambda: Given(b"t" * 4000, _free(b"made"), dir_fd=_AT))
for _call in (os.rename, os.replace):
    measured(
        f"os.{_call.__name__}",
        _call,
        lambda: Given(
            _made(os.symlink, b"t", _free(b"old"))().positional[0], b"new", src_dir_fd=_AT, dst_dir_fd=_AT
        ),
    )
measured(
    "os.link",
    os.link,
    lambda: Given(b"short", _free(b"other"), src_dir_fd=_AT, dst_dir_fd=_AT, follow_symlinks=False),
)
measured(
    "os.readlink",
    os.readlink,
    Given(b"long", dir_fd=_AT),
    Given("long", dir_fd=_AT),
    Given(b"short", dir_fd=_AT),
)
measured("os.stat", os.stat, Given(b"long", dir_fd=_AT, follow_symlinks=False), Given("/"))
measured("os.lstat", os.lstat, Given(b"/"), Given("/", dir_fd=_AT))
_TIMES = [(1 << 60, 1 << 62), (0, 1)]
measured("os.utime", os.utime, *(Given(_AT, ns=ns) for ns in _TIMES))
measured("os.utime", os.utime, Given(b".", ns=_TIMES[0], dir_fd=_AT, follow_symlinks=False))


def _listing() -> object:
    os.lseek(_AT, 0, os.SEEK_SET)  # the listings that are open share it
    return _kept(os.scandir(_AT))


def _listed(at: int) -> None:
    os.scandir(at).close()


_close_listing = type(_listing()).close


def _entry() -> os.DirEntry[str]:
    os.lseek(_AT, 0, os.SEEK_SET)
    with os.scandir(_AT) as entries:
        return max(entries, key=lambda entry: len(entry.name))


measured("os.scandir", _listed, (_AT,))
measured("os._ScandirIterator.__next__", next, lambda: (_listing(),))
measured("os._ScandirIterator.close", _close_listing, lambda: (_listing(),))
for _name in ("is_symlink", "inode"):
    measured(f"os.DirEntry.{_name}", getattr(os.DirEntry, _name), lambda: (_entry(),))
for _name in ("is_dir", "is_file"):
    measured(
        f"os.DirEntry.{_name}",
        getattr(os.DirEntry, _name),
        lambda: Given(_entry(), follow_symlinks=False),
    )
measured("os.DirEntry.name", operator.attrgetter("name"), lambda: (_entry(),))


# -- select
def _poller(count: int) -> select.poll:
    poller = select.poll()
    for fd in _PIPES[:count]:
        poller.register(fd, select.POLLIN | select.POLLOUT)
    return poller


_PIPES = [fd for _ in range(3) for fd in os.pipe()]
measured("select.poll", select.poll, ())
_register = type(_poller(0)).register
measured("select.poll.register", _register, *(lambda n=n: (_poller(n), 1000, 1) for n in (0, 4)))
_poll = type(_poller(0)).poll
measured("select.poll.poll", _poll, *(lambda n=n: (_poller(n), 0) for n in (1, 5)))

# -- socket


def _pair() -> tuple[socket.socket, socket.socket]:
    made = socket.socketpair()
    _KEPT.append(made)
    return made


_ONE, _OTHER = _pair()
_OTHER.setblocking(False)
_SERVER = socket.create_server(("127.0.0.1", 0))


def _sent(count: int) -> socket.socket:
    _ONE.send(b"x" * count)
    return _OTHER


measured("socket.socket.send", socket.socket.send, lambda: (_pair()[0], b"abc" * 99))
measured("socket.socket.recv_into", socket.socket.recv_into, lambda: (_sent(9), bytearray(9), 9, 0))
measured(
    "socket.socket.recv_into", socket.socket.recv_into, lambda: (_OTHER, bytearray(9), 9, 0), raises=True
)
measured("socket.socket.shutdown", socket.socket.shutdown, lambda: (_pair()[0], 1))
measured("socket.socket.setblocking", socket.socket.setblocking, (_OTHER, False))
measured(
    "socket.socket.setsockopt",
    socket.socket.setsockopt,
    (_SERVER, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)
measured("socket.socket.fileno", socket.socket.fileno, (_ONE,))
measured("socket.socket.family", operator.attrgetter("family"), (_ONE,), (_SERVER,))
measured("socket.socket.close", socket.socket.close, lambda: (_pair()[0],))


def _called() -> tuple[socket.socket]:
    _kept(socket.create_connection(_SERVER.getsockname()))
    return (_SERVER,)


def _accepted(server: socket.socket) -> object:
    accepted, address = server.accept()
    accepted.close()
    return address


measured("socket.socket.accept", _accepted, _called)

# -- time, array, sqlite3
measured("time.thread_time_ns", time.thread_time_ns, ())
_NUMBERS = array("Q", [0, (1 << 64) - 1])
measured("array.array", array, ("i", bytes(260)), ("q", b""), ("i", bytes(40_000)))
measured("array.array.__getitem__", operator.getitem, (_NUMBERS, 0), (_NUMBERS, 1))
measured("array.array.__setitem__", operator.setitem, (_NUMBERS, 0, 1 << 63))


def _database(close: str) -> tuple[object]:
    connection = sqlite3.connect(":memory:")
    cursor = connection.execute("SELECT 1, 2")
    return (cursor if close == "cursor" else connection,)


measured("sqlite3.Cursor.close", sqlite3.Cursor.close, lambda: _database("cursor"))
measured("sqlite3.Connection.close", sqlite3.Connection.close, lambda: _database("connection"))
