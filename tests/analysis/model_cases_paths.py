"""Calls of paths: each path is made anew, for it keeps what it works out."""

from __future__ import annotations

import operator
import sys
import tempfile
from pathlib import Path, PurePath, PurePosixPath

from model_cases import Given, measured

_WIDE = "\N{GOTHIC LETTER AHSA}"
NAMES = (
    "",
    "a",
    "/",
    "//",
    "//a/b",
    "name.tar.gz",
    "../..//./a/" * 5,
    "/usr/lib/python/x.py",
    "/".join("ab" for _ in range(300)),
    "/".join(_WIDE for _ in range(200)),
    "directory" * 30 + "/" + _WIDE * 100,
    "..x" * 60,
    "é/éé/" * 40,
)
_NAMED = tuple(name for name in NAMES if PurePath(name).name)
_CLASSES = (PurePath, PurePosixPath, Path)


def _warm() -> list[str]:
    """Call what is measured, for what its first call takes, and return all parts, which so stay interned."""
    others = ("", "b", "c.d", "u", "v", "x.y", "q", _WIDE, "n" * 40, _WIDE * 90, _WIDE * 200, "q" * 300)
    for name in (*NAMES, *others) * 3:
        for class_ in _CLASSES:
            path = class_(name)
            hash(path)
            assert path == class_(name)
            assert path.joinpath("u").is_relative_to(path)
            assert not path.is_relative_to("none" * 9)
    found = {part for name in (*NAMES, *others, "none" * 9) for part in name.split("/")}
    return [sys.intern(part) for part in found]


_INTERNED = _warm()


def _joined(name: str) -> PurePath:
    """Return a path of many segments, some of them empty."""
    path = PurePath(name)
    for segment in ("", "b", "", "", _WIDE, "c.d"):
        path = path / segment
    return path


def _asked(name: str) -> PurePath:
    """Return a path that keeps all that it can."""
    path = Path(name)
    hash(path)
    _ = path.parts
    return path


MAKERS = (PurePath, _joined, _asked)
_PAIRS = tuple((one, other) for one in NAMES for other in ("", "x.y", _WIDE, "/" + "q/" * 90))

for _class in _CLASSES:
    measured(f"pathlib.{_class.__name__}", _class, (), *((name,) for name in NAMES), *_PAIRS)
    measured(
        f"pathlib.{_class.__name__}",
        _class,
        *(lambda name=name: (_joined(name), name) for name in NAMES),
    )
measured("pathlib.PosixPath", type(Path()), *((name,) for name in NAMES))
for _make in MAKERS:
    measured(
        "pathlib.PurePath.__truediv__",
        operator.truediv,
        *(lambda make=_make, pair=pair: (make(pair[0]), pair[1]) for pair in _PAIRS),
    )
    measured(
        "pathlib.PurePath.joinpath",
        PurePath.joinpath,
        *(lambda make=_make, pair=pair: (make(pair[0]), *pair) for pair in _PAIRS),
        *(lambda make=_make, pair=pair: (make(pair[0]), make(pair[1])) for pair in _PAIRS),
    )
    for _name in ("name", "stem", "suffix", "suffixes", "parts", "parent", "root", "drive", "anchor"):
        measured(
            f"pathlib.PurePath.{_name}",
            operator.attrgetter(_name),
            *(lambda make=_make, name=name: (make(name),) for name in NAMES),
        )
    for _name in ("as_posix", "is_absolute", "__hash__", "__str__", "__fspath__"):
        measured(
            f"pathlib.PurePath.{_name}",
            getattr(PurePath, _name),
            *(lambda make=_make, name=name: (make(name),) for name in NAMES),
        )
    for _name in ("__eq__", "__ne__"):
        measured(
            f"pathlib.PurePath.{_name}",
            getattr(operator, _name),
            *(lambda make=_make, name=name: (make(name), make(name)) for name in NAMES),
            *(lambda make=_make, name=name: (make(name), name) for name in NAMES),
        )
    for _given, _name in (
        (_WIDE, "with_name"),
        ("n" * 40, "with_name"),
        ("s" * 9, "with_stem"),
        (".t", "with_suffix"),
    ):
        measured(
            f"pathlib.PurePath.{_name}",
            getattr(PurePath, _name),
            *(lambda make=_make, name=name, given=_given: (make(name), given) for name in _NAMED),
        )
    for _name in ("relative_to", "is_relative_to"):
        measured(
            f"pathlib.PurePath.{_name}",
            getattr(PurePath, _name),
            *(lambda make=_make, name=name: (make(name) / "u" / "v", name or ".") for name in NAMES),
            *(lambda make=_make, name=name: (make(name) / "u" / "v", make(name)) for name in NAMES),
        )
    for _call in (str, repr):
        measured(
            f"builtins.{_call.__name__}",
            _call,
            *(lambda make=_make, name=name: (make(name),) for name in NAMES),
        )
