"""The names that sockets are bound to: a digital search tree, linked through the sockets themselves.

Each step down takes one more bit of the name's hash, which CPython keys per process, so a guest cannot choose
names that make the tree deep: a name is found in about log2(n) steps, and in DEPTH at most. Nothing is
allocated: what a name holds is in its socket's account, and goes back with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hardtack.kernel.sockets import Socket

DEPTH: Final = 60  # bits of a hash


class SocketNames:
    """Sockets by the name that they are bound to."""

    __slots__ = ("root",)

    def __init__(self) -> None:
        self.root: Socket | None = None

    def get(self, name: bytes) -> Socket | None:
        """Return the socket that is bound to a name, or None."""
        node = self.root
        bits = hash(name)
        for _ in range(DEPTH):
            if node is None or node.name == name:
                return node
            node = node.right if bits & 1 else node.left
            bits >>= 1
        return None

    def add(self, socket: Socket) -> bool:
        """Enter a socket under its name, which is free; False if the tree is too deep there."""
        node = self.root
        if node is None:
            self.root = socket
            return True
        bits = hash(socket.name)
        for _ in range(DEPTH - 1):
            below = node.right if bits & 1 else node.left
            if below is None:
                self._link(node, bits & 1, socket)
                return True
            node = below
            bits >>= 1
        return False

    def remove(self, socket: Socket) -> None:
        """Take out a socket that was entered; any leaf below it takes its place. Allocates nothing."""
        above: Socket | None = None
        side = 0
        node = self.root
        bits = hash(socket.name)
        for _ in range(DEPTH):
            if node is None or node is socket:
                break
            above, side = node, bits & 1
            node = node.right if side else node.left
            bits >>= 1
        assert node is socket
        leaf = self._take_leaf(socket)
        if leaf is not None:
            leaf.left, leaf.right = socket.left, socket.right
        socket.left = socket.right = None
        if above is None:
            self.root = leaf
        else:
            self._link(above, side, leaf)

    def _take_leaf(self, top: Socket) -> Socket | None:
        """Cut off a leaf below a node and return it; None if there is nothing below."""
        above = top
        node = top.left or top.right
        if node is None:
            return None
        for _ in range(DEPTH):
            below = node.left or node.right
            if below is None:
                break
            above, node = node, below
        if above.left is node:
            above.left = None
        else:
            above.right = None
        return node

    @staticmethod
    def _link(above: Socket, side: int, socket: Socket | None) -> None:
        if side:
            above.right = socket
        else:
            above.left = socket
