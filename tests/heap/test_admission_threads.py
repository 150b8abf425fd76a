"""Two actions that are both half done: all that two threads can do to admission in between each other's steps.

They can come about: nobody holds a lock in `waiting` or `admission`, and the GIL may pass between any two steps
of `join`, `leave`, `doom` and of a release. So here two threads take an action each, from every state that a few
actors can reach. One runs up to a place, then the other up to a place, then the one to its end and the other to
its; for every pair of places. A place is before each step that others can see: a change of what admission
shares, a look at what is free, and what `explorer` calls a place. More changes of turn than these three, and three
actions at once, are not covered.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Self

import explorer
import pytest
from explorer import ON_CHILDREN, ON_ROOT, ON_SEVERAL, Action, Asker, Room, World, tree

from hardtack.heap import admission
from hardtack.heap.admission import Admission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Turns:
    """Two threads of which one runs at a time, for so many steps."""

    def __init__(self) -> None:
        self.go = threading.Lock(), threading.Lock()
        self.back = threading.Lock()
        for lock in (*self.go, self.back):
            lock.acquire()
        self.work: list[Callable[[], None] | None] = [None, None]
        self.done = [True, True]
        self.running: int | None = None
        self.left = self.steps = 0
        self.error: BaseException | None = None
        self.threads = [threading.Thread(target=self.thread, args=(who,)) for who in (0, 1)]
        for thread in self.threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.work = [None, None]
        for lock, thread in zip(self.go, self.threads, strict=True):
            lock.release()
            thread.join()

    def thread(self, who: int) -> None:
        while True:
            self.go[who].acquire()
            work = self.work[who]
            if work is None:
                return
            try:
                work()
            except BaseException as error:
                self.error = error
            self.done[who] = True
            self.back.release()

    def begin(self, *work: Callable[[], None]) -> None:
        self.work = list(work)
        self.done = [False] * len(work)
        self.steps = 0

    def run(self, who: int, steps: int = 10**9) -> bool:
        """Let one go on for so many steps; tell whether it is done."""
        if not self.done[who]:
            self.running, self.left = who, steps
            self.go[who].release()
            self.back.acquire()
            self.running = None
            if self.error is not None:
                error, self.error = self.error, None
                raise error
        return self.done[who]

    def place(self) -> None:
        """Stop here if the turn is over."""
        who = self.running
        if who is None:
            return
        if not self.left:
            self.back.release()
            self.go[who].acquire()
        self.left -= 1
        self.steps += 1


def place() -> None:
    explorer.strike()


class Shared(dict[Any, Any]):
    """A dict that others see the changes of."""

    def setdefault(self, *arguments: Any) -> Any:
        place()
        found = super().setdefault(*arguments)
        place()
        return found

    def clear(self) -> None:
        super().clear()
        place()

    def __setitem__(self, key: Any, value: Any) -> None:
        place()
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        place()
        super().__delitem__(key)

    def pop(self, *arguments: Any) -> Any:
        place()
        return super().pop(*arguments)


class Line(deque[Any]):
    """A deque that others see the changes of."""

    def append(self, each: Any) -> None:
        place()
        super().append(each)

    def popleft(self) -> Any:
        place()
        return super().popleft()


class Fates(list[Any]):
    """What is decided about a waiter; others see it."""

    def append(self, fate: Any) -> None:
        place()
        super().append(fate)
        place()

    def __len__(self) -> int:
        place()
        return super().__len__()


class SharedAdmission(Admission):
    """Admission whose steps others can come between."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self._queue, self._lines, self._server = Shared(), Shared(), Shared()
        self._arrived, self._gone, self._called = Line(), Line(), Line()


class SharedRoom(Room):
    """A heap that others take from and give back to."""

    __slots__ = ()
    make_tree = SharedAdmission

    @property
    def free(self) -> int:
        place()
        return self.left


class SharedAsker(Asker):
    """An actor; another thread may decide about it."""

    __slots__ = ()

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._fates = Fates()


