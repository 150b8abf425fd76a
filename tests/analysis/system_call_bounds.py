"""Writes what the analyser finds system calls to take, for the version of CPython that runs this."""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from hardtack.analysis import bounds_file
from hardtack.analysis.bounds import bounds
from hardtack.kernel import bounds as kernel_bounds

if TYPE_CHECKING:
    from hardtack.analysis.results import Analysed


def find() -> list[Analysed]:
    """Return the bound of every handler and of every step; takes a minute."""
    from hardtack.kernel.system_calls import targets

    return bounds(sorted({*targets(), *kernel_bounds.STEPS}))


def main() -> int:
    # the table is made without the bounds that are to be found
    kernel_bounds.read = lambda _path: defaultdict(lambda: "0")  # type: ignore[assignment]
    found = find()
    lost = [bound for bound in found if bound.peak is None]
    for bound in lost:
        print(f"{bound.entry}: {bound.findings[0].kind}: {bound.findings[0].message}")
    if lost:
        return 1
    kernel_bounds.path().write_text(bounds_file.text_of(found), "utf-8")
    print(f"{len(found)} bounds written to {kernel_bounds.path()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
