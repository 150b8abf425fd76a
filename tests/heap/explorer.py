"""What explores admission: a model of the heaps that it stands on, actors, and every order of what they do.

The code that is explored is the code that runs. What is modelled is what it stands on: heaps that count
(`Room`), and C's way past the queue when there is room and nobody waits. Actors are alike, so states that
differ only in who is who are one; that makes the space finite, and it is explored until nothing is new.

At every call that admission makes to its ledger or to a waiter, another action may strike, and runs to its end:
a finalizer that releases, or another thread that gives up, kills, or comes. Each is tried at each place.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

from hardtack.heap import admission
from hardtack.heap.admission import Admission, Waiter, chain, limited_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

strike: Callable[[], None] = lambda: None  # noqa: E731  # called wherever another action may come between


class Room:
    """A heap that only counts."""

    __slots__ = ("capacity", "live", "marked", "name", "parent", "reserved", "tree")
    make_tree: ClassVar[Callable[[], Admission]] = Admission

    def __init__(self, name: str, capacity: int | None, parent: Room | None = None) -> None:
        self.name = name
        self.capacity = capacity
        self.parent = parent
        self.live = self.reserved = 0
        self.marked = False
        self.tree: Admission = parent.tree if parent else self.make_tree()

    @property
    def left(self) -> int:
        return (10**9 if self.capacity is None else self.capacity) - self.live - self.reserved

    @property
    def free(self) -> int:
        """What admission asks for."""
        return self.left

    def _grant(self, amount: int, also: tuple[Room, ...] = ()) -> Grant | Room:
        strike()
        heaps = (*limited_below(self, also), *chain(self))
        for heap in heaps:
            if heap.left < amount:
                return heap
        grant = Grant(self, heaps, amount)
        strike()
        return grant

    def _mark(self) -> None:
        strike()
        self.marked = True
        strike()

    def _unmark(self) -> None:
        strike()
        self.marked = False
        strike()


class Grant:
    """Bytes set aside in the model."""

    __slots__ = ("amount", "heap", "heaps", "released")

    def __init__(self, heap: Room, heaps: tuple[Room, ...], amount: int) -> None:
        self.heap, self.heaps, self.amount = heap, heaps, amount
        self.released = False
        for each in heaps:
            each.reserved += amount

    def release(self) -> None:
        if self.released:
            return
        self.released = True
        for each in self.heaps:
            each.reserved -= self.amount
        if any(each.marked for each in self.heaps):  # as the native core does
            self.heap.tree.serve()


class Asker(Waiter):
    """An actor that waits; it takes what it is woken with."""

    __slots__ = ("passed", "world")

    def __init__(self, world: World, heap: Room, amount: int, also: tuple[Room, ...]) -> None:
        super().__init__(heap, amount, also)
        self.world = world
        self.passed = 0  # as the test counts it

    @property
    def doomed(self) -> bool:
        return self.doomed_by is not None

    def wake(self) -> None:
        strike()
        world = self.world
        if self.grant is not None:
            if self in world.asking:  # it may be woken twice
                world.asking.remove(self)
                world.running.append(self.grant)
        elif self.doomed:
            if self in world.asking:
                world.asking.remove(self)
        elif not self.settled:
            assert world.tree.place(self) == 0, "woken in vain"
        strike()

    def settle(self, fate: object) -> bool:
        by_this = super().settle(fate)
        if by_this and isinstance(fate, Grant):
            others = [
                other
                for other in self.world.tree.waiters()
                if other is not self
                and 0 < other.number < self.number
                and set(other.lines) & set(self.charges)
            ]
            for heap in self.charges:
                passes = sum(heap in other.lines for other in others)
                assert passes <= admission.MAX_OVERTAKEN, "passes too many"
            for other in others:
                other.passed += 1
                assert other.passed <= admission.MAX_OVERTAKEN, "overtaken too often"
        return by_this


Action = tuple[Any, ...]


class World:
    """Heaps, and actors that are idle, ask, or run."""

    asker = Asker

    def __init__(
        self, actors: int, heaps: list[Room], wishes: list[tuple[int, tuple[int, ...], int]]
    ) -> None:
        self.actors = actors
        self.heaps = heaps
        self.wishes = wishes  # heap, also, amount
        self.tree = heaps[0].tree
        self.asking: list[Asker] = []
        self.running: list[Grant] = []

    # -- what may happen
    def actions(self) -> Iterator[Action]:
        if len(self.asking) + len(self.running) < self.actors:
            for wish in range(len(self.wishes)):
                yield "ask", wish
        for place in range(len(self.asking)):
            yield "leave", place
        for place in range(len(self.running)):
            yield "release", place
        for place, heap in enumerate(self.heaps):
            if any(heap in chain(each) for asker in self.asking for each in (asker.heap, *asker.also)):
                yield "doom", place
        if self.heaps[-1].live:
            yield "free", 1
        elif all(heap.left >= 1 for heap in chain(self.heaps[-1])):
            yield "allocate", 1

    def do(self, action: Action) -> None:
        """Do one of them, if it can still be done."""
        what, which = action
        if what == "ask" and len(self.asking) + len(self.running) < self.actors:
            self.ask(*self.wishes[which])
        elif what == "leave" and which < len(self.asking):
            asker = self.asking.pop(which)
            if not self.tree.leave(asker):  # it was granted or doomed in this very moment
                assert (asker.grant is not None) is not asker.doomed
                if asker.grant is not None:
                    self.running.append(asker.grant)
        elif what == "release" and which < len(self.running):
            self.running.pop(which).release()
        elif what == "doom":
            self.tree.doom(self.heaps[which])
        elif what == "free" and self.heaps[-1].live:
            for heap in chain(self.heaps[-1]):
                heap.live -= 1
            self.tree.serve()  # as whoever leads a line does every few milliseconds
        elif what == "allocate" and all(heap.left >= 1 for heap in chain(self.heaps[-1])):
            for heap in chain(self.heaps[-1]):
                heap.live += 1

    def ask(self, place: int, also: tuple[int, ...], amount: int) -> None:
        heap = self.heaps[place]
        asker = self.asker(self, heap, amount, tuple(self.heaps[each] for each in also))
        if all(each.left >= amount and not each.marked for each in asker.charges):
            self.check_newcomer(asker)
            self.running.append(Grant(heap, (*asker.charges[: asker.below], *chain(heap)), amount))
        else:
            self.asking.append(asker)
            self.tree.join(asker)

    def check_newcomer(self, asker: Asker) -> None:
        for other in self.tree.waiters():
            assert not set(other.lines) & set(asker.charges), "a newcomer passes who waits"

    # -- what must hold between any two
    def check(self) -> None:
        tree = self.tree
        for heap in self.heaps:
            assert heap.reserved == sum(grant.amount for grant in self.running if heap in grant.heaps)
            assert heap.left >= 0, "live + reserved exceeds the capacity"
            assert heap.marked == (heap in tree._lines), "marks and lines disagree"
        assert not any((tree._arrived, tree._gone, tree._called, tree._server, tree._again))
        assert set(tree.waiters()) == set(self.asking), "a grant was lost, or who left was not taken out"
        assert not any(asker.settled for asker in self.asking), "settled, and not woken"
        for heap, line in tree._lines.items():
            assert line
            assert [each.number for each in line] == sorted({each.number for each in line})
            assert all(heap in each.lines for each in line)
        for asker in self.asking:
            assert asker.overtaken == asker.passed
            assert asker.lines
            assert all(asker in tree._lines[heap] for heap in asker.lines)
            earlier = [each for each in self.asking if each.number < asker.number]
            in_its_way = [each for each in earlier if set(each.lines) & set(asker.charges)]
            assert in_its_way or any(heap.left < asker.amount for heap in asker.charges), "room lies idle"

    def drain(self) -> None:
        """Have everyone who runs release, and so on: all are served, and nothing is left."""
        for _ in range(3 * self.actors):
            while self.running:
                self.running.pop(0).release()
            if self.heaps[-1].live:
                self.do(("free", 1))
        assert not self.asking, "deadlock"
        assert not len(self.tree)
        self.check()
        assert all((heap.live, heap.reserved, heap.marked) == (0, 0, False) for heap in self.heaps)

    # -- states
    def key(self) -> object:
        """What there is, but for the names of actors and the numbers of waiters."""
        at = {id(heap): place for place, heap in enumerate(self.heaps)}
        order = sorted(self.asking, key=lambda asker: asker.number)
        return (
            tuple(
                (
                    at[id(asker.heap)],
                    tuple(at[id(heap)] for heap in asker.also),
                    asker.amount,
                    asker.overtaken,
                    tuple(at[id(heap)] for heap in asker.lines),
                )
                for asker in order
            ),
            tuple(sorted((at[id(g.heap)], g.amount, len(g.heaps)) for g in self.running)),
            self.heaps[-1].live,
        )

    def copy(self) -> World:
        heaps: dict[int, Room] = {}
        for heap in self.heaps:
            new = type(heap)(
                heap.name, heap.capacity, None if heap.parent is None else heaps[id(heap.parent)]
            )
            new.live, new.reserved, new.marked = heap.live, heap.reserved, heap.marked
            heaps[id(heap)] = new
        world = type(self)(self.actors, list(heaps.values()), self.wishes)
        for grant in self.running:
            new_grant = Grant.__new__(Grant)
            new_grant.heap, new_grant.amount, new_grant.released = heaps[id(grant.heap)], grant.amount, False
            new_grant.heaps = tuple(heaps[id(heap)] for heap in grant.heaps)
            world.running.append(new_grant)
        askers: dict[int, Asker] = {}
        for asker in self.asking:
            new_asker = self.asker.__new__(self.asker)
            for name in ("amount", "below", "number", "overtaken", "passed"):
                setattr(new_asker, name, getattr(asker, name))
            for name in ("also", "charges", "lines"):
                setattr(new_asker, name, tuple(heaps[id(heap)] for heap in getattr(asker, name)))
            new_asker.heap, new_asker.world, new_asker._fates = (
                heaps[id(asker.heap)],
                world,
                type(asker._fates)(),
            )
            askers[id(asker)] = new_asker
            world.asking.append(new_asker)
        tree = world.tree
        tree._queue.update((askers[id(asker)], None) for asker in self.tree._queue)
        tree._lines.update(
            {
                heaps[id(heap)]: [askers[id(asker)] for asker in line]
                for heap, line in self.tree._lines.items()
            }
        )
        tree._last = self.tree._last
        return world


def explore(world: World, most_states: int, struck: bool = True) -> tuple[int, int]:
    """Do everything from everywhere; return how many states there are, and how many steps between them.

    Of more than `most_states` those are looked at that the fewest actions lead to.
    """
    global strike
    seen = {world.key()}
    todo = deque([(world, ())])
    steps = 0

    def step(
        trace: tuple[Action, ...], before: World, action: Action, at: int = -1, other: Action | None = None
    ) -> int:
        """Do an action, and another at the at-th place where one may come between; return how many there were."""
        global strike
        places = count()
        after = before.copy()

        def hook() -> None:
            if next(places) == at:
                after.do(other)

        strike = hook
        try:
            after.do(action)
        except AssertionError as error:
            raise AssertionError(f"{error}: {(*trace, action, at, other)}") from error
        finally:
            strike = lambda: None  # noqa: E731
        try:
            after.check()
            key = after.key()
            if key not in seen and len(seen) < most_states:
                seen.add(key)
                todo.append((after, (*trace, (action, at, other))))
                after.copy().drain()
        except AssertionError as error:
            raise AssertionError(f"{error}: {(*trace, (action, at, other))}") from error
        return next(places)

    while todo:
        here, trace = todo.popleft()
        actions = list(here.actions())
        for action in actions:
            places = step(trace, here, action)
            steps += 1
            for at in range(places if struck else 0):
                for other in actions:
                    if other[0] != "allocate":
                        step(trace, here, action, at, other)
                        steps += 1
    return len(seen), steps


def tree(*capacities: int | None, room: type[Room] = Room) -> list[Room]:
    """Make a root and children of it."""
    root = room("root", capacities[0])
    return [root, *(room(f"child {n}", capacity, root) for n, capacity in enumerate(capacities[1:], 1))]


ON_ROOT = [(0, (), 1), (0, (), 3)]
ON_CHILDREN = [(1, (), 1), (1, (), 2), (2, (), 1), (2, (), 3)]
ON_SEVERAL = [(0, (1,), 2), (0, (1, 2), 1), (0, (2, 1), 2)]
