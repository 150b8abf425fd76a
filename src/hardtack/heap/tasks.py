"""Waiting for a reservation in an asyncio task; so in anyio's on asyncio, but not on trio.

On the thread of a running event loop `heap.reserve` does not wait: it returns the reservation if there is
room, and a `Pending` if there is not. `async with` does what is meant in both cases, inside a coroutine that
`heap.call` or `heap.wrap` made, because only such a coroutine takes its heap along across its awaits:

    >>> import asyncio
    >>> from hardtack.heap import Heap
    >>> heap = Heap("1 MiB", name="server")
    >>> async def answer(request: bytes) -> int:
    ...     async with heap.reserve("600 KiB", timeout=5):
    ...         page = request * 1000
    ...         await asyncio.sleep(0)
    ...         return len(page)
    >>> async def serve() -> list[int]:
    ...     return await asyncio.gather(*(heap.wrap(answer(b"abc")) for _ in range(5)))
    >>> asyncio.run(serve()), heap.peak < 700_000
    ([3000, 3000, 3000, 3000, 3000], True)

`reserve` here is for who wants the reservation itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import types
import warnings
import weakref
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

from hardtack.errors import WouldBlock
from hardtack.heap import Heap, _native
from hardtack.heap.admission import Waiter
from hardtack.heap.waiting import FAR_SECONDS, NEAR_SECONDS, Course

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from hardtack.heap import Reservation

# A step of a wrapped coroutine runs inside a heap, which may be full, and which thousands of others may wait
# for. So a wait needs nothing of it: not its futures and frames, nor the methods that `async with` looks up.
_outside: Final = Heap(None, name="tasks that wait")


async def reserve(
    heap: Heap, amount: int | str, timeout: float | None = None, also: Sequence[Heap] = ()
) -> Reservation:
    """Set bytes aside, waiting for them if need be without holding up the event loop.

    Args:
        heap: the heap.
        amount: bytes, or text like "2 MiB".
        timeout: seconds to wait at most, None for ever.
        also: heaps below it that the bytes may be charged to as well.

    Returns:
        The reservation. Whoever gets it releases it.

    Raises:
        ReservationImpossible: there never could be room.
        ReservationTimeout: the time is over.
        Doomed: the heap's group is being killed.
        WouldBlock: it would have to wait inside a reservation.

    Example:
        >>> heap = Heap("1 MiB")
        >>> async def main() -> int:
        ...     reservation = await reserve(heap, "64 KiB")
        ...     try:
        ...         return heap.reserved
        ...     finally:
        ...         reservation.release()
        >>> asyncio.run(main())
        65536
    """
    reservation: Reservation | Pending = heap.reserve(amount, timeout=timeout, also=also)
    return await reservation if isinstance(reservation, Pending) else reservation


def granted(reservation: Reservation) -> Generator[None, None, Reservation]:
    """Be awaited, for a reservation that is there already. The native core calls this."""
    return reservation
    yield


class Alarm:
    """Wakes those who sleep equally long on one event loop, at the latest: one timer serves all of them."""

    __slots__ = ("_due", "_seconds", "_ticking")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[TaskWaiter, float] = {}  # when, the earliest first
        self._ticking = False

    def set(self, waiter: TaskWaiter) -> None:
        """Have one woken when the time is over."""
        at = self._due[waiter] = waiter.loop.time() + self._seconds
        if not self._ticking:
            self._tick(waiter.loop, at)

    def unset(self, waiter: TaskWaiter) -> None:
        """Forget one."""
        self._due.pop(waiter, None)

    def _tick(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        loop.call_at(at, self._ring, loop)  # not kept, as it keeps the loop
        self._ticking = True

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._ticking = False  # first, so that after an interrupt the next one to be set starts it again
        now = loop.time()
        for waiter, at in list(self._due.items()):
            if at > now:
                self._tick(loop, at)
                break
            self.unset(waiter)
            waiter.stop_sleeping()


# By loop, by seconds: only for the pauses of the many who wait far from the head of a line.
_alarms: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[float, Alarm]]] = (
    weakref.WeakKeyDictionary()
)


def _alarms_of(loop: asyncio.AbstractEventLoop) -> dict[float, Alarm]:
    alarms = _alarms.get(loop)
    if alarms is None:
        alarms = _alarms[loop] = {seconds: Alarm(seconds) for seconds in (NEAR_SECONDS, FAR_SECONDS)}
    return alarms


class TaskWaiter(Waiter):
    """A reservation that a task waits for."""

    __slots__ = ("alarm", "loop", "task", "timer", "woken")

    def __init__(self, heap: Heap, amount: int, also: Sequence[Heap]) -> None:
        super().__init__(heap, amount, also)
        self.loop = asyncio.get_running_loop()
        self.task = asyncio.current_task(self.loop)
        self.woken: asyncio.Future[None] = self.loop.create_future()
        self.alarm: Alarm | None = None  # while it sleeps, this or
        self.timer: asyncio.TimerHandle | None = None

    @property
    def who(self) -> str:
        """The task's name."""
        return "" if self.task is None else f"task {self.task.get_name()}"

    def wake(self) -> None:
        """Have its task look; from any thread."""
        if asyncio._get_running_loop() is self.loop:
            self.stop_sleeping()
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed; the task leaves when it is dropped
                self.loop.call_soon_threadsafe(self.stop_sleeping)

    def stop_sleeping(self) -> None:
        """End the sleep, on the loop's thread."""
        if not self.woken.done():
            self.woken.set_result(None)

    def sleep(self, seconds: float) -> asyncio.Future[None]:
        """Return what is awaited to sleep until woken, so long at most; then `rise`."""
        self.alarm = _alarms_of(self.loop).get(seconds)
        if self.alarm is not None:
            self.alarm.set(self)
        else:
            self.timer = self.loop.call_later(seconds, self.stop_sleeping)
        return self.woken

    def rise(self) -> None:
        """Be ready to sleep again."""
        if self.alarm is not None:
            self.alarm.unset(self)
        if self.timer is not None:
            self.timer.cancel()
        self.alarm = self.timer = None
        if not self.settled and self.woken.done():
            self.woken = self.loop.create_future()


