"""Summaries on disk: those of functions that, with all that they read, are as they were.

One file for each run (`result_cache` says what that is), in it for each function what is known of it, packed
by itself: a run unpacks only what it asks for. A summary rests on the functions, classes and variables that
were read while it was made; it is taken if their digest is the same in the new program.

The file stands behind a checksum; one that is torn or from elsewhere counts as missing. It is a pickle of
values only: reading makes objects of the classes that are listed here and calls nothing else.
"""

from __future__ import annotations

import io
import pickle
import zlib
from dataclasses import dataclass, is_dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from hardtack.analysis import (
    domain,
    footprints,
    integers,
    interpreting,
    ir,
    machine,
    results,
    shapes,
    states,
    summaries,
)
from hardtack.analysis.reads import digest_of
from hardtack.disk_cache import DiskCache, default_directory
from hardtack.symbolic import Size
from hardtack.symbolic.coefficients import Ratio, ratio

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence
    from pathlib import Path

    from hardtack.analysis.footprints import Kept
    from hardtack.analysis.summaries import Memo, Summary

MAX_BYTES: Final = 128 << 20  # of the directory
SUFFIX: Final = ".summaries"
_MOST = 64  # summaries of one function: the newest ones
Packed: TypeAlias = dict[str, tuple[int, bytes]]


@dataclass
class Known:
    """What is known of one function.

    Attributes:
        summaries: by shape.
        pools: that it looks at.
        asks: what it asks of what it is not given.
    """

    summaries: dict[Hashable, Summary]
    pools: set[str | Kept]
    asks: shapes.Asks


class SummaryCache:
    """The summaries of one run.

    Args:
        run: its name.
        directory: where the cache is.
    """

    def __init__(self, run: str, directory: Path | None = None) -> None:
        self._disk = DiskCache(directory or default_directory("summaries"), SUFFIX)
        self._run = run
        self._packed = self._read()
        self._loaded: dict[str, int] = {}  # functions, and how many summaries of theirs were taken

    def functions(self) -> list[str]:
        """Return the functions of which something is known."""
        return sorted(self._packed)

    def load(self, function: str, program: ir.Program) -> Known | None:
        """Return what is known of a function, of its summaries those that still hold."""
        packed = self._packed.get(function)
        found = None if packed is None else _unpickled(zlib.decompress(packed))
        if not isinstance(found, tuple):
            return None
        known, digests = found
        kept = {
            key: summary
            for (key, summary), digest in zip(known.summaries.items(), digests, strict=True)
            if _digest(program, function, summary) == digest
        }
        if len(kept) == len(digests):
            self._loaded[function] = len(kept)
        return Known(kept, known.pools, known.asks) if kept else None

    def save(self, memo: Memo, program: ir.Program) -> None:
        """Keep what is known by now; what no run asks for any more goes with its function."""
        self.add([self.packed(memo, program)], program)

    def add(self, found: Iterable[Packed], program: ir.Program) -> None:
        """Keep what several processes have packed: of a function what the one that knows most of it has."""
        best: Packed = {}
        for function, known in chain.from_iterable(one.items() for one in found):
            if function not in best or known[0] > best[function][0]:
                best[function] = known
        if best:
            self._packed.update((function, packed) for function, (_, packed) in best.items())
            self._packed = {
                name: packed for name, packed in self._packed.items() if _root(name) in program.functions
            }
            self._write(self._packed)

    def packed(self, memo: Memo, program: ir.Program) -> Packed:
        """Return what is known by now and was not before, packed, and how many summaries that is."""
        made: dict[str, dict[Hashable, Summary]] = {}
        for key, summary in memo.summaries.items():
            assert isinstance(key, tuple)
            if not any(one.kind == "internal" for one in summary.own.findings):  # it may depend on the stack
                made.setdefault(key[0], {})[key] = summary
        changed: Packed = {}
        for function, found in made.items():
            if len(found) == self._loaded.get(function):
                continue
            found = dict(list(found.items())[-_MOST:])
            known = Known(found, memo.pools[function], memo.asks[function])
            packed = _packed(known, [_digest(program, function, one) for one in found.values()])
            if packed is not None:
                changed[function] = len(found), packed
        return changed

    # -- files
    def _read(self) -> dict[str, bytes]:
        data = self._disk.read_checked(self._run)
        found = None if data is None else _unpickled(data)
        return found if isinstance(found, dict) else {}

    def _write(self, packed: dict[str, bytes]) -> None:
        self._disk.write_checked(self._run, pickle.dumps(packed), MAX_BYTES)


def _root(function: str) -> str:
    """Return the function of the sources that a function was made of."""
    return function.partition(".<locals>.")[0].partition("~")[0]


def _digest(program: ir.Program, function: str, summary: Summary) -> str:
    """Return a digest of all that a summary of a function rests on."""
    names = summary.names
    return digest_of(program, {**names, "functions": [function, *names["functions"]]})


def _packed(known: Known, digests: Sequence[str]) -> bytes | None:
    """Return what is known of a function as bytes; None if something in it is no value."""
    out = io.BytesIO()
    try:
        _Pickler(out, pickle.HIGHEST_PROTOCOL).dump((known, digests))
    except (pickle.PicklingError, RecursionError):
        return None
    return zlib.compress(out.getvalue(), 1)


def _unpickled(data: bytes) -> object:
    try:
        return _Unpickler(io.BytesIO(data)).load()
    except (RecursionError, pickle.UnpicklingError):
        return None


# -- values
def _values_of(module: object) -> Iterator[type]:
    for one in vars(module).values():
        if isinstance(one, type) and (is_dataclass(one) or hasattr(one, "_fields")):
            yield one


_MODULES = (domain, footprints, integers, interpreting, ir, machine, results, shapes, states, summaries)
_CLASSES = {*chain.from_iterable(map(_values_of, _MODULES)), Size, Known}
_LISTED: Final[dict[tuple[str, str], Any]] = {(one.__module__, one.__qualname__): one for one in _CLASSES} | {
    (ratio.__module__, "ratio"): ratio
}
_WRITTEN = frozenset((*_CLASSES, ratio, Ratio))


class _Pickler(pickle.Pickler):
    """Writes values of the listed classes, and refuses all others."""

    def reducer_override(self, value: object) -> Any:  # noqa: ANN401 - what pickle asks for
        """Return how a value is made again."""
        what = value if value is ratio or isinstance(value, type) else type(value)
        if what in _WRITTEN:
            return NotImplemented
        raise pickle.PicklingError(f"{what} is not kept")


class _Unpickler(pickle.Unpickler):
    """Makes objects of the listed classes, and refuses all others."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - what pickle asks for
        """Return a class by its name."""
        found = _LISTED.get((module, name))
        if found is None:
            raise pickle.UnpicklingError(f"{module}.{name} is not kept")
        return found
