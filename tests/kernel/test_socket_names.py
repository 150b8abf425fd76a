"""The tree of bound sockets against a dict."""

from __future__ import annotations

import random

from driver import Machine
from hypothesis import given, settings
from hypothesis import strategies as st

from hardtack.kernel.socket_names import DEPTH, SocketNames


class Named:
    """As much of a socket as the tree knows."""

    __slots__ = ("left", "name", "right")

    def __init__(self, name):
        self.name = name
        self.left = self.right = None


def depth(node):
    return 0 if node is None else 1 + max(depth(node.left), depth(node.right))


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=200))
def test_names_are_found_as_in_a_dict(steps):
    names = SocketNames()
    model = {}
    for adding, number in steps:
        name = b"%d" % number
        assert names.get(name) is model.get(name)
        if adding and name not in model:
            model[name] = Named(name)
            assert names.add(model[name])
        elif not adding and name in model:
            names.remove(model.pop(name))
    for number in range(31):
        assert names.get(b"%d" % number) is model.get(b"%d" % number)


def test_a_tree_of_many_names_is_not_deep():
    names = SocketNames()
    sockets = [Named(b"%d" % number) for number in range(20_000)]
    for socket in sockets:
        assert names.add(socket)
    assert depth(names.root) < 40
    random.Random(0).shuffle(sockets)
    for count, socket in enumerate(sockets):
        names.remove(socket)
        assert names.get(socket.name) is None
        if count % 1000 == 0:
            assert all(names.get(other.name) is other for other in sockets[count + 1 :: 97])
    assert names.root is None


class Same(bytes):
    """Names that all go the same way."""

    __slots__ = ()

    def __hash__(self):
        return 0


def test_names_that_all_go_one_way_are_refused_in_the_end():
    names = SocketNames()
    sockets = [Named(Same(b"%d" % number)) for number in range(DEPTH + 1)]
    assert [names.add(socket) for socket in sockets] == [True] * DEPTH + [False]
    assert all(names.get(socket.name) is socket for socket in sockets[:DEPTH])


def test_names_take_no_memory_but_their_sockets():
    with Machine() as machine:
        hand = machine.hand()
        hand.close(hand.socket())
        before = machine.system.scheduler_heap.live
        for number in range(200):
            assert hand.bind(hand.socket(), b"%d" % number) == 0
        assert machine.system.scheduler_heap.live - before <= 64