class _BoundOutside:
    """A method that is bound outside every heap."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __get__(self, thing: object, kind: type) -> object:
        return self._function if thing is None else _native.outside(types.MethodType, self._function, thing)


class Pending:
    """A reservation that cannot be had at once, on the thread of a running event loop.

    It stands in no line before it is awaited: `await pending` returns the reservation, `async with pending`
    enters it. All else raises WouldBlock, because a reservation is what was expected.
    """

    __slots__ = ("_also", "_amount", "_awaited", "_heap", "_reservation", "_timeout")

    def __init__(self, heap: Heap, amount: int, timeout: float | None, also: Sequence[Heap]) -> None:
        self._heap = heap
        self._amount = amount
        self._timeout = timeout
        self._also = also
        self._awaited = False
        self._reservation: Reservation | None = None

    def __await__(self) -> Generator[Any, Any, Reservation]:
        waiting: Generator[Any, Any, Reservation] = _native.outside(_waiting, self)
        return waiting

    async def _wait(self) -> Reservation:
        waiter = TaskWaiter(self._heap, self._amount, self._also)
        course = Course(waiter, self._timeout)
        try:
            course.begin()
            while (pause := course.look()) is not None:
                try:
                    await waiter.sleep(pause)
                finally:
                    waiter.rise()
            reservation = course.take(self._timeout)
            course.end()
        except BaseException:
            course.give_up()
            raise
        return reservation

    @_BoundOutside
    def __aenter__(self) -> Generator[Any, Any, Reservation]:
        entering: Generator[Any, Any, Reservation] = _native.outside(_entering, self)
        return entering

    @_BoundOutside
    def __aexit__(self, *exception: object) -> Awaitable[None]:
        assert self._reservation is not None
        return self._reservation.__aexit__(*exception)

    def __enter__(self) -> Self:
        self._refuse()

    def __exit__(self, *exception: object) -> None:
        self._refuse()

    def __getattr__(self, name: str) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        self._awaited = True  # one complaint is enough
        message = (
            f"heap {self._heap.name!r} has no room for {self._amount} bytes now, and waiting would stop the "
            "event loop of this thread: write `async with heap.reserve(...)` or `await` it, use "
            "reserve_nowait, or reserve in a thread"
        )
        raise WouldBlock(message, self._amount, self._heap.room)

    def __repr__(self) -> str:
        return f"<Pending reservation of {self._amount} bytes on {self._heap!r}>"

    def __del__(self) -> None:
        if not self._awaited:
            message = f"a reservation of {self._amount} bytes on heap {self._heap.name!r} was never awaited"
            warnings.warn(message, RuntimeWarning, stacklevel=2, source=self)


def _waiting(pending: Pending) -> Generator[Any, Any, Reservation]:
    """Return what waits, when awaited; called outside every heap."""
    pending._awaited = True
    if _native.in_reservation():
        heap, amount = pending._heap, pending._amount
        message = f"heap {heap.name!r}: {amount} bytes are not waited for inside another reservation"
        raise WouldBlock(message, amount, heap.room)
    if not _native.in_coroutine():
        return pending._wait().__await__()
    return _outside.wrap(pending._wait()).__await__()


def _entering(pending: Pending) -> Generator[Any, Any, Reservation]:
    """Return what waits and enters, when awaited; called outside every heap."""
    pending._awaited = True
    if not _native.in_coroutine():
        message = (
            "`async with heap.reserve(...)` works inside a coroutine that takes its heap along across "
            "its awaits: decorate the function with @heap.call(bound), or run heap.wrap(function(...))"
        )
        raise RuntimeError(message)
    return _enter(pending, _waiting(pending))


@types.coroutine
def _enter(pending: Pending, waiting: Generator[Any, Any, Reservation]) -> Generator[Any, Any, Reservation]:
    """Run in the steps of the coroutine that enters, for it is that one's frames that change."""
    reservation = pending._reservation = yield from waiting
    try:
        entered: Reservation = reservation.__enter__()
    except BaseException:
        reservation.release()
        raise
    return entered
