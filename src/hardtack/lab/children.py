"""Functions called in processes of their own: `... children MODULE FUNCTION ARGUMENTS PARENT`.

So each run of an experiment begins with an allocator and free lists of its own, and may take its process with
it. Arguments and results pass as JSON. A child ends when its parent does, and is gone when `call` returns
or raises.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from hardtack.errors import HardtackError
from hardtack.runtime.watchdog import Signs, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

LOOK_SECONDS: Final = 1.0  # between two looks whether the parent is still there


class ChildFailed(HardtackError):
    """A run of an experiment did not come to its end."""


def call(function: Callable[..., Any], *arguments: object, seconds: float) -> Any:  # noqa: ANN401 - JSON
    """Call a module's function in a new process and return its result; blocks.

    Args:
        function: found again by its module and name.
        arguments: for it, as far as JSON knows them.
        seconds: how long it may take.

    Raises:
        ChildFailed: it raised, its process ended otherwise, or it took too long.
        KeyboardInterrupt: Ctrl-C; the child was killed.
    """
    with _called(function, arguments) as result:
        return result(seconds)


def call_together(
    calls: Sequence[tuple[Callable[..., Any], Sequence[object]]], *, seconds: float
) -> list[Any]:
    """Do several calls at the same time, each (function, arguments) as `call` does it; blocks.

    For what is counted: what is timed has a processor for itself.

    Raises:
        ChildFailed: as `call`; the others were killed.
        KeyboardInterrupt: likewise.
    """
    deadline = time.monotonic() + seconds
    with ExitStack() as stack:
        results = [stack.enter_context(_called(*each)) for each in calls]
        return [result(max(deadline - time.monotonic(), 0)) for result in results]


@contextmanager
def _called(function: Callable[..., Any], arguments: Sequence[object]) -> Iterator[Callable[[float], Any]]:
    """Have a child call a function; what is yielded waits so many seconds for its result."""
    name = f"{function.__module__} {function.__qualname__}"
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        command = [*name.split(), json.dumps(arguments), str(os.getpid())]

        def result(seconds: float) -> Any:  # noqa: ANN401 - JSON
            try:
                status = child.wait(seconds)
            except subprocess.TimeoutExpired:
                raise ChildFailed(f"{name} had not ended after {seconds:g} s") from None
            if status:
                errors.seek(0)
                last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
                raise ChildFailed(f"{name} ended with status {status}: {last}")
            out.seek(0)
            return json.loads(out.read())

        with _child(command, out.fileno(), errors.fileno()) as child:
            yield result


@contextmanager
def _child(arguments: list[str], out: int, errors: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start a child, and kill it at the end if it has not ended."""
    signs = Signs()  # the child could give signs of life there; what is watched here is the clock
    try:
        child = start(
            "hardtack.lab.children",
            arguments,
            signs,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            aside=True,
        )
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    finally:
        signs.close()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


def main(module: str, name: str, arguments: str, parent: str) -> None:
    """Call the function, and print its result as JSON; what it prints itself goes to standard error."""
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    out = os.dup(1)
    os.dup2(2, 1)
    scope: Mapping[str, Callable[..., object]] = vars(importlib.import_module(module))
    result = scope[name](*json.loads(arguments))
    with open(out, "w") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
