"""AsyncKernel: programs as awaitables, cancellation, streams, many at once."""

from __future__ import annotations

import asyncio
import gc
import inspect
import subprocess
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from host_children import children
from wasmtime import wat2wasm

from hardtack import AsyncKernel, Kernel, KernelError, Limits, ProgramError

PIPE = subprocess.PIPE


def with_kernel(body: Callable[[AsyncKernel], Coroutine[Any, Any, None]], **arguments: Any) -> None:
    """Run a test's body with a kernel, and check that nothing is left."""

    async def main() -> None:
        async with AsyncKernel(heap="32 MiB", **arguments) as kernel:
            await body(kernel)
            await kernel.check()
            books = await kernel.statistics()
            assert (books.processes, books.memory) == (0, 0)
        assert kernel._kernel._worker._watched == []

    asyncio.run(main())


def test_a_program_is_awaited():
    async def body(kernel: AsyncKernel) -> None:
        result = await kernel.run("/bin/wc", ["-w"], stdin=b"one two three")
        assert (result.exit_code, result.stdout.split()) == (0, [b"3"])

    with_kernel(body)


def test_the_event_loop_goes_on_meanwhile():
    async def body(kernel: AsyncKernel) -> None:
        running = asyncio.create_task(kernel.run("/bin/spin", limits=Limits(cpu=0.3)))
        ticks = 0
        while not running.done():
            await asyncio.sleep(0)
            ticks += 1
        assert running.result().limit == "cpu"
        assert ticks > 20

    with_kernel(body)


def test_many_guests_run_at_once():
    async def body(kernel: AsyncKernel) -> None:
        started = time.monotonic()
        results = await asyncio.gather(*[kernel.run("/bin/sleeper", ["1"]) for _ in range(50)])
        assert [result.exit_code for result in results] == [0] * 50
        assert time.monotonic() - started < 20

    with_kernel(body)


@pytest.mark.parametrize("program", [("spin",), ("sleeper", "60"), ("sh", "-c", "yes | cat | wc")])
def test_a_cancelled_task_ends_its_program(program: tuple[str, ...]):
    async def body(kernel: AsyncKernel) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await kernel.run(f"/bin/{program[0]}", program[1:])
        assert (await kernel.statistics()).processes == 0

    with_kernel(body)


