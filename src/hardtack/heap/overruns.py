"""What is logged when a program breaks its word: calls beyond their bound, reservations never released.

The native core calls this, outside every heap, after it has put its books in order. The logger is
"hardtack.heap"; an overrun is logged once for each place in a program, a leaked reservation each time. The
figures of all of them are in `Heap.statistics()` and `Heap.last_overrun`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hardtack.heap import Heap

MAX_SITES: Final = 1024  # remembered as logged; those of programs that write programs could be without number

_logged: Final[set[tuple[str, str]]] = set()


def report_overrun(heap: Heap, call: str, site: str, bound: int, used: int) -> None:
    """Log a call that allocated `used` bytes at its peak and had reserved `bound`, once for each call site.

    Args:
        heap: on which it had reserved.
        call: the function's qualified name.
        site: the file and line that made the reservation, or where the function stands.
        bound: bytes that were reserved.
        used: bytes that it held at its peak, what it had set aside for reservations inside it among them.
    """
    key = (call, site)
    if key in _logged or len(_logged) >= MAX_SITES:
        return
    _logged.add(key)
    _warn(
        heap,
        "heap %r: %s (%s) used %d bytes, %d more than the %d it had reserved; further overruns of this call "
        "are counted and not logged",
        heap.name, call, site, used, used - bound, bound,
    )  # fmt: skip


def report_leak(heap: Heap, amount: int, site: str) -> None:
    """Log a reservation of `amount` bytes that was dropped without being released, made at `site`."""
    _warn(
        heap,
        "heap %r: a reservation of %d bytes, made at %s, was dropped without being released",
        heap.name,
        amount,
        site,
    )


def _warn(heap: Heap, message: str, *arguments: object) -> None:
    import logging  # here, since heaps that keep their word do without

    from hardtack.heap.black_box import note

    note(heap, message % arguments)
    logging.getLogger("hardtack.heap").warning(message, *arguments)
