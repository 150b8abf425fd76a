"""NumPy's array data, counted by the heap that a thread is inside.

Without this, a heap counts an array's object and not its data, which NumPy takes from the system itself.

    >>> import numpy as np
    >>> from hardtack.heap import Heap
    >>> from hardtack.integrations.numpy import install
    >>> install()
    >>> heap = Heap("16 MiB", name="model")
    >>> with heap:
    ...     weights = np.zeros(1_000_000)
    >>> 8_000_000 < heap.live < 8_010_000
    True

Data is charged to the heap in which it was made, and given back when it is freed, wherever that happens;
views and slices cost their object alone. Data that does not fit is a MemoryError, as NumPy raises it, and
nothing is kept. Inside a reservation it draws on it.

Not counted: an array's shape and strides, and what NumPy needs while it works (buffers of iterators and of
linear algebra, texts of StringDType); arrays that wrap somebody else's memory; arrays made under a handler
that another library has set, which is left in place; and those made through `Context.run` in a
`contextvars` context that was copied before its thread first entered a heap (`install()` called there sets
it right; a task's own steps are counted, as it enters the heap itself). tracemalloc shows counted data twice,
under NumPy's domain and under Python's.
"""

from __future__ import annotations

import importlib


def _array_api() -> object:
    """Return the capsule with NumPy's C API."""
    try:
        importlib.import_module("numpy")
    except ImportError as error:
        message = "hardtack.integrations.numpy needs NumPy 1.22 or later: pip install 'hardtack[numpy]'"
        raise ImportError(message, name="numpy") from error
    try:
        core = importlib.import_module("numpy._core._multiarray_umath")
    except ImportError:  # NumPy 1
        core = importlib.import_module("numpy.core._multiarray_umath")
    capsule: object = core._ARRAY_API
    return capsule


def install() -> None:
    """Have array data count, in every thread that enters a heap from now on, and in this one at once.

    Calling it again does nothing. It cannot be undone; outside every heap, data then comes from Python's
    allocator for buffers, which is the system's for all but the smallest. Never blocks.

    Raises:
        ImportError: NumPy is not installed, or older than 1.22.

    Source: NEP 49 (data allocation strategies) for the handler.
    """
    array_api = _array_api()
    from hardtack.heap import _native
    from hardtack.integrations import _numpy

    _numpy.install(array_api, _native._api)


__all__ = ["install"]
