"""Wait for memory with a lock, and without."""

from threading import Lock, Thread

from hardtack.errors import ReservationTimeout
from hardtack.heap import Heap

kernel = Heap("64 KiB", name="kernel", slack=0)
big_lock = Lock()


def opens(locked_first: bool) -> str:
    """Have one thread open a file while another wants to close one, in a heap that is nearly full."""
    open_before = kernel.reserve("48 KiB")  # what the other thread's file takes

    def close() -> None:
        with big_lock:
            open_before.release()

    closer = Thread(target=close)
    try:
        if locked_first:
            with big_lock:
                closer.start()
                kernel.reserve("32 KiB", timeout=1).release()  # the allocator: it waits for room
        else:
            closer.start()
            with kernel.reserve("32 KiB", timeout=1), big_lock:  # room first, then the lock
                pass
    except ReservationTimeout:
        return "a deadlock: it waits for memory, with the lock that the one who would free it needs"
    finally:
        closer.join()
    return "opened: the other thread could close its file meanwhile"


print("lock, then memory:", opens(locked_first=True))
print("memory, then lock:", opens(locked_first=False))
