"""Wait for memory with a lock, and without."""

from threading import Lock, Thread

from hardtack.errors import ReservationTimeout
from hardtack.heap import Heap

kernel = Heap("64 KiB", name="kernel", slack=0)
big_lock = Lock()


def opens(locked_first: bool) -> str:
    """Open a file while another thread wants to close one; the heap is nearly full."""
    open_before = kernel.reserve("48 KiB")  # the other's file

    def close() -> None:
        with big_lock:
            open_before.release()

    closer = Thread(target=close)
    try:
        if locked_first:
            with big_lock:
                closer.start()
                kernel.reserve("32 KiB", timeout=1).release()  # the allocator waits
        else:
            closer.start()
            with kernel.reserve("32 KiB", timeout=1), big_lock:
                pass
    except ReservationTimeout:
        return "a deadlock, until the timeout"
    finally:
        closer.join()
    return "opened, after the other had closed"


print("lock, then memory:", opens(locked_first=True))
print("memory, then lock:", opens(locked_first=False))
