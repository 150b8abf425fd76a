"""Kernel and wasm put together: what Python programs use to run guests."""

from hardtack.kernel.death import Kill
from hardtack.runtime.handles import Process
from hardtack.runtime.kernel import Kernel
from hardtack.runtime.python import run_python
from hardtack.runtime.results import KernelStatistics, Result, Usage
from hardtack.runtime.sessions import PythonSession

__all__ = [
    "Kernel",
    "KernelStatistics",
    "Kill",
    "Process",
    "PythonSession",
    "Result",
    "Usage",
    "run_python",
]
