"""The lecture's experiment: what becomes of a kernel whose heap is full, under each of four policies.

Each runs in a child process under a watchdog (`demo_child`); what is said of it comes from what the child's
programs wrote, from the kernel's report if it lived to make one, and from the watchdog's verdict.

Source: MIT 6.S081 (2020), lecture 20; Cutler, Kaashoek and Morris (OSDI'18), section 8.9.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hardtack.lab.demo_child import CITIZENS, ERRORS, HEAP, HOGS, MESSAGES, REPORT, Report
from hardtack.runtime.watchdog import Signs, start, watch
from hardtack.units import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardtack.heap import Policy
    from hardtack.runtime.watchdog import Verdict

POLICIES: Final[tuple[Policy, ...]] = ("panic", "wait", "fail", "reserve")
CAPACITY: Final = parse_bytes(HEAP)
ALL_MESSAGES: Final = MESSAGES * len(CITIZENS)
ALL_WELL: Final = "all well"
SECONDS: Final = 300.0  # that a run may take: far more than one does
_HOGS: Final = frozenset({"fdhog", "filehog", "forkbomb", "pipehog", "memhog"})


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """What became of the kernel and its citizens under one policy.

    Attributes:
        policy: the policy.
        outcome: in words.
        citizen_errors: citizens that ended because of an error, or were killed.
        delivered: messages that the citizens reported as delivered, together.
        kills: pid and program of each process tree that was killed for memory.
        peak_live: the most bytes that were live in the kernel's heap.
        waits: calls that waited for memory at the border, where nothing is held.
        failed_calls: calls that met a failed allocation, if the kernel lived to tell.
        seconds: from the child's start to its end.
    """

    policy: Policy
    outcome: str
    citizen_errors: int
    delivered: int
    kills: tuple[tuple[int, str], ...]
    peak_live: int
    waits: int
    failed_calls: int
    seconds: float

    def to_json(self) -> dict[str, object]:
        """Return the row as `json.dumps` takes it."""
        return {
            "policy": self.policy,
            "outcome": self.outcome,
            "citizen_errors": self.citizen_errors,
            "delivered": self.delivered,
            "kills": [{"pid": pid, "program": program} for pid, program in self.kills],
            "peak_live": self.peak_live,
            "capacity": CAPACITY,
            "waits": self.waits,
            "seconds": round(self.seconds, 3),
        }


def run(progress: Callable[[Policy], None], policies: Sequence[Policy] = POLICIES) -> list[PolicyRow]:
    """Run the experiment under each policy; about a quarter of a minute for all of them.

    Args:
        progress: told of each policy before it begins.
        policies: which.
    """
    rows = []
    for policy in policies:
        progress(policy)
        rows.append(run_policy(policy))
    return rows


def run_policy(
    policy: Policy, hogs: Sequence[Sequence[str]] = HOGS, messages: int = MESSAGES, seconds: float = SECONDS
) -> PolicyRow:
    """Run the experiment under one policy, in a child process; blocks until that is gone.

    Args:
        policy: which.
        hogs: the commands that exhaust the heap.
        messages: how many each citizen has to deliver.
        seconds: how long they may take.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hardtack-demo-") as name:
        directory = Path(name)
        signs = Signs()
        try:
            arguments = [policy, name, str(signs.fd), json.dumps(hogs), str(messages), str(seconds)]
            child = start("hardtack.lab.demo_child", arguments, signs, aside=True)
            verdict = watch(child, signs)
            peak, waits = signs.peak, signs.waits
        finally:
            signs.close()
        errors = _text(directory / ERRORS)
        delivered = [_delivered(_text(directory / f"{citizen}.txt")) for citizen in CITIZENS]
        seconds = time.monotonic() - started
        if (directory / REPORT).exists():
            report = Report(**json.loads((directory / REPORT).read_text()))
            failed = sum(status != 0 for status in report.citizens)
            return PolicyRow(
                policy=policy,
                outcome=_outcome(report, failed, delivered, messages),
                citizen_errors=failed,
                delivered=sum(delivered),
                kills=tuple((pid, program) for pid, program in report.kills),
                peak_live=report.peak_live,
                waits=report.waits,
                failed_calls=report.failed_calls,
                seconds=seconds,
            )
        last_words = re.findall(r"heap exhausted: (\d+) of", errors)
        return PolicyRow(
            policy=policy,
            outcome=_end(verdict, errors),
            citizen_errors=len(re.findall(r"^mail ", errors, re.MULTILINE)),
            delivered=sum(delivered),
            kills=(),
            peak_live=max([peak, *map(int, last_words)]),
            waits=waits,
            failed_calls=0,
            seconds=seconds,
        )


def to_json(rows: Sequence[PolicyRow]) -> dict[str, object]:
    """Return what `hardtack demo --json F` writes."""
    return {"capacity": CAPACITY, "rows": [row.to_json() for row in rows]}


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _delivered(said: str) -> int:
    """Return how many messages a citizen last said it had delivered."""
    return max(map(int, re.findall(r"delivered (\d+)\n", said)), default=0)


def _end(verdict: Verdict, errors: str) -> str:
    """Say what became of a kernel that left no report."""
    if verdict.outcome in {"panicked", "deadlocked", "livelocked"}:
        return verdict.outcome
    last = errors.strip().rpartition("\n")[2]
    return f"the kernel died: {last or verdict}"


def _outcome(report: Report, failed: int, delivered: list[int], messages: int = MESSAGES) -> str:
    """Say what became of the citizens of a kernel that lived: all is well only if nothing at all is wrong."""
    if report.late:
        return "stalled: the citizens did not end in time"
    if failed:
        half_done = "; ".join(report.wrong) if report.wrong else "nothing that check() finds"
        return f"citizens failed: {failed} {'error' if failed == 1 else 'errors'}; half-done: {half_done}"
    problems = list(report.wrong)
    if any(count != messages for count in delivered):
        problems.append(f"not all of {messages} messages each were delivered")
    for pid, program in report.kills:
        if program not in _HOGS:
            problems.append(f"{program} (pid {pid}) was killed and is no hog")
    if report.overruns:
        problems.append(f"{report.overruns} calls went beyond their bound")
    if report.failed_calls:
        problems.append(f"{report.failed_calls} calls met a failed allocation")
    return "; ".join(problems) or ALL_WELL


# -- in words
def explain(rows: Sequence[PolicyRow]) -> list[str]:
    """Return a sentence a policy on what was seen; none where it was something unforeseen."""
    return [sentence for row in rows if (sentence := _sentence(row))]


def _sentence(row: PolicyRow) -> str:
    if row.policy == "panic" and row.outcome == "panicked":
        return "panic: the first allocation that found no room ended the kernel and everybody in it."
    if row.policy == "wait" and row.outcome == "deadlocked":
        return (
            "wait: it slept until somebody would free memory, and held what everybody needs to do so (here "
            "the interpreter's lock), so nobody ever did."
        )
    if row.policy == "fail" and row.citizen_errors:
        return (
            f"fail: {row.failed_calls} calls broke off wherever they were; the hogs tried again, and the "
            "citizens, who had done nothing wrong, were told that theirs failed."
        )
    if row.policy == "reserve" and row.outcome == ALL_WELL:
        killed = " and ".join(program for _, program in row.kills)
        return (
            "reserve: each call set aside the most it could need before it began, so none failed half-way; "
            f"{row.waits} waited at the border while the kernel killed {killed}, and the citizens noticed "
            "nothing of it."
        )
    return ""
