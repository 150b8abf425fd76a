"""A kernel's heap, filled by one process, and met by another."""

from hardtack.heap import Heap

kernel = Heap("64 KiB", name="kernel", slack=0)
tables: dict[str, list[bytearray]] = {"hog": [], "citizen": []}


def open_file(process: str) -> None:
    """Make a descriptor, and put it into the table of a process."""
    tables[process].append(bytearray(1000))


def open_files(process: str, count: int) -> str:
    """Open files inside the kernel, and say how that went."""
    try:
        with kernel:
            for _ in range(count):
                open_file(process)
    except MemoryError:
        return f"out of memory with {len(tables[process])} descriptors"
    return f"has {len(tables[process])} descriptors"


print("hog:    ", open_files("hog", 1000))
print("citizen:", open_files("citizen", 1))
print(f"kernel:  {kernel.free} of {kernel.capacity} bytes are free")
