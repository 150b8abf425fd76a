"""What the analyser says of a call: values only, which the command line prints and programs read.

Owns no analysis: `interpreting` makes these, `cli.bound`, `html` and bounds files read them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardtack.symbolic import Size

# What settles most findings, at the end of a remedy.
OR_ASSUME = "or do it in a function of yours that states what it holds: @assume_bound"


@dataclass(frozen=True, slots=True)
class Finding:
    """Why there is no bound: what, where, and what would settle it.

    kind: "unknown-callee", "no-model", "no-constant", "any", "loop", "growth", "recursion", "implicit-call",
        "aliasing", "generator", "unsupported", "error" (what mypy reports), "internal" (the analyser broke
        off, or took too long), "unfinished" (there may be more findings).
    """

    kind: str
    file: str
    line: int
    column: int
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Link:
    """One step of the chain of calls that attains the peak: a line, and what is held there at that moment."""

    function: str
    file: str
    line: int
    what: str  # "bytes made here", "held by the caller", ...
    share: Size  # bytes


@dataclass(frozen=True, slots=True)
class LoopBound:
    """How often a loop runs at most, and who says so: "inferred", "annotated"."""

    function: str
    file: str
    line: int
    rounds: Size
    how: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that the bound takes for granted: an annotation, a model's, or --assume's."""

    text: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Analysed:
    """The bound of one entry.

    Attributes:
        entry: its full name.
        peak: the most bytes that are live at any moment of the call and that the call allocated; None where
            there is a finding.
        returned: bytes that the result keeps alive.
        retained: bytes that outlive the call otherwise, by the argument or global that keeps them.
        symbols: what each symbol of these means: "len(data)" to "length of data, in bytes".
        parameters: the names of the entry's parameters, in order; of those that gather with `*` or `**`.
        chain: what the peak is made of, the outermost call first.
        loops: every loop that was met.
        assumptions: what was taken for granted.
        findings: why there is no bound; empty if there is one.
        assumed: whether peak rests on --assume in spite of findings.
        defaults: of the parameters that may be left out and whose default is a constant.
        taken: the classes that each parameter takes, as far as they were analysed; none for any.
        functions: the functions that the analysis asked for: full name, file, line.
        optional: the parameters that may be left out.
        keyword_only: the parameters that are given by name alone.
        within: another bound, which counts the arguments' own lengths and numbers where peak counts their
            stated limits; None where it would be no lower.
        lines: what `report.lines` says of it, once that was asked; `replace` leaves it out.
    """

    entry: str
    peak: Size | None
    returned: Size
    retained: tuple[tuple[str, Size], ...]
    symbols: tuple[tuple[str, str], ...]
    parameters: tuple[str, ...]
    chain: tuple[Link, ...]
    loops: tuple[LoopBound, ...]
    assumptions: tuple[Assumption, ...]
    findings: tuple[Finding, ...]
    assumed: bool = False
    defaults: tuple[tuple[str, object], ...] = ()
    taken: tuple[tuple[str, tuple[str, ...]], ...] = ()
    functions: tuple[tuple[str, str, int], ...] = ()
    optional: tuple[str, ...] = ()
    keyword_only: tuple[str, ...] = ()
    within: Size | None = None
    lines: tuple[str, ...] = field(default=(), init=False, repr=False, compare=False)

    def for_call(self, *args: object, **kwargs: object) -> int:
        """Return the most bytes that the call with these arguments holds; they are only looked at.

        Raises:
            HardtackError: there is no bound, an argument is not of the parameter's type or of a class that
                was not analysed, or a function was put in the place of one that was.
        """
        from hardtack.analysis.evaluating import evaluate

        return evaluate(self, args, kwargs)
