"""What tests of several packages share."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def frozen() -> Iterator[None]:
    """Have collections look at what a test makes alone: pytest's own objects take them a tenth of a second."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class Arrived(BaseException):
    """An exception that was sent to this thread."""


@pytest.fixture(autouse=True)
def nothing_is_on_its_way() -> None:
    """Have CPython's note of an exception that was sent to a thread agree with the truth.

    Up to 3.12 an exception that is called off (PyThreadState_SetAsyncExc with NULL, as the native core does with
    HeapFull) leaves the note that there is one. Then a tracer on 3.11 makes the interpreter look for ever. One that
    arrives wipes the note. To be mended in the native core: docs/heap.md names it as a known fault.
    """
    send = ctypes.pythonapi.PyThreadState_SetAsyncExc
    with contextlib.suppress(Arrived):
        send(ctypes.c_ulong(threading.get_ident()), ctypes.py_object(Arrived))
        for _ in range(1000):
            pass
