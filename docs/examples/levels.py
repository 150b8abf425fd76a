"""Rename a file at every level of the heap: without a reservation, and with one."""

from collections import Counter

from undo import Directory, rename

from hardtack.errors import WouldBlock
from hardtack.heap import Heap

BOUND = 3000  # bytes that a rename can have allocated at one moment
kernel = Heap("64 KiB", name="kernel", slack=0)


def outcome(free: int, *, reserved: bool) -> str:
    """Rename with so many bytes free, and look whether the file is still there."""
    with kernel:
        old = {"file": bytearray(10)}
        new: Directory = {}
    filler = kernel.reserve_nowait(kernel.free - free)  # so much belongs to others
    try:
        if reserved:
            with kernel.reserve_nowait(BOUND):  # where `reserve` would wait
                rename(old, new, "file")
        else:
            with kernel:
                rename(old, new, "file")
    except WouldBlock:
        found = "waits"
    except MemoryError:
        found = "fails"
    else:
        found = "done"
    finally:
        filler.release()
    return found if "file" in old or "file" in new else f"{found}, and the file is gone"


for reserved in (False, True):
    found = Counter(outcome(free, reserved=reserved) for free in range(0, 6000, 16))
    print("reserved:    " if reserved else "not reserved:", dict(found))
