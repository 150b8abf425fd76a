"""Recordings: all that came from outside while a kernel ran, in order, and the same run again without it.

A recording is lines of JSON. The first says what was run; each other line is one thing that came from
outside: what was asked for and what came, as [what, outcome] or [what, outcome, bytes in base64]. What a
system call asks for names the process and how many calls were made before, so a run that goes another way is
noticed at the next thing it wants from outside. The last line is the end: why, after how many turns, and a
digest of all system calls.

`Tape` writes one, `Playback` reads one; both answer `outcome`, so that `Taped` need not know which it has.
"""

from __future__ import annotations

import base64
import importlib.metadata
import json
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from hardtack.errors import KernelError, ReplayDiverged
from hardtack.heap import Heap
from hardtack.kernel.descriptions import Description
from hardtack.runtime.taped import Opened, TapedDescription

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.kernel.host_watch import HostDescription
    from hardtack.kernel.process import Process
    from hardtack.runtime.outside import Trace

FORMAT: Final = 1
END: Final = "end"
LONGEST_LINE: Final = 512 << 20  # bytes: all of standard input stands in one
DIFFERS: Final = "the replay differs from its recording"

Json: TypeAlias = "int | str | list[Json] | dict[str, Json] | None"
Outcome: TypeAlias = "int | bytes | tuple[int, ...] | Description | None"


@dataclass(frozen=True, slots=True)
class Header:
    """What was run.

    Attributes:
        program: a built-in's path, or the file's.
        sha256: of a file, in hex; empty for a built-in.
        args: its arguments, without argv[0].
        env: its environment.
        files: what was put into its file system, in base64.
        heap: bytes of the kernel's heap.
        memory: bytes of user memory.
        fs_size: bytes of the file system in memory, or None.
        mounts: the guest's names of directories of the host.
        listen: addresses that it listened at.
        limits: of the program, by their names.
        hash_seed: PYTHONHASHSEED, by which names are ordered in directories.
        built_ins: digest of the programs that come with hardtack.
        hardtack: its version.
        format: of the recording.
    """

    program: str
    sha256: str
    args: list[str]
    env: dict[str, str]
    files: dict[str, str]
    heap: int
    memory: int
    fs_size: int | None
    mounts: list[str]
    listen: list[str]
    limits: dict[str, float | None]
    hash_seed: int
    built_ins: str
    hardtack: str = field(default_factory=lambda: importlib.metadata.version("hardtack"))
    format: int = FORMAT


class Reel:
    """A tape or a playback, and the descriptions that were opened through it, by their numbers."""

    playing: bool
    trace: Trace | None

    def __init__(self) -> None:
        self._count = 0
        self._open: dict[int, TapedDescription] = {}
        self._numbers: dict[int, int] = {}  # by the id of what is behind

    def opened(self, description: TapedDescription, inner: Description | None) -> int:
        """Number a description."""
        self._count += 1
        self._open[self._count] = description
        self._numbers[id(inner)] = self._count
        return self._count

    def closed(self, description: TapedDescription, inner: Description | None) -> None:
        """Forget a description."""
        self._open.pop(description.number, None)
        self._numbers.pop(id(inner), None)

    def number_of(self, inner: Description) -> int:
        """Return the number of the description before another; 0 for none."""
        return self._numbers.get(id(inner), 0)

    def with_numbers(self, numbers: tuple[int, ...]) -> list[HostDescription]:
        """Return the descriptions with these numbers."""
        return [self._open[number] for number in numbers if number in self._open]

    def over(self, turns: int) -> bool:
        """As an outside's."""
        raise NotImplementedError

    def end(self, why: str | None, turns: int) -> str | None:
        """As an outside's `ended`."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the file."""

    def outcome(
        self, what: str, make: Callable[[], Outcome], process: Process | None = None, start: int = -1
    ) -> Outcome:
        """Return what came from outside.

        Args:
            what: what is asked for.
            make: asks for it.
            process: who asks, in a system call.
            start: from where on in its memory so many bytes as the outcome says were read or written.
        """
        raise NotImplementedError


class Tape(Reel):
    """A recording that is made."""

    playing = False

    def __init__(self, path: Path, header: Header, trace: Trace) -> None:
        super().__init__()
        self._heap = Heap(None, name="recording")
        self.trace: Trace | None = trace
        try:
            self._file = path.open("w")
        except OSError as error:
            raise KernelError(f"{path}: {error.strerror}") from None
        self._write(asdict(header))

    def outcome(
        self, what: str, make: Callable[[], Outcome], process: Process | None = None, start: int = -1
    ) -> Outcome:
        """Ask, and keep what came. Nothing of that is charged to whoever asks."""
        outcome = make()
        kept: Outcome = self._heap.run(self._keep, what, outcome, process, start)
        return kept

    def _keep(self, what: str, outcome: Outcome, process: Process | None, start: int) -> Outcome:
        if isinstance(outcome, Description):
            outcome = TapedDescription(self, Opened.of(outcome), outcome)
        record = [_name(what, process, self.trace), _to_json(outcome)]
        if process is not None and isinstance(outcome, int) and start >= 0 and outcome > 0:
            piece = process.memory[start : start + outcome]
            record.append(zlib.crc32(piece) if what.startswith("write") else base64.b64encode(piece).decode())
        self._write(record)
        return outcome

    def _write(self, record: object) -> None:
        self._file.write(json.dumps(record, separators=(",", ":")) + "\n")

    def over(self, turns: int) -> bool:
        """Tell that the run goes on."""
        return False

    def end(self, why: str | None, turns: int) -> str | None:
        """Keep how it ended."""
        assert self.trace is not None
        self._write([END, why, turns, self.trace.digest()])
        return why

    def close(self) -> None:
        """Write out what is left.

        Raises:
            KernelError: the file system has no room for it.
        """
        try:
            self._file.close()
        except OSError as error:
            raise KernelError(f"the recording {self._file.name}: {error.strerror}") from None


