"""Instructions that a Python module takes when it is run as a program: the same each time, as time is not."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hardtack.lab.children import ChildFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MARK: Final = "getloadavg"  # of the C library, which nobody else calls
_TOTAL: Final = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


def count(module: str, *arguments: str, options: Sequence[str] = ()) -> int:
    """Count the instructions of `python -m MODULE ARGUMENTS...` with valgrind's callgrind; blocks.

    `options` are callgrind's own.

    The interpreter's start is in them: whoever wants to do without it counts twice, and takes the difference,
    or has parts counted.

    Raises:
        ChildFailed: the program failed; its last line is told.
        FileNotFoundError: valgrind is not installed.
    """
    report = _run(module, arguments, ["--callgrind-out-file=/dev/null", *options])
    found = re.search(r"Collected : (\d+)", report)
    if found is None:
        raise _nothing(report)
    return int(found[1])


def count_parts(module: str, *arguments: str, options: Sequence[str] = ()) -> list[int]:
    """Count the instructions of each `part` of a program, in their order; blocks.

    Raises:
        ChildFailed: the program failed; its last line is told.
        FileNotFoundError: valgrind is not installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        report = _run(module, arguments, [f"--callgrind-out-file={out}", f"--dump-before={_MARK}", *options])
        parts = sorted(out.parent.glob("out.*"), key=lambda part: int(part.suffix[1:]))
        found = [_TOTAL.search(file.read_text()) for file in parts[1::2]]  # the others are between two
    if not found or None in found:
        raise _nothing(report)
    return [int(total[1]) for total in found if total is not None]


@contextlib.contextmanager
def part() -> Iterator[None]:
    """Have what is done inside counted: see `count_parts`. Without valgrind it does nothing."""
    os.getloadavg()
    yield
    os.getloadavg()


def _run(module: str, arguments: Sequence[str], options: Sequence[str]) -> str:
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", *options, sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    if done.returncode:
        raise _nothing(done.stderr)
    return done.stderr


def _nothing(report: str) -> ChildFailed:
    return ChildFailed(f"callgrind counted nothing: {report.strip().splitlines()[-1:]}")