def test_a_task_that_is_cancelled_before_it_began_starts_nothing():
    async def body(kernel: AsyncKernel) -> None:
        task = asyncio.create_task(kernel.run("/bin/spin"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with_kernel(body)


def test_cancelling_again_and_again_does_no_harm():
    async def body(kernel: AsyncKernel) -> None:
        task = asyncio.create_task(kernel.run("/bin/spin"))
        await asyncio.sleep(0.05)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        assert task.cancelled()

    with_kernel(body)


def test_a_cancelled_task_leaves_others_alone():
    async def body(kernel: AsyncKernel) -> None:
        spinning = asyncio.create_task(kernel.run("/bin/spin"))
        counting = asyncio.create_task(kernel.run("/bin/sh", ["-c", "echo well"]))
        await asyncio.sleep(0.01)
        spinning.cancel()
        assert (await counting).stdout == b"well\n"
        with pytest.raises(asyncio.CancelledError):
            await spinning

    with_kernel(body)


def test_limits_and_timeouts_are_as_in_a_kernel():
    async def body(kernel: AsyncKernel) -> None:
        late, cheap = await asyncio.gather(
            kernel.run("/bin/sleeper", ["60"], timeout=0.1),
            kernel.run("/bin/sleeper", ["60"], limits=Limits(wall=0.2)),
        )
        assert (late.limit, cheap.limit) == ("wall", "wall")
        assert (await kernel.run("/bin/yes")).stdout == b"y\n" * 50
        with pytest.raises(ProgramError):
            await kernel.run(b"no program")

    with_kernel(body, limits=Limits(output=100))


def test_a_cancelled_compilation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HARDTACK_CACHE", str(tmp_path))
    values = "i32 " * 1000
    bomb = f"""(module (type $t (func (param {values}) (result {values}))) (memory (export "memory") 1)
        (func (export "_start") {"(i32.const 0)" * 1000} {"(loop (type $t) (br_if 0 (i32.const 0)))" * 400}
        {"drop " * 1000}))"""

    async def body(kernel: AsyncKernel) -> None:
        data = bytes(wat2wasm(bomb))
        ticks = 0
        task = asyncio.create_task(kernel.run(data))
        while ticks < 30:  # others go on
            await asyncio.sleep(0.01)
            ticks += 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert children() == []

    with_kernel(body)
    assert not list(tmp_path.glob(".new-*"))


def test_a_program_is_spoken_with():
    async def body(kernel: AsyncKernel) -> None:
        process = await kernel.spawn("/bin/cat", stdin=PIPE, stdout=PIPE)
        assert process.running
        for word in (b"hard", b"tack"):
            await process.stdin.write(word)
            assert await process.stdout.read() == word
        await process.stdin.close()
        assert [chunk async for chunk in process.stdout] == []
        assert (await process.wait()).exit_code == 0
        assert not process.running

    with_kernel(body)


def test_megabytes_are_streamed_with_back_pressure():
    async def body(kernel: AsyncKernel) -> None:
        process = await kernel.spawn("/bin/sh", ["-c", "cat | cat"], stdin=PIPE, stdout=PIPE)
        sent = 0

        async def feed() -> None:
            nonlocal sent
            for _ in range(60):
                sent += await process.stdin.write(bytes(50_000))
            await process.stdin.close()

        feeding = asyncio.create_task(feed())
        await asyncio.sleep(0.1)
        assert sent < 1_000_000  # nobody has read yet
        received = 0
        async for chunk in process.stdout:
            received += len(chunk)
        await feeding
        assert received == sent == 3_000_000
        assert (await process.wait()).exit_code == 0

    with_kernel(body)


def test_a_cancelled_read_loses_nothing():
    async def body(kernel: AsyncKernel) -> None:
        process = await kernel.spawn("/bin/sh", ["-c", "yes | cat"], stdout=PIPE)
        got, cancelled = b"", 0
        while len(got) < 300_000 or cancelled < 5:
            task = asyncio.create_task(process.stdout.read(777))
            await asyncio.sleep(0)
            if len(got) % 5 == 0:
                task.cancel()
            try:
                got += await task
            except asyncio.CancelledError:
                cancelled += 1
        await process.kill()
        assert (await process.wait()).killed == "killed by the host"
        assert got == (b"y\n" * len(got))[: len(got)]

    with_kernel(body)


def test_files_go_in_and_out():
    async def body(kernel: AsyncKernel) -> None:
        await kernel.write_file("/a", b"biscuit")
        assert (await kernel.run("/bin/cp", ["/a", "/b"])).exit_code == 0
        assert await kernel.read_file("/b") == b"biscuit"
        await kernel.remove_file("/b")
        with pytest.raises(KernelError):
            await kernel.read_file("/b")

    with_kernel(body)


def test_two_event_loops_share_a_kernel():
    kernel = AsyncKernel(heap="16 MiB")
    assert asyncio.run(kernel.run("/bin/echo", ["one"])).stdout == b"one\n"
    assert asyncio.run(kernel.run("/bin/echo", ["two"])).stdout == b"two\n"
    asyncio.run(kernel.close())


def test_a_closed_kernel_says_so():
    async def main() -> None:
        kernel = AsyncKernel(heap="16 MiB")
        waiting = asyncio.create_task(kernel.run("/bin/sleeper", ["60"]))
        await asyncio.sleep(0.05)
        await kernel.close()
        assert (await waiting).killed == "the kernel was closed"
        with pytest.raises(KernelError, match="closed"):
            await kernel.run("/bin/true")

    asyncio.run(main())


def test_a_loop_that_is_left_ends_its_programs():
    """As at Ctrl-C: asyncio.run cancels what is left."""
    kernel = AsyncKernel(heap="16 MiB")

    async def main() -> None:
        asyncio.get_running_loop().create_task(kernel.run("/bin/spin"))
        await asyncio.sleep(0.05)

    asyncio.run(main())
    assert kernel._kernel.statistics().processes == 0
    asyncio.run(kernel.close())
    gc.collect()


def test_it_takes_what_a_kernel_takes_but_the_outside() -> None:
    def names(function: Callable[..., object]) -> set[str]:
        return set(inspect.signature(function).parameters)

    assert names(AsyncKernel.__init__) == names(Kernel.__init__) - {"outside"}
    assert names(AsyncKernel.run) == names(Kernel.run)
    assert names(AsyncKernel.spawn) == names(Kernel.spawn)


def test_a_disk_a_name_and_a_socket_are_passed_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncKernel("16 MiB", disk=tmp_path / "fs.db", disk_name="/d", name="of-a-test") as kernel:
            assert (await kernel.run("/bin/sh", ["-c", "echo hi > /d/f; cat /d/f"])).stdout == b"hi\n"
            with pytest.raises(KernelError, match="nowhere"):
                await kernel.run("/bin/true", listen=["nowhere"])

    asyncio.run(main())
