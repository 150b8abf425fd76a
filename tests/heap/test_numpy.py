"""NumPy's array data counts in the heap that a thread is inside, whoever frees it."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import gc
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from hardtack.heap import Heap, size_class

if TYPE_CHECKING:
    from collections.abc import Callable

np = pytest.importorskip("numpy")
from hardtack.integrations.numpy import _array_api, install  # noqa: E402 (needs NumPy)

install()
MiB = 1 << 20
OBJECT = size_class(np.ndarray.__basicsize__)


def cost(data: int) -> int:
    """Bytes that an array with so many bytes of data is charged."""
    return OBJECT + size_class(data)


def handler_name() -> str:
    core = np.core if np.__version__.startswith("1.") else np._core
    return str(core.multiarray.get_handler_name())


@pytest.mark.parametrize("size", [1, 16, 100, 512, 513, 4000, 32_768, 32_769, MiB, 5 * MiB + 1])
@pytest.mark.parametrize("make", [np.zeros, np.empty])
def test_an_array_costs_its_object_and_its_data_to_the_byte(heap: Heap, make: Any, size: int) -> None:
    array = heap.run(make, size, np.uint8)  # what NumPy keeps for good is there now
    del array
    before = heap.live
    array = heap.run(make, size, np.uint8)
    assert heap.live - before == cost(size)
    assert heap.owns(array)
    del array  # outside the heap
    assert heap.live == before


def test_zeros_are_zeros_in_blocks_that_were_used_before(heap: Heap) -> None:
    for size in (100, 4000, 40_000, MiB):
        for _ in range(3):
            with heap:
                array = np.zeros(size, np.uint8)
            assert not array.any()
            array[:] = 255
            del array


def test_a_view_or_a_slice_costs_its_object_alone_and_keeps_the_data(heap: Heap) -> None:
    array = heap.run(np.zeros, MiB, np.uint8)
    before = heap.live
    with heap:
        views = [array[10:20], array[::2], array.reshape(1024, 1024), array.view(np.uint64), array.T]
    assert heap.live - before < 1000 + len(views) * (OBJECT + 200)
    del array
    assert heap.live - before < 1000 + len(views) * (OBJECT + 200)  # the data lives on in its views
    views.clear()
    assert heap.live < before - MiB + 2000


def test_the_owner_pays_when_an_array_is_resized_wherever_that_happens(heap: Heap) -> None:
    array = heap.run(np.zeros, 1000, np.uint8)
    before = heap.live
    array.resize(3 * MiB, refcheck=False)
    assert heap.live - before == size_class(3 * MiB) - size_class(1000)
    array.resize(100, refcheck=False)
    assert heap.live - before == size_class(100) - size_class(1000)
    outside = np.zeros(1000, np.uint8)
    before = heap.live
    with heap:
        outside.resize(3 * MiB, refcheck=False)
    assert heap.live - before < 1000


def test_an_array_from_outside_is_freed_inside_without_a_trace(heap: Heap) -> None:
    arrays = [np.zeros(size, np.uint8) for size in (10, 1000, MiB)]
    with heap:
        arrays.clear()
    heap.check()
    assert heap.live < 1000


def test_data_that_does_not_fit_is_a_memory_error_and_leaves_nothing(heap: Heap) -> None:
    with heap:
        held = np.zeros(MiB, np.uint8)
        with pytest.raises(MemoryError):
            np.zeros(heap.room + 1, np.uint8)
        with pytest.raises(MemoryError):
            np.ones((1000, 1000))
        with pytest.raises(MemoryError):
            held.resize(8 * MiB, refcheck=False)
    gc.collect()
    assert len(held) == MiB
    assert heap.statistics().failures >= 3
    del held
    gc.collect()
    heap.check()
    assert heap.live < 20_000  # exceptions' texts, and what CPython's free lists keep


def test_a_reservation_is_drawn_on(heap: Heap) -> None:
    with heap.reserve(2 * MiB) as reservation:
        array = np.zeros(MiB, np.uint8)
        assert 2 * MiB - cost(MiB) - 1000 < reservation.left <= 2 * MiB - cost(MiB)
        del array
        assert reservation.left > 2 * MiB - 1000
    assert heap.overruns == 0


def work() -> Any:
    first = np.arange(20_000.0).reshape(100, 200)[::-1]
    second = first @ first.T + first.sum(axis=1)
    third = np.sort(np.concatenate([second.ravel(), first.astype(np.float32).ravel()]))
    third[::3].sort()
    np.lexsort((third, third[::-1]))
    picked = third[third > np.median(third)]
    return np.unique(picked, return_counts=True), np.fromiter(range(1000), float), np.array(["a", "bc"] * 500)


def test_what_arithmetic_and_sorting_need_is_given_back(heap: Heap) -> None:
    results = heap.run(work)
    assert heap.live > 50_000
    del results
    gc.collect()
    before = heap.live
    heap.reset_peak()
    for _ in range(5):
        heap.run(work)
    gc.collect()
    assert abs(heap.live - before) < 20_000
    assert heap.peak - before > 300_000


@pytest.mark.skipif(np.__version__.startswith("1."), reason="NumPy 1 dies of a failed allocation")
def test_whichever_allocation_of_600_bytes_fails_the_books_balance(heap: Heap) -> None:
    heap.run(work)
    for nth in range(1, 200):
        heap.fail_nth(nth, min_size=600)
        try:
            heap.run(work)
        except (MemoryError, SystemError):  # a ufunc's reduce forgets to say why it failed
            pass
        else:
            break
        finally:
            heap.fail_nth(0)
        heap.check()
    else:
        pytest.fail("there was always one more allocation to fail")
    assert nth > 10
    gc.collect()
    assert heap.live < 100_000


def test_every_thread_that_enters_is_counted(heap: Heap) -> None:
    children = [Heap(None, parent=heap) for _ in range(4)]
    barrier = threading.Barrier(4)

    def make(child: Heap) -> Any:
        assert handler_name() == "default_allocator"  # a thread that was in no heap yet
        barrier.wait(20)
        with child:
            for _ in range(20):
                np.sort(np.arange(10_000)[::-1])
            return np.zeros(MiB, np.uint8)

    with ThreadPoolExecutor(4) as threads:
        arrays = list(threads.map(make, children))
        for child, array in zip(children, arrays, strict=True):
            child.check()
            assert child.owns(array)
            assert cost(MiB) <= child.live < cost(MiB) + 20_000
        list(threads.map(lambda _: arrays.pop(), children))  # freed on other threads
    del array
    assert heap.live < 80_000


def test_a_task_that_enters_is_counted_and_others_are_not(heap: Heap) -> None:
    async def make(inside: Heap | None) -> Any:
        await asyncio.sleep(0)
        first = np.zeros(MiB, np.uint8)
        await asyncio.sleep(0)
        return first, np.zeros(MiB, np.uint8)

    async def main() -> Any:
        tasks = [make(None), heap.wrap(make(heap)), make(None), heap.wrap(make(heap))]
        return await asyncio.gather(*map(asyncio.ensure_future, tasks))

    before = heap.live
    made = asyncio.run(main())
    assert 4 * MiB <= heap.live - before < 4 * MiB + 50_000
    made.clear()
    gc.collect()
    assert heap.live - before < 50_000


def test_setting_the_handler_costs_the_heap_nothing(heap: Heap) -> None:
    def enter() -> None:
        with heap:
            pass

    context = contextvars.Context()
    context.run(enter)
    assert heap.live == 0
    assert context.run(handler_name) == "hardtack"


def test_a_context_from_before_is_not_counted_until_install_is_called_in_it(heap: Heap) -> None:
    old = contextvars.Context()
    with heap:
        assert old.run(handler_name) == "default_allocator"
        old.run(install)
        assert old.run(handler_name) == "hardtack"


def test_the_handler_that_another_library_has_set_is_left_in_place(heap: Heap) -> None:
    def within() -> None:
        mine = ctypes.pythonapi.PyCapsule_New
        mine.restype, mine.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        theirs = mine(
            struct_of(api(305, ctypes.py_object)()), NAME, None
        )  # NumPy's functions, not NumPy's capsule
        api(304, ctypes.py_object, ctypes.py_object)(theirs)
        live = heap.live
        with heap:
            array = np.zeros(MiB, np.uint8)
        assert heap.live - live < 2000
        assert api(305, ctypes.py_object)() is theirs
        del array

    contextvars.Context().run(within)


NAME = b"mem_handler"


def pointer_in(capsule: object, name: bytes | None) -> int:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    address: int = get(capsule, name)
    return address


def struct_of(handler: object) -> int:
    return pointer_in(handler, NAME)


def api(place: int, *signature: Any) -> Callable[..., Any]:
    """Return a function of NumPy's C API."""
    table = ctypes.cast(pointer_in(_array_api(), None), ctypes.POINTER(ctypes.c_void_p))
    function: Callable[..., Any] = ctypes.PYFUNCTYPE(*signature)(table[place] or 0)
    return function