class Playback(Reel):
    """A recording that is read, one line ahead.

    Attributes:
        header: what was run.
        problem: where the run first differed, or None.
    """

    playing = True

    def __init__(self, path: Path, trace: Trace) -> None:
        """Read the first line.

        Raises:
            KernelError: it is no recording, or one of another format.
        """
        super().__init__()
        self._path = path
        self._line = 1
        self._heap = Heap(None, name="recording")
        self.trace: Trace | None = trace
        self.problem: str | None = None
        try:
            self._file = path.open("rb")
            first = json.loads(self._file.readline(LONGEST_LINE))
            self.header = Header(**first)
        except OSError as error:
            raise KernelError(f"{path}: {error.strerror}") from None
        except (ValueError, TypeError):
            raise KernelError(f"{path} is no recording of hardtack's") from None
        if self.header.format != FORMAT:
            raise KernelError(f"{path} has format {self.header.format}; this hardtack reads {FORMAT}")
        self._next = self._read()

    def _read(self) -> list[Json]:
        self._line += 1
        try:
            record = json.loads(self._file.readline(LONGEST_LINE) or b"[]")
        except ValueError:
            record = []
        return record if isinstance(record, list) and record else ["nothing more"]

    def outcome(
        self, what: str, make: Callable[[], Outcome], process: Process | None = None, start: int = -1
    ) -> Outcome:
        """Return what came then. Nothing of that is charged to whoever asks."""
        taken: Outcome = self._heap.run(self._take, what, process, start)
        return taken

    def _take(self, what: str, process: Process | None, start: int) -> Outcome:
        name = _name(what, process, self.trace)
        record = self._next
        if self.problem is not None or record[0] != name or len(record) < 2:
            self.differ(f"it asks for {name!r}, where the recording has {record[0]!r}")
            return None
        try:
            outcome = _from_json(record[1], self)
            if process is not None and len(record) > 2 and isinstance(outcome, int):
                self._move(record[2], process.memory[start : start + outcome])
        except (ValueError, TypeError, KeyError) as error:
            self.differ(f"the recording cannot be read: {error}")
            return None
        self._next = self._read()
        return outcome

    def _move(self, recorded: Json, memory: memoryview) -> None:
        if isinstance(recorded, int):
            if zlib.crc32(memory) != recorded:
                self.differ("it writes other bytes than it wrote then")
        elif isinstance(recorded, str):
            memory[:] = base64.b64decode(recorded)

    def differ(self, how: str) -> None:
        """Note how the run differs, if it is the first time."""
        if self.problem is None:
            self.problem = f"{DIFFERS}, line {self._line} of {self._path}: {how}"

    def over(self, turns: int) -> bool:
        """Tell whether the run is where it was ended from outside, or lost."""
        if self.problem is not None:
            return True
        record = self._next
        if record[0] != END or len(record) < 4 or record[1] is None:
            return False
        return isinstance(record[2], int) and turns >= record[2]

    def end(self, why: str | None, turns: int) -> str | None:
        """Compare how it ends; return why it did then."""
        record = self._next
        if self.problem is None and (record[0] != END or len(record) < 4):
            self.differ(f"it ends, where the recording has {record[0]!r}")
        if self.problem is not None:
            return DIFFERS
        digest = self.trace.digest() if self.trace is not None else ""
        if record[2:] != [turns, digest]:
            self.differ(f"it ends after {turns} turns and other system calls, not after {record[2]} turns")
        return record[1] if isinstance(record[1], str) else None

    def check(self, waits: int) -> None:
        """Raise where the run differed; waits is how many of its calls had to wait for memory.

        Raises:
            ReplayDiverged: it did.
        """
        if self.problem is not None:
            hint = "; its kernel's heap was full, and who waits then hangs on a few bytes" if waits else ""
            raise ReplayDiverged(self.problem + hint)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _name(what: str, process: Process | None, trace: Trace | None) -> str:
    """Name what is asked for: in a system call, with the process and the calls before."""
    if process is None:
        return what
    return f"{what} {process.pid} {trace.calls if trace is not None else 0}"


def _to_json(outcome: Outcome) -> Json:
    if isinstance(outcome, bytes):
        return {"bytes": base64.b64encode(outcome).decode()}
    if isinstance(outcome, tuple):
        return list(outcome)
    if isinstance(outcome, TapedDescription):
        return {"opened": [*outcome.opened]}
    assert isinstance(outcome, int) or outcome is None
    return outcome


def _from_json(recorded: Json, reel: Reel) -> Outcome:
    if isinstance(recorded, dict):
        if "bytes" in recorded:
            return base64.b64decode(str(recorded["bytes"]))
        opened = recorded["opened"]
        assert isinstance(opened, list)
        return TapedDescription(reel, Opened.read(opened), None)
    if isinstance(recorded, list):
        return tuple(number for number in recorded if isinstance(number, int))
    if isinstance(recorded, str):
        raise TypeError(f"{recorded[:20]!r} is no outcome")
    return recorded
