"""The demo's experiment in a process of its own: `... demo_child POLICY DIRECTORY FD HOGS MESSAGES SECONDS`.

A kernel with a heap of 16 MiB; two citizens, each delivering messages and ending at the first error it
meets; then the hogs (a JSON list of commands), each the first process of a
group of its own. It is over when both citizens are, or after so many seconds.

What the citizens say goes straight to files in DIRECTORY, so that it survives the kernel, and so does how
far the heap was filled, through FD. All else that is known at the end goes to DIRECTORY/report.json.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hardtack.errors import InternalError
from hardtack.runtime import Kernel
from hardtack.runtime.watchdog import Signs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.heap import Policy
    from hardtack.kernel.process import Process

HEAP: Final = "16 MiB"
CITIZENS: Final = ("ann", "bob")
MESSAGES: Final = 6000  # for each citizen to deliver: its work outlasts the hogs'
MESSAGE_BYTES: Final = 400
HEAD_START: Final = 64  # turns that the citizens have to themselves
HOGS: Final = (("fdhog", "-k"), ("filehog",), ("forkbomb",))
REPORT: Final = "report.json"
ERRORS: Final = "errors.txt"


@dataclass(frozen=True, slots=True)
class Report:
    """What is known at the end, if the kernel lives to see it.

    Attributes:
        citizens: each citizen's exit status.
        late: whether they had not ended in time, and were ended.
        kills: pid and program of each process tree that the kernel killed for memory, in order.
        peak_live: the most bytes that were live in its heap.
        waits: calls that waited for memory at the border.
        overruns: calls that went beyond their bound.
        failed_calls: calls that met a failed allocation.
        wrong: what the kernel's check() found not to hold.
    """

    citizens: list[int]
    late: bool
    kills: list[tuple[int, str]]
    peak_live: int
    waits: int
    overruns: int
    failed_calls: int
    wrong: list[str]


def run(
    policy: Policy,
    directory: Path,
    signs: Signs,
    hogs: Sequence[Sequence[str]],
    messages: int,
    seconds: float,
) -> Report:
    """Run the experiment under a policy."""
    with Kernel(HEAP, on_exhaustion=policy) as kernel:
        errors = _open(directory / ERRORS)
        citizens = [
            kernel.spawn(
                "/bin/mail",
                [name, str(messages), str(MESSAGE_BYTES)],
                stdout=_open(directory / f"{name}.txt"),
                stderr=errors,
            )
            for name in CITIZENS
        ]
        # Not their pids, which others get when they have ended.
        groups = [citizen._process.group for citizen in citizens if citizen._process is not None]

        def is_citizen(process: Process) -> bool:
            return process.group in groups

        with signs.given_by(kernel, is_citizen):
            kernel.run_turns(HEAD_START)
            for name, *arguments in hogs:
                kernel.spawn(f"/bin/{name}", arguments, stdout=errors, stderr=errors)
            end = time.monotonic() + seconds
            results = [citizen.wait(max(0, end - time.monotonic())) for citizen in citizens]
        statistics = kernel.statistics()
        try:
            kernel.check()
            wrong = []
        except InternalError as error:
            wrong = str(error).split("; ")
        return Report(
            citizens=[result.exit_code for result in results],
            late=time.monotonic() >= end,
            kills=[(kill.pid, kill.program) for kill in statistics.kills],
            peak_live=statistics.heap.peak,
            waits=statistics.waits,
            overruns=statistics.heap.overruns,
            failed_calls=statistics.failed_calls,
            wrong=wrong,
        )


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def main(
    policy: Policy, directory: Path, fd: int, hogs: Sequence[Sequence[str]], messages: int, seconds: float
) -> None:
    """Run the experiment and leave the report; what the kernel prints goes to the file of errors."""
    os.dup2(_open(directory / ERRORS), 2)
    report = run(policy, directory, Signs(fd), hogs, messages, seconds)
    unfinished = directory / f"{REPORT}.new"
    unfinished.write_text(json.dumps(asdict(report)))
    unfinished.rename(directory / REPORT)


if __name__ == "__main__":
    POLICY, DIRECTORY, FD, CHOSEN, COUNT, LIMIT = sys.argv[1:]
    main(POLICY, Path(DIRECTORY), int(FD), json.loads(CHOSEN), int(COUNT), float(LIMIT))  # type: ignore[arg-type]
