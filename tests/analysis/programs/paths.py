"""Paths of pathlib: what they are made of, what they keep, and which of several paths keeps it."""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath


def below(root: Path, names: list[str]) -> list[Path]:
    return [root / name for name in names]


def deeper(root: PurePath, names: list[str]) -> PurePath:
    for name in names[:6]:
        root = root / name / ""
    return root


def names_of(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def parts_of(path: PurePosixPath) -> int:
    first, again = path.parts, path.parts
    return len(first) + len(again)


def counted(paths: list[Path], sought: Path) -> int:
    """Each path that is hashed, or compared, keeps its text: those of the caller's, too."""
    seen: set[Path] = set()
    for path in paths:
        seen.add(path)
    return len(seen) + (sought in seen) + (sought in paths)


def by_path(sizes: dict[PurePath, int], wanted: list[PurePath]) -> int:
    return sum(sizes[path] for path in wanted if path in sizes)


def shown(paths: tuple[Path, ...], root: Path) -> str:
    found = []
    for path in paths:
        if path.is_relative_to(root):
            found.append(f"{path}: {path.stem!r} {path.suffix}")
    return ", ".join(found) + str(root)


def renamed(path: Path, suffix: str) -> Path | None:
    try:
        return path.with_suffix("." + suffix)
    except ValueError:
        return None


def told_apart(given: str | Path) -> str:
    if isinstance(given, str):
        return given + given
    return given.as_posix()


def climbed(path: PurePath) -> int:
    found = 0
    for _ in range(8):
        found += len(path.suffixes) + path.is_absolute()
        path = path.parent
    return found


class Shelf:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.seen: Path | None = None

    def find(self, name: str) -> Path:
        found = self.root / name
        if found.is_absolute():
            self.seen = found
        return found.relative_to(self.root)


def shelved(shelf: Shelf, name: str) -> str:
    return str(shelf.find(name))


def asked_twice(one: Path, other: Path) -> bool:
    return one == other and one.parent == other.parent


def there(root: Path, names: list[str]) -> int:
    return sum((root / name).exists() for name in names)
