"""What is undone of a call that raised: a child that was being made, descriptors of the host.

Under `reserve` no handler raises. Under `fail` each may, anywhere, and what it leaves is half done: that
is to be seen there (`tests/kernel/test_failed_allocations.py`). But whoever waits for a child that nobody
starts waits for ever, and a descriptor of the host would be lost for longer than there is the kernel. Two
things are still lost: a descriptor where the call ends between the host's opening it and its being noted, and
the count of processes where it ends between a child's being made and its being counted.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from hardtack.kernel import birth
from hardtack.kernel.checking import opened
from hardtack.kernel.host_directories import HostDirectory
from hardtack.kernel.host_files import HostFile
from hardtack.kernel.host_paths import LAST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.process import Process
    from hardtack.kernel.system import System


def give_up(process: Process) -> None:
    """Undo what a call of this process that raised has left. O(descriptors of all processes)."""
    child, process.forking = process.forking, None
    if child is not None:
        birth.unmake(process.system, child)
    _close_lost(process.system)


def _close_lost(system: System) -> None:
    """Close the host's descriptors that no description has, and count the others anew."""
    budget = system.host_files
    held = {
        id(one): one
        for one in chain(opened(system), system.preopens, _unused(system))
        if isinstance(one, HostFile | HostDirectory)
    }
    budget.close_walks()
    if all(one.host_descriptor != budget.number(LAST) for one in held.values()):
        budget.close_last()
    budget.used = sum(one.holds() for one in held.values())


def _unused(system: System) -> Iterator[Description]:
    description = system.unused
    while description is not None:
        yield description
        description = description.next_unused
