"""Each attack of the tables of hogs under hardtack: it is refused or ended soon, by name, and the host stays as it was."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardtack import Kernel, KernelError, Limits, Result
from hardtack.lab.attacks import ATTACKS
from hardtack.lab.peers import HOSTS
from hardtack.lab.peers_child import arguments_of

EINVAL, EMFILE, ENAMETOOLONG, ENOMEM, ENOSPC = 28, 33, 37, 48, 51
MIB = 1 << 20


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with Kernel(heap="32 MiB", memory="2 GiB") as made:
        for attack in ATTACKS.values():  # compiled before anything is measured
            made.run(attack.module(), limits=Limits(wall=0.2, output=0, descriptors=5, memory="16 MiB"))
        yield made
        made.check()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def attacked(kernel: Kernel, name: str, limits: Limits) -> Result:
    """Run an attack beside a citizen; check that neither the host nor the citizen is any worse for it."""
    before = descriptors(), resident(), kernel.statistics()
    citizen = kernel.spawn("/bin/mail", ["ann", "20"])
    try:
        result = kernel.run(ATTACKS[name].module(), arguments_of(ATTACKS[name]), limits=limits)
    finally:
        letters = citizen.wait(timeout=60)
        after = kernel.statistics()
        kernel.check()
        assert letters.exit_code == 0, letters
        assert (after.processes, after.memory) == (0, 0)
        assert after.heap.overruns == before[2].heap.overruns
        assert descriptors() <= before[0] + 1  # of a compiled program that was dropped from memory meanwhile
        assert resident() < before[1] + 32 * MIB
    return result


@pytest.mark.parametrize(
    ("name", "limits", "exit_code", "limit", "met"),
    [
        ("descriptors", Limits(descriptors=1000), EMFILE, None, ("descriptors",)),
        ("descriptors", Limits(heap="2 MiB"), 137, "heap", ("heap",)),
        ("memory", Limits(memory="24 MiB"), ENOMEM, None, ("memory",)),
        ("output", Limits(output="1 MiB"), ENOSPC, None, ("output",)),
        ("sleep", Limits(wall=0.3), 137, "wall", ("wall",)),
        ("loop", Limits(wall=0.3), 137, "wall", ("wall",)),
        ("loop", Limits(cpu=0.1), 137, "cpu", ("cpu",)),
        ("poll", Limits(), EINVAL, None, ()),
        ("path", Limits(), ENAMETOOLONG, None, ()),
        ("table", Limits(), ENOMEM, None, ()),
        ("table", Limits(table_elements=1_500_000, memory="64 MiB"), ENOMEM, None, ()),
        ("poll", Limits(memory="256 MB"), ENOMEM, None, ("memory",)),
    ],
)
def test_an_attack_is_refused_or_ended(
    kernel: Kernel, name: str, limits: Limits, exit_code: int, limit: str | None, met: tuple[str, ...]
):
    started = time.monotonic()
    result = attacked(kernel, name, limits)
    assert (result.exit_code, result.limit, result.limits_met) == (exit_code, limit, met), result
    assert time.monotonic() - started < 10
    if limit is not None:
        assert f"{limit} limit: " in str(result.killed)


def test_a_list_of_a_quarter_billion_buffers_costs_nothing(kernel: Kernel):
    """They are empty: whether that is told as nothing written or as too many, it is told at once."""
    result = attacked(kernel, "vectors", Limits())
    assert result.exit_code in {0, EINVAL}
    assert result.usage.seconds < 5


def test_the_page_has_the_outcome_of_every_attack_under_every_host():
    page = Path(__file__).parents[2] / "docs" / "figures" / "peers.json"
    rows = json.loads(page.read_text())["rows"]
    assert [(row["attack"], row["host"]) for row in rows] == [
        (name, host) for name in ATTACKS for host in HOSTS
    ]


def test_a_million_arguments_are_refused_with_a_figure(kernel: Kernel):
    with pytest.raises(KernelError, match="1000000 strings take more than 131072 bytes"):
        attacked(kernel, "arguments", Limits())
