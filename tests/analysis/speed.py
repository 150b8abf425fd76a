"""How long the analyser takes for all functions of a package: `make analysis-speed`.

Prints seconds of CPU time: what loading takes, what interpreting takes, and which entries take too long. With
`--json` it writes what was found, so that two versions of the analyser can be compared with `--against`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import speed_lines

from hardtack.analysis import source, summaries
from hardtack.analysis.entry import analyse
from hardtack.analysis.knowledge import Knowledge
from hardtack.analysis.loading import lower
from hardtack.analysis.models import load_models
from hardtack.analysis.reads import Reader
from hardtack.analysis.targets import Target
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.analysis import ir
    from hardtack.analysis.results import Analysed

TOO_LONG = 5.0  # seconds for one entry
_FOLDER = re.compile(r"\(/\S*/")  # of a place in the reason why there is no bound
_GUESS = 1000  # what a symbol is taken for when two sizes that neither dominates are compared


def check(package: str) -> source.Sources:
    """Return the sources of a package with all its modules, and of what they import of the same folder."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    (folder,) = spec.submodule_search_locations
    files = sorted(Path(folder).glob("*.py"))
    names = [package if file.stem == "__init__" else f"{package}.{file.stem}" for file in files]
    targets = [Target(name, file, "") for name, file in zip(names, files, strict=True)]
    return source.check(targets)


def load(package: str) -> ir.Program:
    """Return a package with all its modules."""
    return lower(Knowledge.of(check(package)))


def lines_of(sources: source.Sources) -> int:
    """Return how many lines there are in the modules that are analysed."""
    return sum(len(Path(tree.path).read_text().splitlines()) for tree in sources.modules.values())


def entries_of(program: ir.Program, package: str) -> Iterator[str]:
    """Iterate over the functions of a package that can be an entry."""
    for name in program.functions:
        if name.startswith(f"{package}.") and "<locals>" not in name:
            yield name


def main() -> int:
    """Measure; returns 1 if an entry takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", default="hardtack.kernel")
    parser.add_argument("--json", type=Path, help="write what was found, entry by entry")
    parser.add_argument("--against", type=Path, help="tell what differs from such a file")
    parser.add_argument("--follow", action="store_true", help="follow every call, without summaries")
    parser.add_argument("--lines", type=int, help="time `hardtack bound` for so many lines instead")
    parser.add_argument("--only", help="entries whose name has this in it")
    options = parser.parse_args()
    if options.lines:
        return int(not speed_lines.measure(options.lines))
    summaries.ENABLED = not options.follow
    begun = time.process_time()
    sources = check(options.package)
    checked = time.process_time()
    program = lower(Knowledge.of(sources))
    print(f"check {lines_of(sources)} lines: {checked - begun:.2f} s")
    names = list(entries_of(program, options.package))
    print(f"lower {len(names)} functions: {time.process_time() - checked:.2f} s")
    if options.only:
        names = [name for name in names if options.only in name]
    found = dict(_measured(program, names))
    _report(found)
    for memo in program.summaries.values():
        assert isinstance(memo, summaries.Memo)
        print(f"summaries: {memo.misses} made, {memo.hits} found again")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    if options.against:
        _compare(json.loads(options.against.read_text()), found)
    return int(any(one["seconds"] > TOO_LONG for one in found.values()))


def _measured(program: ir.Program, names: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    models = load_models()
    for name in names:
        reader = Reader(program)
        begun = time.process_time()
        analysed = analyse(reader.program, name, models)
        seconds = time.process_time() - begun
        if seconds > TOO_LONG:
            print(f"  {seconds:6.1f} s  {name}")
        yield name, {"seconds": round(seconds, 3), **_figures(analysed)}


def _figures(analysed: Analysed) -> dict[str, Any]:
    return {
        "peak": None if analysed.peak is None else str(analysed.peak),
        "returned": _FOLDER.sub("(", str(analysed.returned)),
        "retained": {path: _FOLDER.sub("(", str(size)) for path, size in analysed.retained},
        "findings": sorted(
            f"{one.kind}: {one.message} ({Path(one.file).name}:{one.line})" for one in analysed.findings
        ),
    }


def _report(found: dict[str, dict[str, Any]]) -> None:
    seconds = [one["seconds"] for one in found.values()]
    over = [name for name, one in found.items() if any("takes too long" in text for text in one["findings"])]
    bounded = sum(one["peak"] is not None for one in found.values())
    slow = sum(one > TOO_LONG for one in seconds)
    print(f"interpret {len(found)} entries: {sum(seconds):.2f} s, {bounded} bounded")
    print(
        f"over {TOO_LONG:.0f} s: {slow}, the slowest {max(seconds, default=0):.2f} s; over the budget: {len(over)}"
    )
    for name in over:
        print(f"  over the budget: {name}")


def _compare(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> None:
    """Print what became of each bound."""
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        if old["peak"] != new["peak"]:
            print(f"{_verdict(old['peak'], new['peak'])} {name}\n    {old['peak']}\n    {new['peak']}")
        for what in ("returned", "retained", "findings"):
            if old[what] != new[what] and old["peak"] == new["peak"]:
                print(f"{what} of {name}\n    {old[what]}\n    {new[what]}")


def _verdict(old: str | None, new: str | None) -> str:
    if old is None or new is None:
        return "bounded now" if old is None else "LOST"
    before, after = Size.parse(old), Size.parse(new)
    values = dict.fromkeys(before.symbols() | after.symbols(), _GUESS)
    lower = after.evaluate(values) < before.evaluate(values)
    return "tighter" if lower else "LOOSER" if before.evaluate(values) < after.evaluate(values) else "equal"


if __name__ == "__main__":
    sys.exit(main())
