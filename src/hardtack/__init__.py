"""hardtack: an operating-system kernel in Python that cannot run out of heap inside a system call.

The public names load when they are first used: who uses only heaps imports no wasmtime.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing takes its time, and until the command line runs Ctrl-C is a traceback
if TYPE_CHECKING:
    from hardtack.analysis.bounds import bound
    from hardtack.annotations import Among, assume_bound, bounded, checked, checks, loop_bound, recursive
    from hardtack.errors import (
        AnnotationBroken,
        Doomed,
        HardtackError,
        HardtackException,
        HeapFull,
        InternalError,
        KernelError,
        ProgramError,
        ReservationImpossible,
        ReservationTimeout,
        SessionEnded,
        WouldBlock,
    )
    from hardtack.heap import Heap, HeapStatistics, Reservation
    from hardtack.limits import Limits
    from hardtack.runtime import (
        Kernel,
        KernelStatistics,
        Kill,
        Process,
        PythonSession,
        Result,
        Usage,
        run_python,
    )
    from hardtack.runtime.async_kernel import AsyncKernel, AsyncProcess

_HOMES = {
    "Heap": "hardtack.heap",
    "HeapStatistics": "hardtack.heap",
    "Reservation": "hardtack.heap",
    "AsyncKernel": "hardtack.runtime.async_kernel",
    "AsyncProcess": "hardtack.runtime.async_kernel",
    "Kernel": "hardtack.runtime",
    "KernelStatistics": "hardtack.runtime",
    "Kill": "hardtack.runtime",
    "Limits": "hardtack.limits",
    "Process": "hardtack.runtime",
    "PythonSession": "hardtack.runtime",
    "Result": "hardtack.runtime",
    "Usage": "hardtack.runtime",
    "run_python": "hardtack.runtime",
    "Among": "hardtack.annotations",
    "assume_bound": "hardtack.annotations",
    "bound": "hardtack.analysis.bounds",
    "bounded": "hardtack.annotations",
    "checked": "hardtack.annotations",
    "checks": "hardtack.annotations",
    "loop_bound": "hardtack.annotations",
    "recursive": "hardtack.annotations",
    "AnnotationBroken": "hardtack.errors",
    "Doomed": "hardtack.errors",
    "HardtackError": "hardtack.errors",
    "HardtackException": "hardtack.errors",
    "HeapFull": "hardtack.errors",
    "InternalError": "hardtack.errors",
    "KernelError": "hardtack.errors",
    "ProgramError": "hardtack.errors",
    "ReservationImpossible": "hardtack.errors",
    "ReservationTimeout": "hardtack.errors",
    "SessionEnded": "hardtack.errors",
    "WouldBlock": "hardtack.errors",
}

__all__ = [
    "Among",
    "AnnotationBroken",
    "AsyncKernel",
    "AsyncProcess",
    "Doomed",
    "HardtackError",
    "HardtackException",
    "Heap",
    "HeapFull",
    "HeapStatistics",
    "InternalError",
    "Kernel",
    "KernelError",
    "KernelStatistics",
    "Kill",
    "Limits",
    "Process",
    "ProgramError",
    "PythonSession",
    "Reservation",
    "ReservationImpossible",
    "ReservationTimeout",
    "Result",
    "SessionEnded",
    "Usage",
    "WouldBlock",
    "assume_bound",
    "bound",
    "bounded",
    "checked",
    "checks",
    "loop_bound",
    "recursive",
    "run_python",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        message = f"module 'hardtack' has no attribute {name!r}"
        raise AttributeError(message)
    import importlib

    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
