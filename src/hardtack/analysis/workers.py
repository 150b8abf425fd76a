"""Processes that share pieces of work: each takes the next piece as soon as it is done with its last.

They are forked, so that they have all that is loaded by then, and only what they make has to be sent. Nothing
is lost with a process: who asks does what is missing by itself. They end with their work, with their parent,
and with whoever asks no further, Ctrl-C included.
"""

from __future__ import annotations

import gc
import os
import pickle
import selectors
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Generic, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Made = TypeVar("_Made")
_Left = TypeVar("_Left")
_NUMBER = 4  # bytes of a piece's number in the pipe, which holds 65536
_MOST = 1 << 13  # pieces
_LENGTH = 8


class Workers(Generic[_Made, _Left]):
    """Some processes, made when the results are asked for.

    Args:
        processes: how many.
        make: makes a piece, by its number; in a process of its own.
        leave: what a process leaves when it is done, besides its pieces.
    """

    def __init__(self, processes: int, make: Callable[[int], _Made], leave: Callable[[], _Left]) -> None:
        self._processes = processes
        self._make = make
        self._leave = leave
        self.left: list[_Left] = []

    @staticmethod
    def can_be() -> bool:
        """Tell whether this process can be forked safely: on Linux, while it has one thread."""
        if not sys.platform.startswith("linux") or threading.active_count() > 1:
            return False
        try:
            return len(os.listdir("/proc/self/task")) == 1
        except OSError:
            return False

    def results(self, pieces: int) -> Iterator[tuple[int, _Made]]:
        """Iterate over the pieces that are made, as they are; some may be missing. Blocks."""
        pieces = min(pieces, _MOST)
        tasks, fill = os.pipe()
        os.write(fill, b"".join(number.to_bytes(_NUMBER) for number in range(pieces)))
        os.close(fill)
        children: list[int] = []
        with selectors.DefaultSelector() as selector:
            try:
                gc.freeze()  # else their collections copy all pages
                for _ in range(min(self._processes, pieces)):
                    pid, results = self._start(tasks)
                    children.append(pid)
                    selector.register(results, selectors.EVENT_READ)
                os.close(tasks)
                yield from self._received(selector)
            finally:
                gc.unfreeze()
                for key in list(selector.get_map().values()):
                    _file(key.fileobj).close()
                for pid in children:
                    with suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                        os.waitpid(pid, 0)

    def _received(self, selector: selectors.BaseSelector) -> Iterator[tuple[int, _Made]]:
        while selector.get_map():
            for key, _ in selector.select():
                file = _file(key.fileobj)
                found = _receive(file)
                if found is None:
                    selector.unregister(file)
                    file.close()
                elif found[0] < 0:
                    self.left.append(found[1])  # type: ignore[arg-type]
                else:
                    yield found  # type: ignore[misc]

    def _start(self, tasks: int) -> tuple[int, BinaryIO]:
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(read)
            self._work(tasks, write)
        os.close(write)
        return pid, open(read, "rb", buffering=0)

    def _work(self, tasks: int, results: int) -> NoReturn:
        """Make pieces until none is left, in a process that ends with it."""
        try:
            while number := os.read(tasks, _NUMBER):
                piece = int.from_bytes(number)
                _send(results, (piece, self._make(piece)))
            _send(results, (-1, self._leave()))
        except BaseException:  # noqa: BLE001 - the parent makes what is missing, and sees what is wrong with it
            os._exit(1)
        os._exit(0)


def _file(file: object) -> BinaryIO:
    return file  # type: ignore[return-value]


def _send(to: int, value: object) -> None:
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    rest = memoryview(len(data).to_bytes(_LENGTH) + data)
    while rest:
        rest = rest[os.write(to, rest) :]


def _receive(file: BinaryIO) -> tuple[int, object] | None:
    """Return what was sent, or None if nothing more comes."""
    length = _exactly(file, _LENGTH)
    data = None if length is None else _exactly(file, int.from_bytes(length))
    if data is None:
        return None
    found: tuple[int, object] = pickle.loads(data)  # from a process of our own
    return found


def _exactly(file: BinaryIO, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        more = file.read(size - len(found))
        if not more:
            return None
        found += more
    return bytes(found)
