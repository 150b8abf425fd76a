"""Arguments of programs of paths; each is made anew, for a path keeps what it works out."""

from __future__ import annotations

from itertools import starmap
from pathlib import Path, PurePath, PurePosixPath

from hardtack.lab.measuring import given
from programs import paths as programs

_WIDE = "\N{GOTHIC LETTER AHSA}"
_NAMES = ("", "/", "a", "a/b/c.tar.gz", "//x/y", "ab/" * 200, f"{_WIDE}/" * 150, "n" * 400, "../." * 60)
_LISTS = ([], ["a"], ["", "", ""], ["x.y"] * 50, [_WIDE * 30, "b" * 90, "c/d/" * 40])


def _paths(count: int, name: str) -> list[Path]:
    return [Path(f"{name}{index}", "", "x") for index in range(count)]


def _all(*counts: int) -> list[tuple[int, str]]:
    return [(count, name) for count in counts for name in _NAMES]


INPUTS = {
    programs.below: [lambda n=n, one=one: given(Path(n), list(one)) for n in _NAMES for one in _LISTS],
    programs.deeper: [lambda n=n, one=one: given(PurePath(n), list(one)) for n in _NAMES for one in _LISTS],
    programs.names_of: [lambda c=c, n=n: given(_paths(c, n)) for c, n in _all(0, 1, 30)],
    programs.parts_of: [lambda n=n: given(PurePosixPath(n)) for n in _NAMES],
    programs.counted: [
        *(lambda c=c, n=n: given(_paths(c, n), Path(n)) for c, n in _all(0, 1, 30)),
        *(lambda n=n: given([one := Path(n), one, one], one) for n in _NAMES),
    ],
    programs.by_path: [
        lambda c=c, n=n: given(dict.fromkeys(_paths(c, n), 1), [*_paths(c + 2, n)]) for c, n in _all(0, 1, 30)
    ],
    programs.shown: [
        *(lambda c=c, n=n: given(tuple(_paths(c, n)), Path(n)) for c, n in _all(0, 1, 30)),
        *(lambda n=n: given((Path(n, "u.v"), Path(n, _WIDE)), Path(n)) for n in _NAMES),
    ],
    programs.renamed: [
        lambda n=n, s=s: given(Path(n), s) for n in _NAMES for s in ("", "x", "/" * 50, _WIDE * 50)
    ],
    programs.told_apart: [lambda n=n, c=c: given(c(n)) for n in _NAMES for c in (str, Path)],
    programs.climbed: [lambda n=n: given(PurePath(n)) for n in _NAMES],
    programs.shelved: [
        lambda n=n, s=s: given(programs.Shelf(Path("/", n)), s)
        for n in _NAMES
        for s in ("", "x", "y/" * 60, _WIDE)
    ],
    programs.asked_twice: [
        *starmap(lambda n, _: lambda: given(Path(n), Path(n)), zip(_NAMES, _NAMES, strict=True)),
        *(lambda n=n: given(one := Path(n), one) for n in _NAMES),
    ],
    programs.there: [
        lambda n=n, one=one: given(Path("/none", n), list(one)) for n in _NAMES for one in _LISTS
    ],
}
