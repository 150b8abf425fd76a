"""What a `Kernel` is put together from, and how that is opened and ended; all on the kernel's own thread.

Nothing here refers to a `Kernel`, so that one can be ended because nobody refers to it any more.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from hardtack.heap import Heap
from hardtack.kernel import death
from hardtack.kernel.bell import Bell
from hardtack.kernel.descriptions import close
from hardtack.kernel.guest import UserMemory
from hardtack.kernel.host import Host
from hardtack.kernel.mounts import open_mounted_root
from hardtack.kernel.params import CACHE_SHARE
from hardtack.kernel.scheduler import Scheduler
from hardtack.kernel.system import System
from hardtack.runtime.inspection import Window, take_table
from hardtack.runtime.loader import Loader
from hardtack.wasm.engine import Engine
from hardtack.wasm.imports import CallPage
from hardtack.wasm.modules import ModuleCache, Programs
from hardtack.wasm.preview1 import entries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hardtack.heap import Policy
    from hardtack.runtime.outside import Outside
    from hardtack.runtime.worker import Worker


class Parts(NamedTuple):
    """A kernel, what runs its guests, and what programs are found by."""

    system: System
    scheduler: Scheduler
    host: Host
    engine: Engine
    modules: ModuleCache
    programs: Programs


def put_together(
    worker: Worker, outside: Outside, capacity: int, files_capacity: int, memory: int, policy: Policy
) -> Parts:
    """Make a kernel that gets what it needs from `outside`, and have the worker run it."""
    outside.settle()
    page = CallPage()
    heap = Heap(capacity, name="kernel", on_exhaustion=policy)
    system = System(heap, files_capacity, UserMemory(memory), outside.clock)
    outside.settle()
    system.host.bell = bell = Bell()
    scheduler = Scheduler(system)
    host = Host(system)
    scheduler.even = outside.steady
    outside.attach(system, scheduler)
    engine = Engine(entries(system, page, outside.trace), system.user_memory, page=page)
    modules = ModuleCache(engine)
    programs = Programs(modules)
    system.loader = Loader(programs)
    worker.run_turns = scheduler.run
    worker.now = outside.now
    worker.quiet = outside.steady
    if not outside.steady:
        worker.end_turn = scheduler.hurry
    worker.ring = bell.ring
    worker.take_change = system.take_change
    return Parts(system, scheduler, host, engine, modules, programs)


def open_directories(system: System, outside: Outside, dirs: Mapping[str, str]) -> None:
    """Open the root, and directories of the host by the guest's names.

    Raises:
        KernelError: one is not there.
    """
    system.add_preopen(open_mounted_root(system, b"/"))
    for name, path in dirs.items():
        name = name.rstrip("/") or name  # libc finds what it knows as "pd/" by no other name
        system.add_preopen(outside.directory(system, name, path))
    outside.settle()


def open_disk(system: System, name: str, path: str, size: int, heap: int) -> None:
    """Open a durable file system of `size` bytes at most, with its share of a heap of so many.

    Raises:
        KernelError: it cannot be opened.
    """
    from hardtack.kernel import open_disk_files  # SQLite is for those who have a disk

    system.add_preopen(open_disk_files.open_disk(system, name, path, size, heap // CACHE_SHARE))


def open_window(name: str, worker: Worker, parts: Parts) -> Window:
    """Open a window to a kernel, for `hardtack ps`."""
    take = functools.partial(take_table, name, parts.system, lambda: parts.scheduler.turns)
    return Window(name, lambda: worker.call(take))


def shut(worker: Worker, system: System, windows: Sequence[Window]) -> None:
    """End a kernel and its thread."""
    for window in windows:
        window.close()
    worker.stop(functools.partial(_end_all, system))


def _end_all(system: System) -> None:
    death.end_all(system, "the kernel was closed")
    for description in system.preopens:
        close(description)
    system.preopens = ()
    system.close_disks()
    system.host.close()
