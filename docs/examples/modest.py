"""A call that takes more than it reserved."""

from hardtack.heap import Heap

heap = Heap("1 MiB", name="service")


@heap.call(1000)
def too_modest() -> int:
    """Hold ten blocks at once, with room reserved for less than one."""
    return len([bytes(1000) for _ in range(10)])


print(too_modest(), "blocks were held, and nothing failed")
print(heap.statistics().overruns, "overrun:", heap.last_overrun)
