"""Admission explored to the end: everything that a few actors can do, in every order, on a model of heaps.

How it is explored, `explorer` says. A striking action runs to its end here; two that are both half done are
tried in `test_admission_threads`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from explorer import ON_CHILDREN, ON_ROOT, ON_SEVERAL, Asker, Grant, Room, World, explore, tree

from hardtack.heap import admission
from hardtack.heap.admission import Admission, Waiter

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_STATES = 40_000  # of those that are too many


@pytest.mark.parametrize(
    ("actors", "most", "capacities", "wishes", "states"),
    [
        (3, 1, (4, 2, None), ON_ROOT + ON_CHILDREN, 500),
        (3, 2, (4, 2, 3), ON_ROOT + ON_SEVERAL, 500),
        (4, 1, (4, None, None), ON_ROOT, 50),
        (4, 1, (4, 3, 3), [(1, (), 1), (1, (), 2), (2, (), 3)], 200),
    ],
)
def test_every_order_of_everything_keeps_what_is_promised(
    monkeypatch: pytest.MonkeyPatch,
    actors: int,
    most: int,
    capacities: tuple[int | None, ...],
    wishes: list[tuple[int, tuple[int, ...], int]],
    states: int,
) -> None:
    """All states there are, not only those up to a depth; `states` says that there were as many to find."""
    monkeypatch.setattr(admission, "MAX_OVERTAKEN", most)
    found, _ = explore(World(actors, tree(*capacities), wishes), 10**6)
    assert states <= found < 10**6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("actors", "most", "capacities", "wishes", "struck"),
    [
        (3, 2, (4, 2, 3), ON_ROOT + ON_CHILDREN + ON_SEVERAL, True),
        (4, 2, (5, 3, None), ON_ROOT + ON_CHILDREN, True),
        (5, 2, (4, 2, 3), ON_ROOT + ON_CHILDREN, False),
    ],
)
def test_every_order_of_more(
    monkeypatch: pytest.MonkeyPatch,
    actors: int,
    most: int,
    capacities: tuple[int | None, ...],
    wishes: list[tuple[int, tuple[int, ...], int]],
    struck: bool,
) -> None:
    monkeypatch.setattr(admission, "MAX_OVERTAKEN", most)
    found, _ = explore(World(actors, tree(*capacities), wishes), 10**6, struck)
    assert 3000 < found < 10**6


@pytest.mark.slow
def test_six_actors_in_the_states_that_are_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are more states than anybody waits for; these are all up to some depth, and some beyond it."""
    monkeypatch.setattr(admission, "MAX_OVERTAKEN", 3)
    wishes = [(0, (), 1), (0, (), 4), (1, (), 2), (2, (), 3)]
    found, _ = explore(World(6, tree(6, 3, 3), wishes), MOST_STATES, struck=False)
    assert found == MOST_STATES


# ---------------------------------------------------------------- the explorer finds what is wrong


def no_limit_to_passing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Admission,
        "_obstacle",
        lambda self, waiter: next((heap for heap in waiter.charges if heap.free < waiter.amount), None),
    )


def marks_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Room, "_mark", lambda self: None)


def leaving_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(self: Admission, waiter: Waiter) -> bool:
        waiter.settle(admission.Fate())
        self._withdraw(waiter)
        return waiter.grant is None and not waiter.doomed

    monkeypatch.setattr(Admission, "leave", leave)


def serving_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes free while somebody serves is not seen: the first version of this code."""

    def serve(self: Admission) -> None:
        me = object()
        if self._server.setdefault(None, me) is me:
            self._round()
            self._server.clear()

    monkeypatch.setattr(Admission, "serve", serve)


def waking_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prototype's way: it has everyone try again."""
    whole = Admission._round

    def round_(self: Admission) -> None:
        whole(self)
        for waiter in self.waiters():
            waiter.wake()

    monkeypatch.setattr(Admission, "_round", round_)


def grants_of_the_gone_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def hand_over(self: Admission, waiter: Waiter, grant: Any) -> None:
        self._called.append(waiter)
        waiter.settle(grant)
        self._take_out(waiter, tell=False)

    monkeypatch.setattr(Admission, "_hand_over", hand_over)


@pytest.mark.parametrize(
    ("mistake", "found"),
    [
        (no_limit_to_passing, "passes too many|overtaken too often"),
        (marks_forgotten, "marks and lines disagree"),
        (leaving_without_a_word, "assert not"),
        (serving_once, "room lies idle|assert not|lost"),
        (waking_all, "woken in vain"),
        (grants_of_the_gone_kept, "assert"),
    ],
)
def test_mistakes_are_found(
    monkeypatch: pytest.MonkeyPatch, mistake: Callable[[pytest.MonkeyPatch], None], found: str
) -> None:
    monkeypatch.setattr(admission, "MAX_OVERTAKEN", 1)
    mistake(monkeypatch)
    with pytest.raises(AssertionError, match=found):
        explore(World(4, tree(4, 2), ON_ROOT + ON_CHILDREN[:2]), 10**5)


