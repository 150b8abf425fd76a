"""Bounds that are committed beside the source, as a ratchet: a bound that grew fails the check.

The file is JSON, an entry a table, sorted by name, so that a change reads well in a diff. Bounds hold for one
version of CPython, as objects' sizes do; the file names it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from hardtack.analysis.report import at, finding_lines, largest_share, rounded
from hardtack.errors import HardtackError
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from hardtack.analysis.results import Analysed

Bounds: TypeAlias = dict[str, dict[str, Size]]  # by entry: "peak", "returned", "retained by PATH"


_EXAMPLE: Final = 100  # what symbols are taken for in figures


@dataclass(frozen=True, slots=True)
class Change:
    """What is different from the file.

    kind: "grew" (or cannot be told to be no greater), "lost" (there is a finding now), "new" (the file has
        no such entry), "gone" (the source has none) fail a check; "shrank" does not.
    details: lines that say more.
    """

    entry: str
    kind: Literal["grew", "lost", "new", "shrank", "gone"]
    text: str
    details: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether the check fails because of it."""
        return self.kind != "shrank"


def text_of(bounds: Iterable[Analysed]) -> str:
    """Return what a bounds file has of bounds.

    Raises:
        HardtackError: if an entry has no bound.
    """
    entries = {}
    for bound in bounds:
        if bound.peak is None or bound.assumed:
            raise HardtackError(
                f"{bound.entry} has no bound, so no file is written; `hardtack bound {bound.entry}` says why"
            )
        entries[bound.entry] = {what: str(size) for what, size in _sizes(bound).items()}
    content = {"python": _version(), "entries": dict(sorted(entries.items()))}
    return json.dumps(content, indent=2) + "\n"


def read(path: Path) -> Bounds:
    """Return the bounds of a file.

    Raises:
        HardtackError: if it is no bounds file, or one for another version of CPython.
        OSError: if it cannot be read.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        if not isinstance(content, dict) or not isinstance(content.get("entries"), dict):
            raise HardtackError(f'{path} is no bounds file: it has no "python" and "entries"')
        version = content.get("python")
        bounds = {
            str(entry): {str(what): Size.parse(text) for what, text in sizes.items()}
            for entry, sizes in content["entries"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HardtackError(f"{path} is no bounds file: {error}") from error
    if version != _version():
        raise HardtackError(
            f"{path} holds bounds for CPython {version}, and this is {_version()}: objects have other sizes; "
            "keep a file for each version"
        )
    return bounds


def compare(
    committed: Bounds, bounds: Iterable[Analysed], missing: Mapping[str, str] | None = None
) -> list[Change]:
    """Return how bounds differ from the committed ones, by entry.

    Args:
        committed: the file's.
        bounds: what was found.
        missing: why there is no function, of entries that name none.
    """
    changes: list[Change] = []
    seen = set()
    for bound in bounds:
        seen.add(bound.entry)
        old = committed.get(bound.entry)
        if bound.peak is None or bound.assumed:
            lines = tuple(line for one in bound.findings for line in finding_lines(one))
            changes.append(Change(bound.entry, "lost", "there is no bound any more", lines))
        elif old is None:
            changes.append(
                Change(bound.entry, "new", f"is not in the file; its peak is {rounded(bound.peak)} bytes")
            )
        else:
            changes += _compare_sizes(bound, old, _sizes(bound))
    changes += [
        Change(entry, "gone", (missing or {}).get(entry, "is in the file alone"))
        for entry in committed
        if entry not in seen
    ]
    return changes


def _compare_sizes(bound: Analysed, old: dict[str, Size], new: dict[str, Size]) -> list[Change]:
    changes = []
    for what in sorted(old.keys() | new.keys()):
        before, now = old.get(what, ZERO), new.get(what, ZERO)
        if before == now:
            continue
        kind: Literal["shrank", "grew"] = "shrank" if before.dominates(now) else "grew"
        text = f"{what} was {rounded(before)} bytes and is {rounded(now)} bytes"
        changes.append(Change(bound.entry, kind, text, tuple(_details(bound, what, before, now))))
    return changes


def _details(bound: Analysed, what: str, before: Size, now: Size) -> Iterator[str]:
    names = before.symbols() | now.symbols()
    given = f"with every length and number {_EXAMPLE}" if names else "in figures"
    yield f"{given}: {at(before, _EXAMPLE):,} bytes before, {at(now, _EXAMPLE):,} now"
    largest = largest_share(bound, _EXAMPLE)
    if what == "peak" and largest:
        yield f"most of it now: {largest}"


def _sizes(bound: Analysed) -> dict[str, Size]:
    assert bound.peak is not None
    return {
        "peak": bound.peak,
        "returned": bound.returned,
        **{f"retained by {path}": size for path, size in bound.retained},
    }


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
