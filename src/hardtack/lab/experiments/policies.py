"""`policies`: four answers to a full heap, against each hog alone and all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.lab import demo
from hardtack.lab.experiment import Bars, Claim, Experiment, Findings, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.lab.demo import PolicyRow
    from hardtack.lab.experiment import Settings

_ALL_TOGETHER: Final = "all together"
_HOGS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "fdhog": (("fdhog", "-k"),),
    "pipehog": (("pipehog",),),
    "forkbomb": (("forkbomb",),),
    "filehog": (("filehog",),),
    "memhog": (("memhog",),),
    _ALL_TOGETHER: (("fdhog", "-k"), ("pipehog",), ("forkbomb",), ("filehog",), ("memhog",)),
}
# Files, and the memory of programs, have budgets of their own, whose failures are ordinary: a fork bomb meets
# the second before it has filled so large a heap.
_BOUNDED: Final = ("filehog", "memhog", "forkbomb")
_MESSAGES: Final = (18_000, 1500)  # for each citizen to deliver: its work outlasts the hogs'; quick
_SECONDS: Final = 60.0  # that the citizens may take: a hog that is never killed may leave them no turn
_QUICK: Final = ("pipehog", "filehog")


def _chosen(quick: bool) -> Sequence[str]:
    return _QUICK if quick else tuple(_HOGS)


def _run(settings: Settings) -> Findings:
    found: dict[str, dict[str, PolicyRow]] = {}
    for hogs in _chosen(settings.quick):
        for policy in demo.POLICIES:
            settings.step(f"{hogs} under {policy}")
            messages = _MESSAGES[settings.quick]
            found.setdefault(hogs, {})[policy] = demo.run_policy(policy, _HOGS[hogs], messages, _SECONDS)
    rows: list[Row] = [_row(hogs, row) for hogs, rows in found.items() for row in rows.values()]
    return Findings(_claims(found), rows, [_plot(found)])


def _row(hogs: str, row: PolicyRow) -> Row:
    return {
        "hogs": hogs,
        "policy": row.policy,
        "outcome": row.outcome.partition("; ")[0],
        "citizens' errors": row.citizen_errors,
        "delivered": row.delivered,
        "killed": ", ".join(program for _, program in row.kills) or "nobody",
        "peak live / M": row.peak_live / demo.CAPACITY,
        "waits": row.waits,
        "seconds": row.seconds,
    }


def _claims(found: dict[str, dict[str, PolicyRow]]) -> list[Claim]:
    reserving = [rows["reserve"] for rows in found.values()]
    well = [row for row in reserving if row.outcome == demo.ALL_WELL]
    exhausted = {hogs: rows for hogs, rows in found.items() if hogs not in _BOUNDED}
    panicked = [hogs for hogs, rows in exhausted.items() if rows["panic"].outcome == "panicked"]
    stuck = [hogs for hogs, rows in exhausted.items() if rows["wait"].outcome == "deadlocked"]
    failed = [hogs for hogs, rows in exhausted.items() if rows["fail"].outcome != demo.ALL_WELL]
    every = len(exhausted)
    return [
        Claim(
            "Under reserve no citizen sees an error, whichever hog runs, and only hogs are killed.",
            "0 errors of the good citizen, the abuser's child always the victim (OSDI'18, section 8.9)",
            f"all well in {len(well)} of {len(reserving)} runs",
            len(well) == len(reserving),
        ),
        Claim(
            "Panic ends the kernel, and everybody with it.",
            "xv6 panics when its block cache finds no free buffer (lecture, 20.5)",
            f"in {len(panicked)} of {every} runs in which the heap can be exhausted",
            len(panicked) == every,
        ),
        Claim(
            "Waiting in the allocator is a deadlock.",
            "with one big lock at once (lecture, 20.5); Linux has known ones",
            f"in {len(stuck)} of {every} runs in which the heap can be exhausted",
            len(stuck) == every,
        ),
        Claim(
            "Failing harms those who have done nothing wrong.",
            "multi-step work must be rolled back, which is very hard to get right (lecture, 20.5)",
            f"in {len(failed)} of {every} runs in which the heap can be exhausted",
            len(failed) == every,
        ),
    ]


def _plot(found: dict[str, dict[str, PolicyRow]]) -> Bars:
    return Bars(
        "Messages that the citizens delivered",
        "messages",
        list(found),
        {policy: [rows[policy].delivered for rows in found.values()] for policy in demo.POLICIES},
    )


EXPERIMENT: Final = Experiment(
    "policies",
    "What becomes of a kernel whose heap is full, under each of four policies?",
    "Two citizens deliver mail in a kernel with a heap of 16 MiB and end at the first error. Beside them "
    "hogs take all of one kind: descriptors, pipes, processes, files, linear memory. Each run is a child "
    "process under a watchdog, which tells a deadlock from a livelock and both from a panic.",
    lambda quick: len(_chosen(quick)) * len(demo.POLICIES),
    _run,
)
