"""Many targets of one program, analysed one by one, or shared among processes.

A bound depends on what was analysed before it in one way only: an entry's later calls of a function are given
what any entry's calls of it asked for (`summaries.Memo.asks`), and what a call is not given is added to its
peak without regard to branches. Summaries save time otherwise, and change nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hardtack.analysis import entry
from hardtack.analysis.as_analysed import placed
from hardtack.analysis.reads import Reader
from hardtack.analysis.summaries import Memo
from hardtack.analysis.summary_cache import SummaryCache
from hardtack.analysis.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hardtack.analysis.loading import Loaded
    from hardtack.analysis.models import Models
    from hardtack.analysis.result_cache import ResultCache
    from hardtack.analysis.results import Analysed, Finding
    from hardtack.analysis.summary_cache import Packed
    from hardtack.analysis.targets import Target

_SHARED = 16  # targets, from which on it pays to share them


class Analysing:
    """Analyses targets of what was loaded.

    Args:
        loaded: what they are part of.
        models: of what has no source.
        kept: where bounds are kept, and summaries beside them; None: nowhere.
        assume: give numbers in spite of findings.
    """

    def __init__(self, loaded: Loaded, models: Models, kept: ResultCache | None, *, assume: bool) -> None:
        self._loaded = loaded
        self._models = models
        self._kept = kept
        self._assume = assume
        self._cache = SummaryCache(kept.run) if kept else None
        self._lies = bool(loaded.lies)
        self._memo = loaded.program.summaries[id(models)] = Memo(self._cache)

    def answers(
        self, wanted: Sequence[tuple[Target, str]], progress: Callable[[str], None], processes: int
    ) -> dict[Target, Analysed]:
        """Return the bounds of targets, given with their full names; blocks.

        Args:
            wanted: these.
            progress: told in a few words what is done.
            processes: how many to fork, where there are many targets.
        """
        found: dict[Target, Analysed] = {}
        left: list[Packed] = []
        if processes > 1 and len(wanted) >= _SHARED and Workers.can_be():
            shares = [wanted[begin:end] for begin, end in _shares(len(wanted), processes)]
            workers = Workers(
                processes, lambda number: [self._unless_kept(*one) for one in shares[number]], self._packed
            )
            for number, bounds in workers.results(len(shares)):
                for (target, name), made in zip(shares[number], bounds, strict=True):
                    bound = made or self._kept_bound(target)
                    if bound is not None:
                        found[target] = bound
                    progress(f"analysed {name}")
            left = workers.left
        for target, name in wanted:
            if target not in found:
                progress(f"analysing {name}")
                found[target] = self._answer(target, name)
        if self._kept and self._cache:
            left.append(self._packed())
            self._cache.add(left, self._loaded.program)
            self._kept.keep_held()
        return found

    def _packed(self) -> Packed:
        """Return the summaries that this process found, which others have to know."""
        return self._cache.packed(self._memo, self._loaded.program) if self._cache else {}

    def _answer(self, target: Target, name: str) -> Analysed:
        """Return a bound that was found before and still holds, else analyse."""
        return self._unless_kept(target, name) or self._kept_bound(target) or self._analyse(target, name)

    def _unless_kept(self, target: Target, name: str) -> Analysed | None:
        """Return a bound; None if one was found before that still holds: whoever asks has it, too."""
        if not self._lies and self._kept and self._kept.holds(target, self._loaded.program):
            return None
        return self._analyse(target, name)

    def _kept_bound(self, target: Target) -> Analysed | None:
        """Return the bound that was found before; None if what is kept is none."""
        return self._kept.kept(target) if self._kept else None

    def _analyse(self, target: Target, name: str) -> Analysed:
        program = self._loaded.program
        reader = Reader(program)
        bound = entry.analyse(reader.program, name, self._models, assume=self._assume)
        names = reader.names()
        functions = placed(program, names["functions"])
        lies = self._loaded.lies_in(names["functions"], name)
        bound = replace(bound, entry=f"{target.module}:{target.name}", functions=functions)
        bound = _without(bound, lies, assume=self._assume)
        if self._kept and not lies:
            self._kept.keep(target, bound, program, names)
        return bound


def _shares(targets: int, processes: int) -> Iterator[tuple[int, int]]:
    """Cut targets into shares, smaller and smaller ones: neighbours rest on the same functions."""
    begin = 0
    while begin < targets:
        end = begin + max(1, (targets - begin) // (3 * processes))
        yield begin, end
        begin = end


def _without(analysed: Analysed, lies: Sequence[Finding], *, assume: bool) -> Analysed:
    """Take the bound back where values are not of their declared types."""
    if not lies:
        return analysed
    return replace(
        analysed,
        peak=analysed.peak if assume else None,
        within=analysed.within if assume else None,
        findings=(*analysed.findings, *lies),
        assumed=assume and analysed.peak is not None,
    )
