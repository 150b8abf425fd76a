"""Where the hook refuses to be installed, and what importing it brings along."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Python = Callable[..., subprocess.CompletedProcess[str]]

address_limits = pytest.mark.skipif(
    "asan" in os.environ.get("LD_PRELOAD", ""), reason="AddressSanitizer needs terabytes of address space"
)


def test_it_refuses_while_tracemalloc_is_tracing(python: Python) -> None:
    python(
        """
        import tracemalloc
        tracemalloc.start()
        from hardtack.heap import Heap, installed
        try:
            Heap("1 MiB")
        except RuntimeError as error:
            assert "tracemalloc.stop() first" in str(error)
        else:
            raise AssertionError
        assert not installed()
        tracemalloc.stop()
        heap = Heap("1 MiB")
        assert installed()
        thing = heap.run(bytes, 1000)
        assert heap.live == 1280
        """
    )


def test_tracemalloc_may_start_and_stop_afterwards(python: Python) -> None:
    python(
        """
        import tracemalloc
        from hardtack.heap import Heap, installed
        heap = Heap("1 MiB")
        tracemalloc.start()
        assert not installed()  # not on top, but still below
        thing = heap.run(bytes, 100_000)
        assert heap.live == 102_400
        assert tracemalloc.get_traced_memory()[0] > 100_000
        del thing
        assert heap.live == 0
        thing = heap.run(bytes, 100_000)
        tracemalloc.stop()
        assert installed()
        del thing
        assert heap.live == 0
        heap.check()
        """
    )


def test_it_refuses_to_work_in_a_sub_interpreter(python: Python) -> None:
    done = python(
        """
        import _testcapi
        code = '''
        try:
            import hardtack.heap
        except ImportError as error:
            print("refused:", error)
        '''.replace("        ", "")
        assert _testcapi.run_in_subinterp(code) == 0
        from hardtack.heap import Heap
        heap = Heap("1 MiB")
        assert _testcapi.run_in_subinterp(code) == 0
        assert heap.run(int, "7") == 7
        """
    )
    assert done.stdout.count("refused: hardtack.heap works in the main interpreter alone") == 2


def test_objects_of_sub_interpreters_pass_through_the_hook(python: Python) -> None:
    python(
        """
        import _testcapi
        from hardtack.heap import Heap
        heap = Heap("64 MiB")
        code = "import json; x = [json.dumps([i] * 10) for i in range(1000)]"
        assert _testcapi.run_in_subinterp(code) == 0
        assert heap.live == 0
        assert heap.run(_testcapi.run_in_subinterp, code) == 0
        heap.check()
        """
    )


def test_it_refuses_a_second_copy_of_itself(python: Python) -> None:
    python(
        """
        import importlib.util, shutil, sys, tempfile
        from pathlib import Path
        from hardtack.heap import Heap, _native
        with tempfile.TemporaryDirectory() as directory:
            copy = shutil.copy(_native.__file__, directory)
            spec = importlib.util.spec_from_file_location("hardtack.heap._native", copy)
            twin = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(twin)
        assert twin.Heap is not _native.Heap
        Heap("1 MiB")
        try:
            twin.Heap(1 << 20, "twin", None, "reserve", 0, False)
        except RuntimeError as error:
            assert "another copy" in str(error)
        else:
            raise AssertionError
        """
    )


def test_importing_it_again_gives_the_same_types(python: Python) -> None:
    python(
        """
        import sys
        from hardtack.heap import Heap, _native
        heap = Heap("1 MiB")
        for name in [name for name in sys.modules if name.startswith("hardtack")]:
            del sys.modules[name]
        import hardtack.heap
        again = hardtack.heap.Heap("1 MiB")
        with heap, again:
            thing = bytes(1000)
        assert again.live == 1280
        again.check()
        heap.check()
        """
    )


def test_importing_heaps_alone_imports_nothing_big(python: Python) -> None:
    python(
        """
        import sys
        before = set(sys.modules)
        import hardtack.heap
        from hardtack import Heap
        new = {name.partition(".")[0] for name in set(sys.modules) - before}
        assert not new & {"wasmtime", "click", "rich", "ctypes", "asyncio", "mypy", "numpy"}, new
        """
    )


def test_the_hook_is_installed_by_the_first_heap(python: Python) -> None:
    python(
        """
        from hardtack.heap import Heap, installed
        assert not installed()
        Heap("1 MiB")
        assert installed()
        """
    )


@address_limits
def test_it_works_under_a_limit_on_address_space(python: Python) -> None:
    python(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (1_500_000 << 10,) * 2)
        from hardtack.heap import Heap
        heap = Heap("512 MiB")
        with heap.reserve("400 MiB"):
            things = [bytes(100_000) for _ in range(3000)]
            small = [bytes(100) for _ in range(100_000)]
        assert heap.live > 300 << 20
        del things, small
        heap.check()
        """
    )


@address_limits
def test_a_heap_that_meets_the_limit_on_address_space_gets_memory_error(python: Python) -> None:
    done = python(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (400_000 << 10,) * 2)
        from hardtack.heap import Heap, _native
        heap = Heap("4 GiB")
        def fill(size):
            keep = [None] * 3_000_000
            try:
                for position in range(len(keep)):
                    keep[position] = bytes(size)
            except MemoryError as error:
                return type(error).__name__
        for size in (100_000, 100, 3000, 500_000, 100):
            for _ in range(2):
                print(size, heap.run(fill, size))
                heap.check()
        heap.run(bytes, 10_000_000)  # what was freed is there again
        """
    )
    lines = done.stdout.split("\n")
    assert len(lines) == 11
    assert "100 HeapFull" in lines  # told between two bytecodes, while there were spans for emergencies
    assert all(line.endswith(("MemoryError", "HeapFull")) for line in lines[:-1])


@address_limits
def test_a_block_beside_a_dropped_heap_that_finds_no_address_space_leaves_nothing(python: Python) -> None:
    python(
        """
        import gc, resource
        from test_spill import full_heap
        from hardtack.heap import Heap, _native

        cores = _native.census()[0]
        heap, keep = full_heap(400)
        text = heap.run(bytearray, 300)
        while heap.free > 32:
            keep.append(heap.run(bytes, heap.free - 48))
        del heap
        resource.setrlimit(resource.RLIMIT_AS, (400_000 << 10,) * 2)
        other = Heap(None)
        for size in (100_000, 3000, 100):
            filling = [None] * 1_000_000
            error, position = None, 0
            while type(error) is not MemoryError:
                try:
                    with other:
                        while True:
                            filling[position] = bytes(size)
                            position += 1
                except MemoryError as caught:
                    error = caught
            keep.append(filling)
        try:
            text.extend(bytes(100))
        except MemoryError:
            pass
        else:
            raise AssertionError("it grew")
        del filling, keep, text, error
        gc.collect()
        assert _native.census()[0] == cores + 1, "that is the other heap"
        """
    )
