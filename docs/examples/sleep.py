"""An allocator that waits until there is room."""

from hardtack.heap import Heap

kernel = Heap("64 KiB", name="kernel", on_exhaustion="wait")
with kernel:
    table = [bytearray(1000) for _ in range(1000)]
