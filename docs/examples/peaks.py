"""What calls hold at most, and what they leave behind, measured."""

from collections.abc import Callable

from hardtack.heap import Heap

TEXT = "\n".join(f"message {number}" for number in range(100))
heap = Heap("1 MiB", name="peaks")


def lines(text: str) -> list[str]:
    """What it makes is its result: it escapes."""
    return text.splitlines()


def longest(text: str) -> int:
    """What it makes is garbage when it returns."""
    return max(len(line) for line in lines(text))


def one_after_the_other(text: str) -> int:
    """The first call's memory is free again when the second begins."""
    return longest(text) + longest(text)


def side_by_side(text: str) -> int:
    """The first call's result is still alive while the second makes its own."""
    first = lines(text)
    second = lines(text)
    return len(first) + len(second)


def measure(call: Callable[[str], object]) -> tuple[int, int]:
    """Return the most bytes that a call held, and those that its result holds."""
    heap.run(call, TEXT)  # warm: what CPython makes once is made
    heap.reset_peak()
    before = heap.live
    result = heap.run(call, TEXT)
    peak, kept = heap.peak - before, heap.live - before
    del result
    return peak, kept


if __name__ == "__main__":
    for call in (lines, longest, one_after_the_other, side_by_side):
        peak, kept = measure(call)
        print(f"{call.__name__:19}  peak {peak:6}  kept {kept:6}")
