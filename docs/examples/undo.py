"""Rename a file in a heap that is full from the n-th allocation on."""

from collections.abc import Callable
from itertools import count
from typing import TypeAlias

from hardtack.heap import Heap

Directory: TypeAlias = dict[str, bytearray]
FILES = 21  # a dict of so many is full: one more makes a larger table
kernel = Heap("1 MiB", name="kernel")


def rename(old: Directory, new: Directory, name: str) -> None:
    """Move a name from one directory to another, and note it in a journal block."""
    content = old.pop(name)
    journal = bytearray(1000)
    new[name] = content
    del journal


def rename_or_undo(old: Directory, new: Directory, name: str) -> None:
    """Do the same, and put the name back if that fails."""
    content = old.pop(name)
    try:
        journal = bytearray(1000)
        new[name] = content
        del journal
    except MemoryError:
        old[name] = content
        raise


def lost(rename: Callable[[Directory, Directory, str], None], *, for_good: bool) -> list[int]:
    """Return whose failure loses the file: one allocation's, or all's from there on."""
    found = []
    for n in count(1):
        with kernel:
            old = {f"file {number}": bytearray(10) for number in range(FILES)}
            new: Directory = {}
            kernel.fail_nth(n, min_size=513, repeat=for_good)  # large blocks alone
            try:
                rename(old, new, "file 7")
            except MemoryError:
                if len(old) + len(new) < FILES:
                    found.append(n)
            else:
                break  # there is no n-th allocation any more
            finally:
                kernel.fail_nth(0)
    return found


if __name__ == "__main__":
    print("lost when these allocations fail")
    print("  no undo:                  ", lost(rename, for_good=False))
    print("  undo:                     ", lost(rename_or_undo, for_good=False))
    print("  undo, and it stays full:  ", lost(rename_or_undo, for_good=True))
