"""Looking at a kernel from another process: a socket that answers with a table of what runs in it.

A kernel with a name listens on NAME-PID.sock in a directory of its user's: $XDG_RUNTIME_DIR/hardtack, else
hardtack-UID in the directory for temporary files. Nobody else may enter that; one that is another's, or open
to others, is not used. Who connects is sent one table, as JSON, and nothing that is sent to it is read. The
table is made between two turns.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import stat
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hardtack.errors import KernelError
from hardtack.kernel.process import ENDED, EXITING, NEW, RUNNABLE, WAITING_FOR_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.kernel.process import Process
    from hardtack.kernel.system import System

SUFFIX: Final = ".sock"
ANSWER_SECONDS: Final = 5.0  # that an answer is waited for, or that one who asked may take to read it
MAX_TABLE: Final = 64 << 20  # bytes of an answer that are read
MAX_SOCKET_PATH: Final = 108  # bytes, its NUL included, as Linux has it
MAX_NUMBERS: Final = 24  # bytes of a pid, a number and the suffix
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,60}")


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A process in a table.

    Attributes:
        pid: its number.
        parent: its parent's, or 0.
        group: that of its tree's first process.
        state: new, runnable, blocked, waiting for memory, zombie.
        program: its name.
        live: bytes of the kernel's heap that it alone holds.
        memory: bytes of its linear memory.
        waits: what it waits for, or empty.
    """

    pid: int
    parent: int
    group: int
    state: str
    program: str
    live: int
    memory: int
    waits: str


@dataclass(frozen=True, slots=True)
class KernelTable:
    """A kernel at one moment.

    Attributes:
        name: its name.
        host_pid: the process of the host that it is in.
        live: bytes live on its heap.
        reserved: bytes reserved there.
        capacity: what both may be together, or None.
        memory: bytes of user memory in use.
        memory_capacity: that there are.
        turns: that were taken.
        waits: calls that had to wait for memory.
        kills: process trees that were killed to free memory, the last 256 at most.
        processes: one row each.
    """

    name: str
    host_pid: int
    live: int
    reserved: int
    capacity: int | None
    memory: int
    memory_capacity: int
    turns: int
    waits: int
    kills: int
    processes: list[ProcessRow]


# -- in the kernel's process
def take_table(name: str, system: System, turns: Callable[[], int]) -> KernelTable:
    """Make a table. Called on the kernel's thread, between turns."""
    rows = []
    pid = system.processes.next_used(1)
    while pid >= 0:
        process = system.process(pid)
        if process is not None:
            rows.append(_row(system, process))
        pid = system.processes.next_used(pid + 1)
    books = system.heap.statistics()
    budget = system.user_memory
    return KernelTable(
        name,
        os.getpid(),
        books.live,
        books.reserved,
        books.capacity,
        budget.used,
        budget.capacity,
        turns(),
        system.waits,
        len(system.kills),
        rows,
    )


def _row(system: System, process: Process) -> ProcessRow:
    return ProcessRow(
        process.pid,
        process.parent.pid if process.parent is not None else 0,
        process.group.leader,
        process.state,
        process.image.name,
        process.heap.live,
        len(process.memory),
        _waits(system, process),
    )


def _waits(system: System, process: Process) -> str:
    """Say what a process waits for."""
    if process.state == WAITING_FOR_MEMORY or process.waiter is not None:
        return "memory"
    if process.queue is None or process.state in {NEW, RUNNABLE, EXITING, *ENDED}:
        return ""
    if process.waits_for_host and process.queue is not system.pollers:
        return "host"
    known = {
        id(system.sleepers): "clock",
        id(system.pollers): "poll",
        id(system.child_waiters): "child",
    }
    return known.get(id(process.queue), "pipe")


class Window:
    """Answers whoever looks at a kernel, on a thread of its own.

    Args:
        name: of the kernel; letters, digits and "-_.".
        take: makes a table; called on the window's thread.

    Raises:
        KernelError: the name is none, or there is no directory for the socket.
    """

    def __init__(self, name: str, take: Callable[[], KernelTable]) -> None:
        if not _NAME.fullmatch(name):
            raise KernelError(f"{name!r} cannot be a kernel's name: it has up to 60 of A-Z a-z 0-9 - _ .")
        self._take = take
        self._process = os.getpid()
        number = next(_numbers)
        self.path = directory() / f"{name}-{os.getpid()}{f'.{number}' if number else ''}{SUFFIX}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()  # one with our pid that did not end well
            self._socket.bind(str(self.path))
            self._socket.listen()
        except OSError as error:
            self._socket.close()
            raise KernelError(f"{self.path}: {error.strerror}") from None
        self._thread = threading.Thread(target=self._serve, name=f"hardtack window {name}", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # they are the main thread's
        while True:
            try:
                asking, _ = self._socket.accept()
            except OSError:
                return
            with asking, contextlib.suppress(OSError, KernelError):
                asking.settimeout(ANSWER_SECONDS)
                asking.sendall(json.dumps(asdict(self._take())).encode())

    def close(self) -> None:
        """Answer no more. A second call does nothing; nor does one in another process."""
        if os.getpid() != self._process:
            return
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with contextlib.suppress(OSError):
            self.path.unlink()


def can_be_seen(name: str) -> bool:
    """Tell whether a kernel of that name could have a window: there is a directory, of a short name."""
    try:
        return len(os.fsencode(directory() / name)) + MAX_NUMBERS < MAX_SOCKET_PATH
    except KernelError:
        return False


# -- in the process that looks
def directory() -> Path:
    """Return the directory of the sockets; it is made if need be.

    Raises:
        KernelError: it is not this user's alone.
    """
    import tempfile  # loading it takes as long as running a small program

    runtime = os.environ.get("XDG_RUNTIME_DIR")
    path = Path(runtime) / "hardtack" if runtime else Path(tempfile.gettempdir()) / f"hardtack-{os.geteuid()}"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.lstat()
    except OSError as error:
        raise KernelError(f"{path}: {error.strerror}") from None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise KernelError(f"{path} is not this user's alone; kernels are not looked for there")
    return path


def look_at_all(name: str | None = None) -> list[KernelTable]:
    """Return a table of each kernel that can be looked at, or of those with a name; blocks.

    What is left of kernels that are gone is removed.

    Raises:
        KernelError: the directory is not this user's alone.
    """
    tables = [look_at(path) for path in sorted(directory().glob(f"*{SUFFIX}"))]
    return [table for table in tables if table is not None and name in {None, table.name}]


def look_at(path: Path) -> KernelTable | None:
    """Return the table of the kernel behind a socket; None if it is gone, or says nothing of use."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(ANSWER_SECONDS)
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        except OSError:
            return None
        pieces = bytearray()
        try:
            while len(pieces) < MAX_TABLE and (piece := asking.recv(1 << 16)):
                pieces += piece
            found = json.loads(pieces)
            rows = [ProcessRow(**row) for row in found.pop("processes")]
            return KernelTable(**found, processes=rows)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None


_numbers = iter(range(1 << 62))  # of the windows of this process
