"""Put the corpus through the harness: `python tests/analysis/corpus/run.py [--judge] [--annotated] [--json FILE] [NAME ...]`.

Without `--judge` every input of every function is measured, and what was found is printed. With it, `hardtack.bound`
is asked for each function and held against the same inputs; the exit status is 1 if a bound was exceeded. The corpus
is laid out first (see materialise.py); its packages come before the environment's own, so this is a process of its
own.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))

from annotated import ANNOTATED, annotations, lay_out
from materialise import BUILD, Entry, entries, materialise

if "--annotated" in sys.argv:
    materialise()
    lay_out()
sys.path.insert(0, str(ANNOTATED if "--annotated" in sys.argv else BUILD))

from inputs import function, inputs
from judging import Row, figures, found_for, judge, summary, table

from hardtack.lab.measuring import measure

if TYPE_CHECKING:
    from collections.abc import Callable


def measured(entry: Entry) -> dict[str, Any]:
    """Measure a function on all its inputs, with its arguments made outside the heap and inside."""
    of = function(entry)
    rows = [measure(of, make, place=place) for make in inputs(entry) for place in ("outside", "inside")]
    peaks = [row.peak for row in rows]
    return {
        "name": entry.name,
        "calls": len(rows),
        "outcomes": dict(Counter(row.outcome for row in rows).most_common()),
        "largest": max(peaks),
        "median": statistics.median(peaks),
        "kept": max(row.kept for row in rows),
    }


def judged(entry: Entry, bound: Callable[[str], Any]) -> Row:
    """Hold a function's bound against the function's inputs."""
    row = judge(entry.target, bound, function(entry), inputs(entry))
    row.name = entry.name
    return row


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="`module:function`; all of the corpus without one")
    parser.add_argument("--judge", action="store_true", help="hold hardtack.bound against it")
    parser.add_argument(
        "--annotated", action="store_true", help="only what has an annotation (annotations.toml), with it"
    )
    parser.add_argument("--json", type=Path, help="write the rows there as well")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the corpus' own deprecations
    problems = materialise()
    importlib.invalidate_caches()  # its folder may not have been there when it came onto the path
    for problem in problems:
        print(problem)
    chosen = [
        entry
        for entry in entries()
        if (not options.names or entry.name in options.names)
        and (not options.annotated or entry.name in {one.entry for one in annotations()})
        and not any(entry.name in line for line in problems)
    ]
    if options.judge:
        bound = found_for([entry.target for entry in chosen])
        judgements = [judged(entry, bound) for entry in chosen]
        print(table(judgements), summary(judgements), sep="\n")
        rows = figures(judgements)
    else:
        rows = []
        for entry in chosen:
            rows.append(measured(entry))
            print(*(f"{key}={value}" for key, value in rows[-1].items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return any(row.get("violations") for row in rows)


if __name__ == "__main__":
    sys.exit(main())