class SharedWorld(World):
    """Actors of which two act at a time."""

    asker = SharedAsker

    def check_newcomer(self, asker: Asker) -> None:
        pass  # whoever stands in a line and is not marked yet may be passed


def reachable(world: World) -> list[World]:
    """Return a world in all states that one action after the other leads to."""
    found = {world.key(): world}
    todo = [world]
    for here in todo:
        for action in here.actions():
            after = here.copy()
            after.do(action)
            if after.key() not in found:
                found[after.key()] = after
                todo.append(after)
    return todo


def interleaved(turns: Turns, here: World, one: Action, other: Action) -> Iterator[tuple[int, int, World]]:
    """Have two actions done in all ways that are looked at; yield the places and what came of it."""
    for first in range(1, 1000):
        for second in range(1, 1000):
            after = here.copy()
            turns.begin(lambda: after.do(one), lambda: after.do(other))  # noqa: B023 - done before the next
            if turns.run(0, first):
                return  # it has no such place
            whole = turns.run(1, second)
            turns.run(0)
            turns.run(1)
            yield first, second, after
            if whole:
                break


def explore(world: World, turns: Turns) -> int:
    """Have every two actions done in between each other from every state; return in how many ways."""
    ways = 0
    for here in reachable(world):
        actions = [action for action in here.actions() if action[0] != "allocate"]
        for one in actions:
            for other in actions:
                for first, second, after in interleaved(turns, here, one, other):
                    ways += 1
                    try:
                        after.check()
                        after.drain()
                    except AssertionError as error:
                        raise AssertionError(
                            f"{error}: {here.key()}, {one, first}, {other, second}"
                        ) from error
    return ways


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Turns]:
    with Turns() as made:
        monkeypatch.setattr(explorer, "strike", made.place)
        yield made


def test_two_actions_half_done(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_OVERTAKEN", 1)
    world = SharedWorld(2, tree(3, 2, room=SharedRoom), ON_ROOT + ON_CHILDREN[:1])
    assert explore(world, turns) > 10_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("actors", "capacities", "wishes"),
    [
        (3, (4,), ON_ROOT),
        (3, (4, 2), ON_ROOT + ON_CHILDREN[:1]),
        (2, (4, 2, 3), ON_ROOT + ON_SEVERAL),
    ],
)
def test_two_of_more_actions_half_done(
    turns: Turns,
    monkeypatch: pytest.MonkeyPatch,
    actors: int,
    capacities: tuple[int, ...],
    wishes: list[tuple[int, tuple[int, ...], int]],
) -> None:
    monkeypatch.setattr(admission, "MAX_OVERTAKEN", 1)
    world = SharedWorld(actors, tree(*capacities, room=SharedRoom), wishes)
    assert explore(world, turns) > 50_000


# -- the explorer finds what is wrong
def decided_in_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    def settle(self: Asker, fate: object) -> bool:
        if list.__len__(self._fates):
            return False
        place()
        self._fates.append(fate)
        return True

    monkeypatch.setattr(SharedAsker, "settle", settle)


def serving_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(self: Admission) -> None:
        me = object()
        if self._server.setdefault(None, me) is me:
            self._round()
            self._server.clear()

    monkeypatch.setattr(Admission, "serve", serve)


def served_by_two(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(self: Admission) -> None:
        self._again = True
        while self._again:
            self._again = False
            self._round()

    monkeypatch.setattr(Admission, "serve", serve)


@pytest.mark.parametrize("mistake", [decided_in_two_steps, serving_once, served_by_two])
def test_mistakes_are_found(
    turns: Turns, monkeypatch: pytest.MonkeyPatch, mistake: Callable[[pytest.MonkeyPatch], None]
) -> None:
    monkeypatch.setattr(admission, "MAX_OVERTAKEN", 1)
    mistake(monkeypatch)
    with pytest.raises((AssertionError, LookupError)):
        explore(SharedWorld(2, tree(3, 2, room=SharedRoom), ON_ROOT + ON_CHILDREN[:1]), turns)
