"""Directories: names in a trie over their hashes, split one leaf at a time.

A leaf is a dict of at most BUCKET names; a full one becomes four. So a name costs the same to add to ten
names as to a million (a plain dict: 3.8 MB at once at 100,000). Order, for readdir's cookies, is by hash:
an entry's place does not move when others come and go. CPython keys bytes' hashes per process, so a guest
cannot choose names that collide; a leaf that is full at the trie's last level takes no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from hardtack.kernel.abi import DIRECTORY
from hardtack.kernel.inodes import Inode, Owner
from hardtack.kernel.params import BUCKET

if TYPE_CHECKING:
    from annotated_types import Interval, MaxLen

    from hardtack.kernel.ranges import Count, Long, Name, Number

_Leaf: TypeAlias = "Annotated[dict[Name, Inode], MaxLen(BUCKET)]"
_Branch: TypeAlias = "Annotated[list[_Branch | _Leaf], MaxLen(_WAYS)]"

_WAYS: Final = 4
_BITS: Final = 60
_PLACES: Final = 1 << _BITS
_TOP: Final = _BITS - 2  # the shift of a place at the first level; each takes two bits
_Place: TypeAlias = "Annotated[int, Interval(ge=0, lt=1 << _BITS)]"
_Pairs: TypeAlias = "Annotated[list[tuple[_Place, Name]], MaxLen(BUCKET)]"
_Shift: TypeAlias = "Annotated[int, Interval(ge=-2, le=_TOP)]"

# What adding one name may allocate at most: the name, a leaf's dict at its largest resize, or four new
# leaves beside the old one. Checked by measurement.
ADD_BYTES: Final = 4 * 1024


def place(name: Name) -> _Place:
    """Return where a name stands in its directory: 60 bits of its hash."""
    return hash(name) & (1 << _BITS) - 1


class Directory(Inode):
    """Names to inodes. `parent` is an inode number; the root is its own parent, a removed one has 0."""

    __slots__ = ("_root", "count", "parent")
    filetype = DIRECTORY

    def __init__(self, number: Number, now: Long, owner: Owner, parent: Number) -> None:
        super().__init__(number, now, owner)
        self.parent: Number = parent
        self.count: Count = 0
        self._root: _Branch = [{}]  # one, from which all hang

    def get(self, name: Name) -> Inode | None:
        """Return the inode of name, or None."""
        return self._leaf(place(name))[0].get(name)

    def add(self, name: Name, inode: Inode) -> bool:
        """Add a name that is not there; False where the trie has no room. At most ADD_BYTES."""
        where = place(name)
        shift = _TOP
        above = self._root
        way = 0
        node = above[way]
        while shift >= 0 and isinstance(node, list):
            above = node
            way = (where >> shift) & 3
            node = node[way]
            shift -= 2
        assert isinstance(node, dict)
        if len(node) >= BUCKET:
            if shift < 0:
                return False
            branch = above[way] = self._split(node, shift)
            below = branch[(where >> shift) & 3]
            assert isinstance(below, dict)
            if len(below) >= BUCKET:  # all went one way: as good as impossible, and honest
                return False
            node = below
        node[name] = inode
        self.count += 1
        return True

    def replace(self, name: Name, inode: Inode) -> None:
        """Let a name that is there lead to another inode. Allocates nothing."""
        self._leaf(place(name))[0][name] = inode

    def remove(self, name: Name) -> None:
        """Remove a name that is there."""
        leaf = self._leaf(place(name))[0]
        del leaf[name]
        self.count -= 1
        if self.count == 0:  # then every leaf is empty: this one stays, for a new dict may be another heap's
            leaf.clear()
            self._root[0] = leaf

    def leaf_from(self, where: _Place) -> tuple[_Pairs, int]:
        """Return the (place, name) pairs, sorted, of the first leaf that reaches `where` or beyond.

        The second value is where the next leaf begins, or -1 after the last. Pairs before `where` are left
        out, so the list may be empty. At most BUCKET names are looked at.
        """
        leaf, shift = self._leaf(where)
        pairs: _Pairs = []
        for name in leaf:
            at = place(name)
            if at >= where:
                pairs.append((at, name))
        pairs.sort()
        span = 1 << shift + 2
        after = (where // span + 1) * span
        return pairs, after if after < _PLACES else -1

    def _leaf(self, where: _Place) -> tuple[_Leaf, _Shift]:
        """Return the leaf that holds a place, and the shift at which it would split."""
        node = self._root[0]
        shift = _TOP
        while shift >= 0 and isinstance(node, list):
            node = node[(where >> shift) & 3]
            shift -= 2
        assert isinstance(node, dict)
        return node, shift

    @staticmethod
    def _split(leaf: _Leaf, shift: _Shift) -> _Branch:
        ways: list[_Leaf] = [{}, {}, {}, {}]
        for name, inode in leaf.items():
            ways[(place(name) >> shift) & 3][name] = inode
        return list(ways)