# ---------------------------------------------------------------- the same work under other policies

# Two actors write a record in two halves. Each half needs a block of 2 bytes, of the 5 that there are; the lock
# is taken before the first block by the one, and after it by the other.
WRITER = ("take lock", "allocate", "first half", "allocate", "second half", "free", "unlock")
KEEPER = ("allocate", "take lock", "first half", "allocate", "second half", "free", "unlock")
CAPACITY = 5
BLOCK = 2


class Halted(Exception):
    """An actor cannot take its next step now."""


class Work:
    """Actors that run a program each, under a policy."""

    def __init__(self, policy: str, programs: tuple[tuple[str, ...], ...]) -> None:
        self.policy = policy
        if policy == "reserve":  # the most that one holds at a time, before it holds anything else
            programs = tuple(("reserve", *program, "release") for program in programs)
        self.programs = programs
        self.trace: tuple[int, ...] = ()
        self.at = [0] * len(programs)
        self.held = [0] * len(programs)  # blocks
        self.lock: int | None = None
        self.records: list[list[str]] = [[] for _ in programs]
        self.heap = Room("heap", CAPACITY)
        self.asking: list[Asker] = []
        self.running: list[Grant] = []
        self.tree = self.heap.tree
        self.waiters: dict[int, Asker] = {}

    def step(self, actor: int) -> None:
        """Take an actor's next step, or raise Halted."""
        if self.at[actor] == len(self.programs[actor]):
            raise Halted
        step = self.programs[actor][self.at[actor]]
        getattr(self, step.replace(" ", "_"))(actor)
        self.at[actor] += 1
        self.trace = (*self.trace, actor)

    def allocate(self, actor: int) -> None:
        if self.policy != "reserve":
            if self.heap.free < BLOCK:
                if self.policy == "wait":  # the allocator sleeps, and the actor keeps what it has
                    raise Halted
                self.give_up(actor)  # "fail": NULL, and the caller returns
                return
            self.heap.live += BLOCK
        self.held[actor] += 1
        assert self.held[actor] <= 2

    def give_up(self, actor: int) -> None:
        """Do as a caller does who is told that there is no memory: return, by way of what is undone anyway."""
        self.at[actor] = len(self.programs[actor]) - 1
        self.free(actor)
        if self.lock == actor:
            self.lock = None

    def first_half(self, actor: int) -> None:
        self.records[actor].append("first")

    def second_half(self, actor: int) -> None:
        self.records[actor].append("second")

    def free(self, actor: int) -> None:
        if self.policy != "reserve":
            self.heap.live -= BLOCK * self.held[actor]
        self.held[actor] = 0

    def reserve(self, actor: int) -> None:
        asker = self.waiters.get(actor)
        if asker is None:
            asker = self.waiters[actor] = Asker(self, self.heap, 2 * BLOCK, ())  # type: ignore[arg-type]
            self.asking.append(asker)
            self.tree.join(asker)
        if asker.grant is None:
            raise Halted

    def release(self, actor: int) -> None:
        self.waiters[actor].grant.release()

    def take_lock(self, actor: int) -> None:
        if self.lock is not None:
            raise Halted
        self.lock = actor

    def unlock(self, actor: int) -> None:
        if self.lock == actor:
            self.lock = None


def outcomes(policy: str) -> set[str]:
    """Run the two programs in every order; return what became of them."""
    found = set()
    todo: list[tuple[int, ...]] = [()]
    while todo:
        trace = todo.pop()
        halted = 0
        for actor in range(2):
            work = Work(policy, (WRITER, KEEPER))
            for each in trace:
                work.step(each)
            try:
                work.step(actor)
            except Halted:
                halted += 1
            else:
                todo.append(work.trace)
        if halted == 2:
            if any(at < len(program) for at, program in zip(work.at, work.programs, strict=True)):
                found.add("deadlock")
            elif any(record == ["first"] for record in work.records):
                found.add("half a record")
            elif all(record == ["first", "second"] for record in work.records):
                found.add("both records")
            else:
                found.add("a record is missing")
            assert work.heap.free + sum(work.held) * BLOCK * (policy != "reserve") == CAPACITY
    return found


def test_waiting_in_the_allocator_deadlocks() -> None:
    assert outcomes("wait") == {"deadlock", "both records"}


def test_failing_in_the_allocator_leaves_work_half_done() -> None:
    assert outcomes("fail") == {"half a record", "a record is missing", "both records"}


def test_reserving_does_neither() -> None:
    assert outcomes("reserve") == {"both records"}
