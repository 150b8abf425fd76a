"""Functions called in processes of their own: `python -m hardtack.lab.children MODULE FUNCTION ARGUMENTS`.

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
from typing import TYPE_CHECKING, Any, Final

from hardtack.errors import HardtackError
from hardtack.runtime.watchdog import Signs, start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    name = f"{function.__module__} {function.__qualname__}"
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        status = _run([*name.split(), json.dumps(arguments)], out.fileno(), errors.fileno(), seconds)
        out.seek(0)
        errors.seek(0)
        if status is None:
            raise ChildFailed(f"{name} had not ended after {seconds:g} s")
        if status:
            last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise ChildFailed(f"{name} ended with status {status}: {last}")
        return json.loads(out.read())


def _run(arguments: list[str], out: int, errors: int, seconds: float) -> int | None:
    """Run the child to its end; return its exit status, or None if it took too long."""
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
            return child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
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


def main(module: str, name: str, arguments: str) -> None:
    """Call the function, and print its result as JSON; what it prints itself goes to standard error."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    out = os.dup(1)
    os.dup2(2, 1)
    scope: Mapping[str, Callable[..., object]] = vars(importlib.import_module(module))
    result = scope[name](*json.loads(arguments))
    with open(out, "w") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
