"""The hostile suite: each guest ends as its row says, and neither the host nor the citizen beside it is any worse.

The endings by time cost their time: of each kind one is run here, `make hostile` runs them all.
"""

from __future__ import annotations

import contextlib
import os

import pytest

from hardtack import Kernel, Process, ProgramError
from hardtack.lab.hostile import GUESTS, POINTER_CALLS, USUAL, Guest, bad_pointers

LETTERS = 20
ENDS_CALLER = {"proc_raise", "kill"}


def by_cost() -> list[object]:
    """Return the names of all guests, those marked as slow that end by time, but for the first of each kind."""
    seen: set[str] = set()
    rows: list[object] = []
    for name, guest in GUESTS.items():
        by_time = not {"cpu", "wall"}.isdisjoint(guest.ends)
        slow = by_time and guest.attacks in seen
        if by_time:
            seen.add(guest.attacks)
        rows.append(pytest.param(name, marks=pytest.mark.slow) if slow else name)
    return rows


def open_files() -> list[str]:
    """Return what the host has open, but for compiled programs, which wasmtime keeps for some time."""
    names = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own
            names.append(os.readlink(f"/proc/self/fd/{number}"))
    return sorted(name for name in names if not name.endswith(".code"))


def kernel_with_a_citizen() -> tuple[Kernel, Process]:
    kernel = Kernel(heap="32 MiB", memory="2 GiB")
    kernel.write_file("/given", b"x" * 70_000)
    return kernel, kernel.spawn("/bin/mail", ["ann", str(LETTERS)])


def check(kernel: Kernel, citizen: Process) -> None:
    letters = citizen.wait(timeout=60)
    assert (letters.exit_code, letters.stderr, letters.killed) == (0, b"", None)
    assert b"delivered %d" % LETTERS in letters.stdout
    assert kernel.run("/bin/echo", ["ahoy"]).stdout == b"ahoy\n"
    kernel.check()
    books = kernel.statistics()
    assert (books.processes, books.memory, books.failed_calls, books.kills) == (0, 0, 0, ())
    assert (books.heap.overruns, books.heap.leaked) == (0, 0)


def ending(kernel: Kernel, guest: Guest) -> int | str | None:
    try:
        result = kernel.run(guest.module(), limits=guest.limits.with_defaults(USUAL))
    except ProgramError as error:
        return error.limit
    assert result.usage.seconds < 10
    if result.limit is None:
        return result.exit_code
    assert result.limits_met[0] == result.limit
    if result.limit != "table_elements":  # that one is refused before it begins
        assert (result.exit_code, f"{result.limit} limit" in str(result.killed)) == (137, True)
    return result.limit


@pytest.mark.parametrize("name", by_cost())
def test_a_hostile_guest_ends_as_its_row_says_and_nobody_else_is_any_worse(name: str):
    before = open_files()
    kernel, citizen = kernel_with_a_citizen()
    with kernel:
        assert ending(kernel, GUESTS[name]) in GUESTS[name].ends
        check(kernel, citizen)
    assert open_files() == before


def test_bad_pointers_in_every_call_at_the_same_time_harm_nobody():
    kernel, citizen = kernel_with_a_citizen()
    with kernel:
        guests = {name: kernel.spawn(bad_pointers(name).module(), limits=USUAL) for name in POINTER_CALLS}
        for name, guest in guests.items():
            result = guest.wait(timeout=60)
            assert result.failure is None, (name, result)
            assert result.exit_code == 0 or name in ENDS_CALLER, (name, result)
        check(kernel, citizen)


def test_the_suite_has_sixty_guests_and_attacks_what_it_should():
    assert len(GUESTS) >= 60
    assert len({(guest.module(), guest.limits) for guest in GUESTS.values()}) == len(GUESTS)
    assert {guest.attacks for guest in GUESTS.values()} >= {
        "the heap", "descriptors", "names", "paths", "output", "processor time in the kernel", "memory", "recursion",
        "clocks", "poll lists", "buffer lists",
    }  # fmt: skip