def test_a_caller_without_the_gil_is_counted_too(heap: Heap) -> None:
    def handler_functions() -> list[Any]:
        with heap:
            handler = struct_of(api(305, ctypes.py_object)())
        pointers = ctypes.cast(
            handler + 136, ctypes.POINTER(ctypes.c_void_p)
        )  # behind name, version and context
        size, block = ctypes.c_size_t, ctypes.c_void_p
        signatures = [
            (block, block, size),
            (block, block, size, size),
            (block, block, block, size),
            (None, block, block, size),
        ]
        return [
            ctypes.CFUNCTYPE(*s)(pointers[k]) for k, s in enumerate(signatures)
        ]  # these let go of the GIL

    malloc, calloc, realloc, free = handler_functions()
    children = [Heap(None, parent=heap) for _ in range(4)]

    def use(child: Heap) -> None:
        with child:
            for n in range(300):
                first, second = malloc(None, 1000 + n), calloc(None, 10, 100)
                assert child.live >= 2000
                first = realloc(None, first, 50_000)
                free(None, first, 50_000)
                free(None, second, 1000)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(use, children))
    heap.check()
    assert heap.live < 80_000


def test_numbers_read_from_text_count_though_numpy_lets_go_of_the_gil_for_it(heap: Heap) -> None:
    text = " ".join(map(str, range(20_000)))
    numbers: list[Any] = []

    def read(child: Heap) -> None:
        with child:
            for _ in range(20):
                array = np.fromstring(text, dtype=np.int64, sep=" ")
        numbers.append(array)

    children = [Heap(None, parent=heap) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(read, children))
    for child in children:
        child.check()
        assert child.live > 20_000 * 8
    assert all((array == np.arange(20_000)).all() for array in numbers)
    numbers.clear()
    assert heap.live < 80_000


def test_installing_again_changes_nothing(heap: Heap) -> None:
    install()
    install()
    with heap:
        array = np.zeros(MiB, np.uint8)
    assert cost(MiB) <= heap.live < cost(MiB) + 2000
    del array


def test_without_numpy_the_error_says_what_to_install(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    python("""
        import sys
        sys.modules["numpy"] = None
        import hardtack.heap
        from hardtack.integrations.numpy import install
        try:
            install()
        except ImportError as error:
            assert "hardtack[numpy]" in str(error) and error.name == "numpy", error
        else:
            raise AssertionError("there was no error")
        heap = hardtack.heap.Heap("1 MiB")
        assert heap.run(bytes, 1000)
    """)


def test_nothing_changes_until_install_is_called(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    python("""
        import sys
        from hardtack.heap import Heap
        import hardtack.integrations.numpy
        assert "numpy" not in sys.modules
        import numpy as np
        heap = Heap("1 MiB")
        with heap:
            array = np.zeros(500_000, np.uint8)
        assert heap.live < 10_000
        array = None
        hardtack.integrations.numpy.install()
        with heap:
            array = np.zeros(500_000, np.uint8)
        assert heap.live > 500_000
        sys.stderr.flush()
    """)
