"""The kernel's invariants, checked from outside: what leads where, and whether the counts agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.kernel.process import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.process import Process
    from hardtack.kernel.system import System
    from hardtack.kernel.table import Leaf


def check_system(system: System) -> list[str]:
    """Return what does not hold of the kernel's invariants. Empty when all is well."""
    wrong = system.files.check() + system.processes.check()
    for pid, process in processes(system):
        wrong += process.descriptors.check()
        if process.pid != pid:
            wrong.append(f"pid {pid} leads to process {process.pid}")
        waits = process.queue is not None or process.waiter is not None
        if process.state not in ENDED and not waits and process is not system.current:
            wrong.append(f"process {pid} ({process.image.name}) is {process.state} and on no queue")
    wrong += _check_descriptions(system)
    for files in system.disks:
        wrong += files.check() if files.disk.broken is None else []
    system.heap.check()
    return wrong


def opened(system: System) -> Iterator[Description]:
    """Yield what descriptors lead to, once for each; what several processes share counts once."""
    leaves: dict[int, Leaf[Description]] = {}
    for _, process in processes(system):
        for table in (process.descriptors, process.closing):
            leaves |= {id(leaf): leaf for leaf in table.leaves()}
    for leaf in leaves.values():
        for description in leaf.items:
            if description is not None:
                yield description


def processes(system: System) -> Iterable[tuple[int, Process]]:
    """Yield every process by its pid, ended ones that wait to be waited for included."""
    pid = system.processes.next_used(1)
    while pid >= 0:
        process = system.process(pid)
        assert process is not None
        yield pid, process
        pid = system.processes.next_used(pid + 1)


def _check_descriptions(system: System) -> list[str]:
    """Count what leads to each description."""
    wrong: list[str] = []
    found: dict[int, int] = {}
    descriptions: dict[int, Description] = {}
    for description in opened(system):
        found[id(description)] = found.get(id(description), 0) + 1
        descriptions[id(description)] = description
    for key, description in descriptions.items():
        expected = description.references - (description in system.preopens)
        if found[key] != expected:
            wrong.append(f"{type(description).__name__} counts {expected} descriptors and has {found[key]}")
    return wrong