measured(
    "pathlib.PurePath.__rtruediv__",
    lambda path, key: key / path,
    *(lambda p=p: (_joined(p[0]), p[1]) for p in _PAIRS),
)
measured(
    "pathlib.PurePath.is_relative_to",
    PurePath.is_relative_to,
    *(lambda name=name: (PurePath(name), "q" * 300 + "/" + _WIDE) for name in NAMES),
)
for _name, _given in (("relative_to", _WIDE * 200), ("with_name", "/" + _WIDE * 90)):
    measured(
        f"pathlib.PurePath.{_name}",
        getattr(PurePath, _name),
        *(lambda name=name, given=_given: (PurePath(name), given) for name in NAMES),
        raises=True,
    )

# -- of the host
_DIRECTORY = tempfile.TemporaryDirectory()
_AT = _DIRECTORY.name


def _free(name: str) -> str:
    found = Path(_AT, name)
    if found.is_dir():
        found.rmdir()
    found.unlink(missing_ok=True)
    return f"{_AT}/{name}"


def _file(name: str) -> str:
    Path(_AT, name).write_bytes(b"")
    return f"{_AT}/{name}"


def _made(name: str) -> str:
    Path(_free(name)).mkdir()
    return f"{_AT}/{name}"


_LONG = "n" * 200 + _WIDE
_HERE = ("there", _LONG, "none/" * 30, "x" * 300)
_file("there")
for _name in ("exists", "is_file", "is_dir", "is_symlink"):
    measured(
        f"pathlib.Path.{_name}",
        getattr(Path, _name),
        *(
            lambda name=name: (Path(_AT, name),)
            for name in ("", "there", "there/under", "none", _LONG, "none/" * 30)
        ),
    )
for _name in ("stat", "lstat"):
    measured(
        f"pathlib.Path.{_name}", getattr(Path, _name), lambda: (Path(_AT, "there"),), lambda: (Path("/"),)
    )
    measured(f"pathlib.Path.{_name}", getattr(Path, _name), lambda: (Path(_AT, _LONG),), raises=True)
measured(
    "pathlib.Path.mkdir",
    Path.mkdir,
    lambda: (Path(_free("new")),),
    lambda: Given(Path(_made("old")), exist_ok=True),
)
measured(
    "pathlib.Path.mkdir",
    Path.mkdir,
    lambda: (Path(_made("old")),),
    lambda: (Path(_AT, _LONG, "x"),),
    raises=True,
)
measured(
    "pathlib.Path.unlink",
    Path.unlink,
    lambda: (Path(_file("gone")),),
    lambda: (Path(_file(_LONG[-60:])),),
    lambda: Given(Path(_free("gone")), missing_ok=True),
)
measured("pathlib.Path.rmdir", Path.rmdir, lambda: (Path(_made("empty")),))
measured("pathlib.Path.rmdir", Path.rmdir, lambda: (Path(_AT),), raises=True)
for _name in ("rename", "replace"):
    measured(
        f"pathlib.Path.{_name}",
        getattr(Path, _name),
        lambda: (Path(_file("one")), f"{_AT}/other"),
        lambda: (Path(_file("one")), Path(_AT, _LONG[-60:])),
    )
measured(
    "pathlib.Path.touch", Path.touch, lambda: (Path(_free("touched")),), lambda: (Path(_file("touched")),)
)
measured(
    "pathlib.Path.write_bytes",
    Path.write_bytes,
    *(lambda n=n: (Path(_AT, "data"), bytes(n)) for n in (0, 1, 4000, 8192, 8193, 20_000, 1_000_000)),
    lambda: (Path(_AT, "data"), bytearray(9000)),
)
measured(
    "pathlib.Path.write_text",
    Path.write_text,
    *(
        lambda n=n, one=one: (Path(_AT, "data"), one * n)
        for n in (0, 1, 4000, 8193, 20_000, 500_000)
        for one in ("a", "é", "\u20ac\n", _WIDE)
    ),
    *(lambda n=n: (Path(_AT, "data"), "a\n" * n, "utf-8") for n in (1, 9000)),
)
