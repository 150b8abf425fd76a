"""A bound as lines of text and as JSON: what `hardtack bound` prints.

Owns the two formats, and nothing that is analysed. The JSON is `{"entries": [...]}`; sizes in it are texts
that `Size.parse` reads, exact. In the text their numbers are rounded up, so a size there may be greater.
"""

from __future__ import annotations

import os
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Final

from hardtack.analysis.evaluating import extra
from hardtack.symbolic import ZERO, Size
from hardtack.symbolic import polynomials as polys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hardtack.analysis.results import Analysed, Finding, LoopBound
    from hardtack.symbolic.coefficients import Coefficient
    from hardtack.symbolic.polynomials import Monomial

_LABEL: Final = 10  # columns
_LONG: Final = 40  # characters of a size that figures are given beside
_EXAMPLES: Final = (10, 100, 1000)


def lines(bound: Analysed) -> tuple[str, ...]:
    """Return what there is to say of an entry, for people: made once, files as they are from here then."""
    if not bound.lines:
        object.__setattr__(bound, "lines", tuple(_lines(bound)))
    return bound.lines


def _lines(bound: Analysed) -> list[str]:
    found = [bound.entry]
    if bound.peak is None:
        count = len(bound.findings)
        found += _labelled("peak", [f"no bound, because of {count} finding{'s' * (count != 1)}"])
    else:
        assumed = "  (assumed: the findings below are passed over)" if bound.assumed else ""
        found += _labelled("peak", [f"{rounded(bound.peak)} bytes{assumed}"])
        found += _labelled("figures", _figures(bound.peak))
        if bound.within is not None:
            found += _labelled("within", [f"{rounded(bound.within)} bytes, by the arguments' own lengths"])
        found += _labelled("returned", [f"{rounded(bound.returned)} bytes"])
        retained = [f"{rounded(size)} bytes by {path}" for path, size in bound.retained]
        found += _labelled("retained", retained or ["nothing"])
        found += _labelled("chain", _chain(bound))
    found += _labelled("loops", [_loop(loop) for loop in bound.loops])
    found += _labelled("symbols", [f"{symbol}: {meaning}" for symbol, meaning in bound.symbols])
    found += _labelled("assumes", list(dict.fromkeys(assumption.text for assumption in bound.assumptions)))
    for finding in bound.findings:
        found += [f"  {line}" for line in finding_lines(finding)]
    return found


@lru_cache(maxsize=4096)
def rounded(size: Size) -> Size:
    """Return a size that is no less, with whole coefficients: it reads better."""
    if size.is_top or "/" not in str(size):  # as a fraction is written
        return size
    found = ZERO
    for p in size.polynomials:
        plain = polys.polynomial((one, ceil(number)) for one, number in p if not _has_fraction(one))
        others = (_whole(one, number) for one, number in p if _has_fraction(one))
        found |= sum(others, Size((plain,)) if plain else ZERO)
    return found


def _has_fraction(monomial: Monomial) -> bool:
    return any("/" in factor for factor in monomial)


def _whole(monomial: Monomial, number: Coefficient) -> Size:
    found = Size.const(1)
    for factor in monomial:
        cap = polys.cap_of(factor)
        found *= Size(((((factor,), 1),),)) if cap is None else rounded(Size((cap.inner,))).at_most(cap.limit)
    return found * max(ceil(number), 0)  # nothing is less than 0


def _figures(peak: Size) -> list[str]:
    """Return the value of a bound that is long to read, for some examples."""
    if len(str(rounded(peak))) < _LONG or not peak.symbols():
        return []
    values = "; ".join(f"{number}: {at(peak, number):,} bytes" for number in _EXAMPLES)
    return [f"with every length and number {values}"]


def at(size: Size, number: int) -> int:
    """Return a size's value where every length and number has one value, which is not negative."""
    of = {"extra": extra(number), "neg": 0}
    return size.evaluate({symbol: of.get(symbol.partition("(")[0], number) for symbol in size.symbols()})


def largest_share(bound: Analysed, number: int) -> str:
    """Return the line that holds most of the peak where all symbols have one value."""
    shares = [link for link in bound.chain if not link.share.is_top]
    if not shares:
        return ""
    most = max(shares, key=lambda link: at(link.share, number))
    return f"{_short(most.file)}:{most.line}  {at(most.share, number):,} bytes  {most.what}"


def _labelled(label: str, texts: Sequence[str]) -> list[str]:
    heads = [label, *([""] * (len(texts) - 1))]
    return [f"  {head:<{_LABEL}}{text}" for head, text in zip(heads, texts, strict=False)]


def _chain(bound: Analysed) -> list[str]:
    places = [f"{_short(link.file)}:{link.line}" for link in bound.chain]
    width = max(map(len, places), default=0)
    return [
        f"{place:<{width}}  {rounded(link.share)} bytes  {link.what}"
        for place, link in zip(places, bound.chain, strict=True)
    ]


def _loop(loop: LoopBound) -> str:
    rounds = "no bound" if loop.rounds.is_top else f"{rounded(loop.rounds)} rounds"
    return f"{_short(loop.file)}:{loop.line}  {rounds}, {loop.how}"


def finding_lines(finding: Finding) -> list[str]:
    """Return a finding for people: where, why, and what would settle it."""
    where = f"{_short(finding.file)}:{finding.line}:{finding.column + 1}"
    found = [f"{where}: {finding.kind}: {finding.message}"]
    return [*found, f"    settle it: {finding.remedy}"] if finding.remedy else found


def _short(file: str) -> str:
    """Return a file's path as it is from here, if that is below."""
    return _short_from(file, os.getcwd())


@lru_cache(maxsize=4096)
def _short_from(file: str, here: str) -> str:
    relative = os.path.relpath(file, here)
    return file if relative.startswith(os.pardir) else relative


def to_json(bounds: Iterable[Analysed]) -> dict[str, object]:
    """Return bounds as JSON has them."""
    return {"entries": [_entry(bound) for bound in bounds]}


def _entry(bound: Analysed) -> dict[str, object]:
    return {
        "entry": bound.entry,
        "peak": None if bound.peak is None else str(bound.peak),
        "within": None if bound.within is None else str(bound.within),
        "assumed": bound.assumed,
        "returned": str(bound.returned),
        "retained": {path: str(size) for path, size in bound.retained},
        "symbols": dict(bound.symbols),
        "chain": [
            {
                "function": link.function,
                "file": link.file,
                "line": link.line,
                "what": link.what,
                "share": str(link.share),
            }
            for link in bound.chain
        ],
        "loops": [
            {
                "function": loop.function,
                "file": loop.file,
                "line": loop.line,
                "rounds": str(loop.rounds),
                "how": loop.how,
            }
            for loop in bound.loops
        ],
        "assumptions": [
            {"text": assumption.text, "file": assumption.file, "line": assumption.line}
            for assumption in bound.assumptions
        ],
        "findings": [
            {
                "kind": finding.kind,
                "file": finding.file,
                "line": finding.line,
                "column": finding.column + 1,
                "message": finding.message,
                "remedy": finding.remedy,
            }
            for finding in bound.findings
        ],
    }
