"""Walking a path, one component at a time, confined to what lies below the start.

Used by every file system. Links are expanded here and absolute ones refused; `..` goes back the way that
was come, and never above the start. So a walk cannot lead out, whatever the links say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from hardtack.kernel.abi import ELOOP, ENAMETOOLONG, ENOENT, EPERM, OK
from hardtack.kernel.params import MAX_LINKS, NAME_MAX, PATH_MAX

if TYPE_CHECKING:
    from hardtack.kernel.ranges import Count, Errno, Name, PathBytes

# Components that one walk can come by: each is a byte at least of the path, or of a link in its place.
_STEPS: Final = (MAX_LINKS + 1) * (PATH_MAX + 1)


class Place(Protocol):
    """Where a walk has come to: a directory of some file system, and at the end a name in it.

    Attributes:
        name: the last component; "." for the directory itself.
        must_be_directory: the path ended in a slash.
    """

    name: Name
    must_be_directory: bool

    def link(self, name: Name) -> PathBytes | None:
        """Return the target of a name here that is a symbolic link, or None."""

    def down(self, name: Name) -> Errno:
        """Enter the directory of that name; an errno, or OK."""

    def up(self) -> bool:
        """Go back to the directory that this one was entered from; False at the start."""


def walk(place: Place, path: PathBytes, follow: bool) -> Errno:  # noqa: C901 (one loop, its steps share all)
    """Take place along a path: an errno, or OK with its name set.

    Links on the way are followed, and a last one with a slash behind it; a plain last one only on request.
    """
    if not path or path.startswith(b"/"):
        return EPERM if path else ENOENT
    links = 0
    position = 0
    for _ in range(_STEPS):
        end = path.find(b"/", position)
        end = len(path) if end < 0 else end
        length = end - position
        if length > NAME_MAX:
            return ENAMETOOLONG
        name = path[position : position + length]
        position = _past_slashes(path, end)
        if name == b"..":
            if not place.up():
                return EPERM
            name = b"."
        if name != b"." and (follow or end < len(path)):
            target = place.link(name)
            if target is not None:
                links += 1
                errno = _may_expand(target, len(path) - end, links)
                if errno:
                    return errno
                expanded = _expand(target, path, end)
                target, path = None, b""  # before there is one more of them
                path = bytes(expanded)
                del expanded
                position = 0
                continue
        if position == len(path):
            place.name = name
            place.must_be_directory = end < len(path)
            return OK
        errno = place.down(name) if name != b"." else OK
        if errno:
            return errno
    return ELOOP


def _past_slashes(path: PathBytes, position: Count) -> int:
    while position < len(path) and path[position] == 47:
        position += 1
    return position


def _may_expand(target: PathBytes, rest: Count, links: Count) -> Errno:
    if links > MAX_LINKS:
        return ELOOP
    if target.startswith(b"/"):
        return EPERM
    return ENAMETOOLONG if len(target) + rest > PATH_MAX else OK


def _expand(target: PathBytes, path: PathBytes, end: Count) -> bytearray:
    """Return a path with a link's target in place of what stands before `end`."""
    expanded = bytearray(min(len(target) + len(path) - end, PATH_MAX))
    view = memoryview(expanded)
    view[: len(target)] = target
    view[len(target) :] = memoryview(path)[end:]
    return expanded


def leads_out(target: PathBytes, depth: Count) -> bool:
    """Tell whether a link's target, from so far below the directory where paths start, goes above that."""
    position = 0
    for _ in range(len(target) + 1):
        end = target.find(b"/", position)
        part = target[position : end if end >= 0 else len(target)]
        if part == b"..":
            depth -= 1
        elif part not in {b"", b"."}:
            depth += 1
        if depth < 0:
            return True
        if end < 0:
            break
        position = end + 1
    return False
