"""The nine limits, in each face that runs programs: the result names the one that was met."""

from __future__ import annotations

import asyncio

import pytest

from hardtack import AsyncKernel, Kernel, Limits, Result, run_python
from hardtack.lab.hostile import GUESTS, USUAL, Guest

# What meets each limit, which must be the only one that it meets.
MEETS = {
    "heap": "open-files",
    "memory": "grow-slowly",
    "table_elements": "large-table",
    "cpu": "yield",
    "wall": "sleep",
    "descriptors": "descriptor-limit",
    "output": "stdout",
    "disk": "one-file",
    "processes": "zombies",
}
PYTHON = {  # CPython has no processes, and a table that does not grow
    "memory": ("bytearray(1 << 30)", Limits(memory="64 MiB")),
    "cpu": ("while True: pass", Limits(cpu=0.2)),
    "wall": ("import time; time.sleep(60)", Limits(wall=0.5)),
    "descriptors": ("files = [open('/main.py') for _ in range(1000)]", Limits(descriptors=20)),
    "heap": ("files = [open('/main.py') for _ in range(100_000)]", Limits(heap="512 KiB")),
    "output": ("while True: print('x' * 1000)", Limits(output="64 KiB")),
    "disk": ("open('/main.py', 'ab').write(bytes(1 << 21))", Limits(disk="1 MiB")),
}
ENDS = {"heap", "cpu", "wall", "table_elements"}  # the others refuse, and the program goes on


def check(limit: str, result: Result) -> None:
    assert result.limits_met == (limit,)
    assert result.limit == (limit if limit in ENDS else None)


def limits_of(guest: Guest) -> Limits:
    return guest.limits.with_defaults(USUAL)


@pytest.mark.parametrize("limit", MEETS)
def test_each_limit_names_itself(limit: str):
    guest = GUESTS[MEETS[limit]]
    with Kernel(heap="16 MiB") as kernel:
        check(limit, kernel.run(guest.module(), limits=limits_of(guest)))
        check(limit, kernel.spawn(guest.module(), limits=limits_of(guest)).wait())
    with Kernel(heap="16 MiB", limits=limits_of(guest)) as kernel:
        check(limit, kernel.run(guest.module()))


def test_each_limit_names_itself_to_a_task():
    async def main() -> None:
        async with AsyncKernel(heap="16 MiB") as kernel:
            for limit, name in MEETS.items():
                guest = GUESTS[name]
                check(limit, await kernel.run(guest.module(), limits=limits_of(guest)))

    asyncio.run(main())


@pytest.mark.parametrize("limit", PYTHON)
def test_each_limit_that_python_can_meet_names_itself(limit: str):
    code, limits = PYTHON[limit]
    check(limit, run_python(code, limits=limits))
