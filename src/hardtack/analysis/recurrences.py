"""How much a loop makes each number grow: recurrences over its rounds, solved from above.

A round turns the numbers x of its head into V(x), polynomials with coefficients that are not negative.
Numbers that depend on each other are solved together, in the order in which they depend: within such a group
a polynomial either does not mention the group (a reset), or adds to one of it (growth); anything else may
grow without measure.

    sup(x) = max(start, resets) + the sum of what is added in each round

Sums are amortised where that is known: the lengths of a container's items, in a loop over it, add up to its
total.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from hardtack.analysis import graphs
from hardtack.analysis.integers import digits_of
from hardtack.analysis.interpreting import guess
from hardtack.analysis.records import replace
from hardtack.symbolic import ZERO, Size
from hardtack.symbolic.polynomials import cap_of, polynomial, symbol_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hardtack.symbolic.coefficients import Coefficient
    from hardtack.symbolic.polynomials import Monomial, Polynomial

_TOO_MUCH = 2


@dataclass(slots=True)
class Recurrences:
    """The recurrences of one loop.

    Attributes:
        rounds: how often it runs at most.
        start: each symbol's value when the loop is entered.
        step: each symbol's value after a round, in terms of the symbols.
        amortised: symbols of a round whose sum over all rounds is known, and that sum.
        most: an upper bound of each symbol that a round brings along.
        unbounded: gives a size without a bound for what grows without measure.
        ways: the steps of each way through a round by itself, none if they are not told apart.
        between: what each symbol adds up to, over the rounds that set it anew.
    """

    rounds: Size
    start: Mapping[str, Size]
    step: Mapping[str, Size]
    amortised: Mapping[str, Size]
    most: Mapping[str, Size]
    unbounded: Callable[[str], Size]
    ways: Sequence[Mapping[str, Size]] = ()
    sup: dict[str, Size] = field(default_factory=dict)
    sums: dict[str, Size] = field(default_factory=dict)
    between: dict[str, Size] = field(default_factory=dict)

    def solve(self) -> dict[str, Size]:
        """Return an upper bound of each symbol over all rounds, and of the digits that it has."""
        graph = {name: sorted(mentioned(size) & self.step.keys()) for name, size in self.step.items()}
        self.sup.update(self.most)
        for group in graphs.components(graph):
            self._solve_group(group)
        return with_digits(self.sup)

    def before_the_last(self, solved: dict[str, Size]) -> dict[str, Size]:
        """Return bounds where the last round begins, no greater than those after it, which were solved."""
        rounds = self.rounds.as_const()
        if rounds is None:
            return solved
        fewer = replace(self, rounds=Size.const(max(rounds - 1, 0)), sup={}, sums={}, between={}).solve()
        return {name: size if solved[name].dominates(size) else solved[name] for name, size in fewer.items()}

    def told_apart(self, ways: Sequence[Mapping[str, Size]], solved: Mapping[str, Size]) -> dict[str, Size]:
        """Return lesser bounds than those that were solved, from the steps of each way by itself."""
        step = {name: _either(way[name] for way in ways) for name in self.step}
        apart = replace(self, step=step, ways=ways, sup={}, sums={}, between={}).solve()
        return {name: size for name, size in apart.items() if _is_less(size, solved[name])}

    def _solve_group(self, group: list[str]) -> None:
        members = frozenset(group)
        environment = with_digits(self.sup)
        start, added, resets = ZERO, [], []
        weight: Coefficient = 0
        for name in group:
            size = self.step[name]
            start |= self.start[name] | (size if size.is_top else ZERO)
            for one in size.polynomials:
                rest, share = _without(one, members)
                if share:
                    added.append(rest)
                    weight = max(weight, share)
                else:
                    resets.append(rest)
                    start |= Size((rest,) if rest else ()).substitute(environment)
        growth = ZERO
        if added and weight < 1:  # x = share * x + rest settles where x = rest / (1 - share)
            start |= Size((_greatest(added),)).substitute(environment) * (1 / (1 - Fraction(weight)))
        elif added:
            growth = self._over(_greatest(added), group)
        for name in group:
            self.sup[name] = self.unbounded(name) if weight > 1 else start.substitute(environment) + growth
        if weight > 1 or growth.is_top or any(self.step[name].is_top for name in group):
            return
        if len(group) == 1:
            self._add_up(group[0], added, resets)
        else:
            self.sums |= {name: self.rounds * self.sup[name] for name in group}

    def _add_up(self, name: str, added: Sequence[Polynomial], resets: Sequence[Polynomial]) -> None:
        """Note what a symbol that depends on no other one of its group adds up to."""
        anew = self.start[name] + self._over(_greatest(resets), [name])
        self.sums[name] = self.rounds * self.sup[name] if added else anew
        if self.ways:
            self.between[name] = anew + self._over(_greatest(added), [name])

    def _sum_of(self, name: str, users: Sequence[str]) -> Size | None:
        """Return what a symbol adds up to over the rounds in which others take it up, if that is known.

        A symbol that each round which takes it up sets anew is taken up once for all that it grew by since.
        """
        if name in self.amortised:
            return self.amortised[name]
        if name in self.between and all(self._is_set_anew(name, way, users) for way in self.ways):
            return self.between[name]
        return self.sums.get(name)

    def _is_set_anew(self, name: str, way: Mapping[str, Size], users: Sequence[str]) -> bool:
        return name not in mentioned(way[name]) or all(name not in mentioned(way[user]) for user in users)

    def _over(self, terms: Iterable[tuple[Monomial, Coefficient]], users: Sequence[str]) -> Size:
        """Return the sum of a polynomial over all rounds: of what these symbols take up in each."""
        environment = with_digits(self.sup)
        total = ZERO
        for monomial, coefficient in terms:
            size = Size.const(coefficient)
            spread = False
            for factor in sorted(monomial, key=lambda one: symbol_of(one) not in self.amortised):
                name = symbol_of(factor)
                known = self._sum_of(name, users)
                if known is not None and not spread and not known.is_top:
                    size, spread = size * known, True
                else:
                    size = size * Size(((((factor,), 1),),)).substitute(environment)
            total += size if spread else size * self.rounds
        return total


def is_product(size: Size) -> bool:
    """Tell whether a bound has a product of symbols in it."""
    return any(len(monomial) > 1 for polynomial in size.polynomials for monomial, _ in polynomial)


def _is_less(size: Size, other: Size) -> bool:
    return not size.is_top and (other.is_top or guess(size) < guess(other))


def _either(sizes: Iterable[Size]) -> Size:
    found = ZERO
    for size in sizes:
        found |= size
    return found


def mentioned(size: Size) -> set[str]:
    """Return the symbols that a size depends on, those whose digits it has too."""
    return {_bare(name) for name in size.symbols()}


def _bare(name: str) -> str:
    return name[6:-1] if name.startswith("extra(") else name


def with_digits(sup: Mapping[str, Size]) -> dict[str, Size]:
    """Return what symbols are replaced by, and their digits."""
    found = dict(sup)
    for name, size in sup.items():
        if not name.startswith("extra("):
            found[f"extra({name})"] = size if size.is_top else digits_of(size).minus(1)
    return found


def _mentions(factor: str, members: frozenset[str]) -> bool:
    cap = cap_of(factor)
    if cap is not None:
        return any(_mentions(inner, members) for monomial, _ in cap.inner for inner in monomial)
    return _bare(symbol_of(factor)) in members


def _without(one_of: Polynomial, members: frozenset[str]) -> tuple[Polynomial, Coefficient]:
    """Return a polynomial without the members of a group, and how much of them it has: more than 1 is growth.

    Caps that mention them count as the constants that they are at most.
    """
    share: Coefficient = 0
    rest: dict[Monomial, Coefficient] = {}
    for monomial, coefficient in one_of:
        inside = [one for one in monomial if cap_of(one) is None and _mentions(one, members)]
        if inside:
            alone = len(monomial) == 1 and symbol_of(inside[0]) in members
            share += coefficient if alone else _TOO_MUCH
            continue
        kept, factor = _capped_out(monomial, members)
        rest[kept] = rest.get(kept, 0) + coefficient * factor
    return polynomial(rest.items()), share


def _capped_out(monomial: Monomial, members: frozenset[str]) -> tuple[Monomial, int]:
    """Return a monomial with caps that mention a group replaced by their limits, as a factor."""
    kept, factor = [], 1
    for one in monomial:
        cap = cap_of(one)
        if cap is not None and _mentions(one, members):
            factor *= cap.limit
        else:
            kept.append(one)
    return tuple(kept), factor


def _greatest(polynomials: Iterable[Polynomial]) -> Polynomial:
    """Return a polynomial that is at least each of some: of each coefficient the greatest."""
    found: dict[Monomial, Coefficient] = {}
    for one in polynomials:
        for monomial, coefficient in one:
            found[monomial] = max(found.get(monomial, 0), coefficient)
    return polynomial(found.items())
