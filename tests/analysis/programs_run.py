"""Put our own programs through the harness: `python tests/analysis/programs_run.py [--judge] [NAME ...]`.

As corpus/run.py does it for the corpus; a hole (of `programs.holes`) that has findings is as good as one whose bound
holds.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judging import figures, found_for, judge, summary, table
from searching import search, searchable

from hardtack.lab.measuring import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardtack.lab.measuring import Bound, Make

HERE = Path(__file__).parent


def programs() -> Iterator[tuple[str, Callable[..., Any], list[Make]]]:
    """Yield every program: its target (`programs.module:name`), the function, makers of its arguments."""
    for path in sorted((HERE / "programs").glob("*_inputs.py")):
        for function, inputs in importlib.import_module(f"programs.{path.stem}").INPUTS.items():
            module = sys.modules[function.__module__]
            names = [
                name for name, value in vars(module).items() if value is function
            ]  # what a decorator returned
            yield f"{module.__name__}:{names[0] if names else function.__qualname__}", function, inputs


def searched(bound: Bound, function: Callable[..., Any], examples: int) -> str:
    """Return what Hypothesis found against a bound, or nothing."""
    try:
        search(bound, function, examples)
    except AssertionError as error:
        return f"EXCEEDED {error}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="`programs.module:function`; all of them without one")
    parser.add_argument("--judge", action="store_true", help="hold hardtack.bound against them")
    parser.add_argument(
        "--search", type=int, default=0, metavar="N", help="and have Hypothesis try N calls of each"
    )
    parser.add_argument("--json", type=Path, help="write the rows of --judge there as well")
    options = parser.parse_args()
    chosen = [row for row in programs() if not options.names or row[0] in options.names]
    if options.judge:
        bound = found_for([name for name, _, _ in chosen])
        rows = [judge(name, bound, function, inputs) for name, function, inputs in chosen]
        print(table(rows), summary(rows), sep="\n")
        if options.json:
            options.json.write_text(json.dumps(figures(rows), indent=1) + "\n")
        found_more = [
            found
            for row, (name, function, _) in zip(rows, chosen, strict=True)
            if options.search and row.bound is not None and searchable(function)
            if (found := searched(bound(name), function, options.search))
        ]
        print(*found_more, sep="\n")
        return bool(found_more) or any(row.violations for row in rows)
    for name, function, inputs in chosen:
        found = [measure(function, make, place=place) for make in inputs for place in ("outside", "inside")]
        peaks = [row.peak for row in found]
        outcomes = dict(Counter(row.outcome for row in found))
        print(
            name, len(found), outcomes, "largest", max(peaks), "median", statistics.median(peaks), flush=True
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
