"""The heap against a model of it: whatever is done in whatever order, both keep the same books."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hardtack.errors import ReservationImpossible, WouldBlock
from hardtack.heap import Heap, Reservation, size_class

if TYPE_CHECKING:
    from collections.abc import Iterator

SOFT = 512  # blocks up to this may use the slack without a reservation
elsewhere = Heap(None, name="what the test itself allocates")


@dataclass(eq=False)
class Books:
    """What a heap should say."""

    limit: int
    slack: int
    parent: Books | None
    live: int = 0
    reserved: int = 0
    held: int = 0
    overruns: int = 0

    def chain(self) -> Iterator[Books]:
        books: Books | None = self
        while books is not None:
            yield books
            books = books.parent

    def room(self) -> int:
        return min(max(0, b.limit - b.slack - b.reserved - b.held - b.live) for b in self.chain())

    def fits_here(self, n: int) -> bool:
        return self.live + self.reserved + self.held + self.slack + n <= self.limit

    def fits(self, n: int) -> bool:
        return all(b.fits_here(n) for b in self.chain())

    def possible(self) -> int:
        return min(b.limit - b.slack for b in self.chain())


@dataclass(eq=False)
class Hold:
    """What a claim has set aside below its heap."""

    books: Books
    left: int
    outer: Hold | None = None
    drawn: int = 0


@dataclass(eq=False)
class Claim:
    """What a reservation should say."""

    books: Books
    left: int
    outer: Claim | None = None
    drawn: int = 0
    over: int = 0
    holds: list[Hold] = field(default_factory=list)

    def hold_on(self, books: Books) -> Hold | None:
        return next((hold for hold in self.holds if hold.books is books), None)


def charge(books: Books, n: int, claim: Claim | None) -> bool:
    """Charge a block, or say that it does not fit."""
    chain = list(books.chain())
    if claim is not None and claim.books not in chain:
        claim = None
    covered = chain[chain.index(claim.books) :] if claim else []
    take = min(claim.left, n) if claim else 0

    def full(with_slack: bool) -> bool:
        for b in chain:
            hold = claim and claim.hold_on(b)
            need = n - take if b in covered else n - min(hold.left, n) if hold else n
            if need and b.live + b.reserved + b.held + need + (0 if with_slack else b.slack) > b.limit:
                return True
        return False

    if full(with_slack=False) and ((n > SOFT and not claim) or full(with_slack=True)):
        return False
    for b in chain:
        b.live += n
        if b in covered:
            b.reserved -= take
        elif claim and (hold := claim.hold_on(b)):
            part = min(hold.left, n)
            hold.left -= part
            hold.drawn += part
            b.held -= part
    if claim:
        claim.left -= take
        claim.drawn += take
        claim.over += n - take
    return True


def uncharge(books: Books, n: int, claim: Claim | None) -> None:
    """Free a block."""
    back = 0
    for b in books.chain():
        if claim is not None and b is claim.books:
            part: Claim | None = claim
            while part is not None:
                refund = min(part.drawn, n - back)
                part.drawn -= refund
                part.left += refund
                back += refund
                part = part.outer
        b.live -= n
        b.reserved += back
        if claim is not None and b not in claim.books.chain():
            below = claim.hold_on(b)
            rest = n
            while below is not None:
                refund = min(below.drawn, rest)
                below.drawn -= refund
                below.left += refund
                b.held += refund
                rest -= refund
                below = below.outer


def give_back(claim: Claim) -> None:
    """End a reservation."""
    claim.books.overruns += claim.over > 0
    for hold in claim.holds:
        if hold.outer is not None:
            hold.outer.left += hold.left
            hold.outer.drawn += hold.drawn
        else:
            hold.books.held -= hold.left
    if claim.outer is not None:
        claim.outer.left += claim.left
        claim.outer.drawn += claim.drawn
    else:
        for b in claim.books.chain():
            b.reserved -= claim.left


@dataclass(eq=False)
class Thing:
    """A block, and whose it is."""

    block: bytearray | bytes
    books: Books
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = size_class(len(self.block) + 33)


def block_size(size: int) -> int:
    return size_class(size + 33)


SIZES = st.one_of(
    st.integers(1, 450),
    st.integers(480, 9000),
    st.sampled_from([32735, 32736, 40_000, 65_503, 70_000, 150_000]),
)
AMOUNTS = st.one_of(st.integers(0, 20_000), st.sampled_from([30_000, 65_536, 100_000, 200_000, 500_000]))
INDEX = st.integers(0, 1000)


class HeapsAndModel(RuleBasedStateMachine):
    """Several heaps, in trees, with things, reservations and admitted calls."""

    @initialize(capacity=st.sampled_from([100_000, 300_000]), slack=st.sampled_from([0, 5000, None]))
    def start(self, capacity: int, slack: int | None) -> None:
        gc.disable()  # what a collection frees is not in the model
        self.heaps: list[tuple[Heap, Books]] = []
        self.things: list[Thing] = []
        self.held: list[tuple[Reservation, Claim]] = []
        self.make(capacity, slack, None)

    def make(self, capacity: int | None, slack: int | None, parent: int | None) -> None:
        above = None if parent is None else self.heaps[parent % len(self.heaps)]
        heap = Heap(capacity, parent=above and above[0], slack=slack)
        limit = 2**62 - 1 if capacity is None else capacity
        self.heaps.append((heap, Books(limit, heap.slack, above and above[1])))

    def pick(self, index: int) -> tuple[Heap, Books]:
        return self.heaps[index % len(self.heaps)]

    def below(self, top: Books, index: int) -> tuple[Heap, Books]:
        heaps = [pair for pair in self.heaps if top in pair[1].chain()]
        return heaps[index % len(heaps)]

    @precondition(lambda self: len(self.heaps) < 7)
    @rule(
        capacity=st.sampled_from([None, None, 20_000, 100_000, 400_000]),
        slack=st.sampled_from([None, 0]),
        parent=st.none() | INDEX,
    )
    def new_heap(self, capacity: int | None, slack: int | None, parent: int | None) -> None:
        self.make(capacity, slack, parent)

    @precondition(lambda self: len(self.heaps) > 2)
    @rule(index=INDEX)
    def drop_heap(self, index: int) -> None:
        index %= len(self.heaps)
        books = self.heaps[index][1]
        if not any(other.parent is books for _, other in self.heaps) and not any(
            books in (claim.books, *(hold.books for hold in claim.holds)) for _, claim in self.held
        ):
            del self.heaps[index]

    # -- things
    def allocate(self, heap: Heap, books: Books, size: int, claim: Claim | None = None) -> None:
        """Allocate inside; the surroundings allocate elsewhere or outside."""
        expected = charge(books, block_size(size), claim)
        try:
            block = heap.run(bytes, size)
        except MemoryError as error:
            error.__traceback__ = None
            assert not expected
        else:
            assert expected
            self.things.append(Thing(block, books))

    def free(self, index: int, claim: Claim | None = None) -> None:
        thing = self.things.pop(index % len(self.things))
        uncharge(thing.books, thing.size, claim)

    @rule(index=INDEX, size=SIZES)
    def allocate_outside_reservations(self, index: int, size: int) -> None:
        self.allocate(*self.pick(index), size)

    @precondition(lambda self: self.things)
    @rule(index=INDEX)
    def free_outside_reservations(self, index: int) -> None:
        self.free(index)

    # -- reservations
    def reserve(
        self, heap: Heap, books: Books, amount: int, outer: Claim | None, also: tuple[int, ...] = ()
    ) -> None:
        """Reserve at once, carved from `outer` if it is on the same heap."""
        if outer is not None and outer.books is not books:
            outer = None
        claim = Claim(books, amount, outer)
        below = [self.below(books, index) for index in also]
        for _, b in below:
            while b is not books:
                if b.limit != 2**62 - 1 and claim.hold_on(b) is None:
                    claim.holds.append(Hold(b, amount))
                b = b.parent  # type: ignore[assignment]
        for taken in outer.holds if outer else ():
            hold = claim.hold_on(taken.books)
            if hold is None:
                claim.holds.append(hold := Hold(taken.books, min(amount, taken.left)))
            hold.outer = taken
        fits = (amount <= outer.left if outer else books.fits(amount)) and all(
            hold.left <= hold.outer.left if hold.outer else hold.books.fits_here(amount)
            for hold in claim.holds
        )
        possible = min([books.possible(), *(hold.books.limit - hold.books.slack for hold in claim.holds)])
        try:
            reservation = heap.reserve_nowait(amount, **({"also": [h for h, _ in below]} if below else {}))  # type: ignore[arg-type]
        except WouldBlock:
            assert not fits
            assert amount <= possible
        except ReservationImpossible:
            assert not fits
            assert amount > possible
        else:
            assert fits
            if outer is not None:
                outer.left -= amount
            else:
                for b in books.chain():
                    b.reserved += amount
            for hold in claim.holds:
                if hold.outer is not None:
                    hold.outer.left -= hold.left
                else:
                    hold.books.held += hold.left
            self.held.append((reservation, claim))

    @rule(index=INDEX, amount=AMOUNTS, also=st.lists(INDEX, max_size=3))
    def reserve_at_once(self, index: int, amount: int, also: list[int]) -> None:
        self.reserve(*self.pick(index), amount, None, tuple(also))

    @precondition(lambda self: self.held)
    @rule(index=INDEX)
    def release(self, index: int) -> None:
        reservation, claim = self.held.pop(index % len(self.held))
        reservation.release()
        give_back(claim)

    @precondition(lambda self: self.held)
    @rule(index=INDEX)
    def refill(self, index: int) -> None:
        reservation, claim = self.held[index % len(self.held)]
        expected = (
            claim.outer is None
            and claim.books.fits(claim.drawn)
            and all(hold.books.fits_here(hold.drawn) for hold in claim.holds)
        )
        assert reservation.refill() is expected
        if expected:
            for b in claim.books.chain():
                b.reserved += claim.drawn
            claim.left += claim.drawn
            claim.drawn = 0
            for hold in claim.holds:
                hold.books.held += hold.drawn
                hold.left += hold.drawn
                hold.drawn = 0

    def work(self, data: st.DataObject, claim: Claim, depth: int) -> None:
        """Do something inside a reservation: allocate below it or elsewhere, free, carve."""
        for _ in range(data.draw(st.integers(1, 4))):
            step = data.draw(st.sampled_from(["allocate", "allocate", "beside", "free", "carve", "refill"]))
            index = data.draw(INDEX)
            if step == "allocate":
                self.allocate(*self.below(claim.books, index), data.draw(SIZES), claim)
            elif step == "beside":
                self.allocate(*self.pick(index), data.draw(SIZES), claim)
            elif step == "free" and self.things:
                self.free(index, claim)
            elif step == "carve" and depth < 3:
                heap, books = self.below(claim.books, index)
                before = len(self.held)
                also = data.draw(st.lists(INDEX, max_size=2))
                self.reserve(heap, books, data.draw(AMOUNTS), claim, tuple(also))
                if len(self.held) > before:
                    self.inside(data, *self.held.pop(), depth + 1)
            self.books_agree()

    def inside(self, data: st.DataObject, reservation: Reservation, claim: Claim, depth: int) -> None:
        reservation.__enter__()
        elsewhere.__enter__()
        try:
            self.work(data, claim, depth)
        finally:
            elsewhere.__exit__(None, None, None)
            reservation.__exit__(None, None, None)
            give_back(claim)

    @precondition(lambda self: self.held)
    @rule(index=INDEX, data=st.data())
    def work_inside_a_reservation(self, index: int, data: st.DataObject) -> None:
        self.inside(data, *self.held.pop(index % len(self.held)), depth=0)

    @rule(index=INDEX, child=INDEX, bound=AMOUNTS, data=st.data())
    def admit(self, index: int, child: int, bound: int, data: st.DataObject) -> None:
        heap, books = self.pick(index)
        fits = books.fits(bound)
        claim = Claim(books, bound)
        called = []

        def call() -> None:
            called.append(True)
            for b in books.chain():
                b.reserved += bound
            self.work(data, claim, 0)

        result = heap.admit(self.below(books, child)[0], bound, partial(elsewhere.run, call))
        assert (result is NotImplemented) is not fits
        assert bool(called) is fits
        if fits:
            give_back(claim)

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "heaps"):
            return
        for heap, books in self.heaps:
            assert (heap.live, heap.reserved, heap.held) == (books.live, books.reserved, books.held)
            assert heap.room == books.room()
            assert heap.live + heap.reserved + heap.held <= books.limit
            if books.parent is None:
                heap.check()
        for reservation, claim in self.held:
            assert reservation.left == claim.left

    @invariant()
    def overruns_agree(self) -> None:
        for heap, books in getattr(self, "heaps", ()):
            assert heap.overruns == books.overruns

    def teardown(self) -> None:
        if hasattr(self, "heaps"):
            for reservation, _ in self.held:
                reservation.release()
            self.held.clear()
            self.things.clear()
            for heap, _ in self.heaps:
                assert (heap.live, heap.reserved, heap.held) == (0, 0, 0)
                heap.check()
        gc.enable()


TestHeapsAndModel = HeapsAndModel.TestCase
TestHeapsAndModel.settings = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow],  # which goes by the clock
    phases=[Phase.generate, Phase.shrink],  # explaining would trace the test, which allocates inside heaps
)
