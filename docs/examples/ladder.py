"""A heap that is short four times: garbage goes, a cache, a hog, everybody."""

import gc

from hardtack.errors import ReservationTimeout
from hardtack.heap import Heap

kernel = Heap("4 MiB", name="kernel")
processes: dict[Heap, list[bytes]] = {}


def kill(process: Heap) -> None:
    """Let go of what a process has."""
    print("  killed", process.name)
    del processes[process]


def start(name: str, files: int) -> None:
    """Start a process that opens files of 1,000 bytes each."""
    process = Heap(None, name=name, parent=kernel, kill=kill)
    processes[process] = process.run(lambda: [bytes(1000) for _ in range(files)])


def leave_garbage() -> None:
    """Leave a cycle behind, which only the collector finds."""
    cycle: list[object] = [bytes(500_000)]
    cycle.append(cycle)


def need(size: str) -> None:
    """Reserve, and say what was done for it."""
    evicted = kernel.statistics().evicted
    print(f"{size} are needed, {kernel.free / 2**20:.1f} MiB are free")
    try:
        kernel.reserve(size, timeout=0.5).release()
    except ReservationTimeout:
        print("  waited in vain")
    print("  evicted", kernel.statistics().evicted - evicted, "pages")


gc.disable()  # the garbage is to be there when memory is short
pages = kernel.cache()
for number in range(10):
    pages.get_or_make(number, lambda: bytes(100_000))
start("citizen", 100)
start("hog", 1000)
own = kernel.run(bytes, 300_000)  # the kernel's: nobody takes it away
kernel.run(leave_garbage)

for size in ("1.2 MiB", "2 MiB", "3.2 MiB", "3.8 MiB"):
    need(size)
