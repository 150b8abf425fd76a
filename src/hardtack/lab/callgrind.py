"""Instructions that a Python module takes when it is run as a program: the same each time, as time is not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from hardtack.lab.children import ChildFailed

if TYPE_CHECKING:
    from collections.abc import Sequence


def count(module: str, *arguments: str, options: Sequence[str] = ()) -> int:
    """Count the instructions of `python -m MODULE ARGUMENTS...` with valgrind's callgrind; blocks.

    `options` are callgrind's own.

    The interpreter's start is in them: whoever wants to do without it counts twice, and takes the difference.

    Raises:
        ChildFailed: the program failed; its last line is told.
        FileNotFoundError: valgrind is not installed.
    """
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *options]
    done = subprocess.run(
        [*valgrind, sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or found is None:
        raise ChildFailed(f"callgrind counted nothing: {done.stderr.strip().splitlines()[-1:]}")
    return int(found[1])
