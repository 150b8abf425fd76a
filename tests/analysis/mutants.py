"""Break one rule of the analyser at a time, and see that the gate notices: `python tests/analysis/mutants.py`.

A mutant is a change to the text of the analyser, which fails loudly where it no longer applies. Each is put into
a copy of the package's files, and judged in a process of its own by the cases of `mutant_cases` that it names: one
of them has to hold more than its bound. Lowering is not mutated: the cases are lowered once, for all.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

HERE = Path(__file__).parent
ANALYSIS = HERE.parent.parent / "src" / "hardtack" / "analysis"


@dataclass(frozen=True)
class Mutant:
    """A broken rule.

    Attributes:
        name: what it does wrong.
        file: of the analyser, which is changed.
        changes: texts, each of which is there once, and what they become.
        cases: those that notice it.
    """

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    cases: tuple[str, ...]


def _mutant(name: str, file: str, old: str, new: str, *cases: str) -> Mutant:
    return Mutant(name, file, ((old, new),), cases)


MUTANTS = (
    _mutant(
        "forgets the tables of a dict", "footprints.py",
        "SIZES.dict_(length, uneven=uneven)", "SIZES.dict_(0) + length * 20", "filled_dict",
    ),
    _mutant(
        "drops what a function returns", "calls.py",
        "end.frames[-1] = {RESULT: end.frame[RESULT]}", "end.frames[-1] = {RESULT: NO}", "returned",
    ),
    _mutant(
        "takes the objects of all rounds for one", "states.py",
        "size = before.bytes if before.shared else before.bytes + many.bytes",
        "size = before.bytes | many.bytes", "gathered", "small_blocks",
    ),
    _mutant(
        "forgets the frames that a traceback holds", "exceptions.py",
        "        lost.extend(tracebacks.variables(frame, raised))",
        "        pass", "traceback_kept",
    ),
    _mutant(
        "takes the traceback of a call for one that has the caller's frame", "exceptions.py",
        "last = len(interp.activations) - has_frame", "last = len(interp.activations) - 1",
        "passed_by_many_variables",
    ),
    _mutant(
        "forgets rounds that were run before the last", "recurrences.py",
        "Size.const(max(rounds - 1, 0))", "Size.const(max(rounds - 3, 0))", "grown_inside",
    ),
    _mutant(
        "takes a frame for one that an exception has already", "exceptions.py",
        "    if set(names) != {str(len(state.frames))}:\n        return ZERO\n", "",
        "left_with_many_variables",
    ),
    _mutant(
        "forgets temporaries", "states.py",
        "for frame in self.frames for value in frame.values()])\n",
        "for frame in self.frames for one, value in frame.items() if one[:1] != \"%\"])\n",
        "temporaries",
    ),
    Mutant(
        "forgets what free lists held at most", "states.py",
        (
            ("        now: dict[str, list[Size]] = {}\n", "        now: dict[str, list[Size]] = {pool: [] for pool in self.high}\n"),
            ("self.high[pool] = self.high[pool] | size if pool in self.high else size", "self.high[pool] = size"),
        ),
        ("pairs_let_go",),
    ),
    _mutant(
        "takes += of a text for a change in place", "models/builtins_str.toml",
        'result = "join(self, other, fresh(str, length=len(self) + len(other), width=width(join(self, other))))"',
        'result = "self"', "concatenated",
    ),
    _mutant(
        "drops what an amortised sum starts with", "access.py",
        "return None if total is None or more is None else total + more",
        "return None if total is None or more is None else more", "joined_again",
    ),
    _mutant(
        "counts a round's growth once", "recurrences.py",
        "total += size if spread else size * self.rounds", "total += size", "small_blocks", "counted",
    ),
    _mutant(
        "forgets what a function captures", "operations.py",
        "fields = {cell_register(name): interp.read(cell_register(name)) for name in op.captures}",
        "fields = {}", "captured",
    ),
    _mutant(
        "calls one of several overrides", "calls.py",
        "callees = receivers.possible(interp, op.callees, arguments)", "callees = op.callees[:1]", "overridden",
    ),
    _mutant(
        "runs one branch of an if", "branches.py",
        "[run for side, run in both.items() if truth in {None, side}]", "[both[True]]", "branched",
    ),
    _mutant(
        "takes a number that may be zero for true", "branches.py",
        "    if number.least > 0:\n", "    if not number.high.is_zero:\n", "flagged",
    ),
    _mutant(
        "takes a number that may be more than zero for false", "branches.py",
        "False if number.high.is_zero and number.low.is_zero else None", "False", "flagged_in_a_loop",
    ),
    _mutant(
        "lets a generator's locals die while it waits", "generators.py",
        "interp.state.frame[prefix + register] = value\n",
        "interp.state.frame[prefix + register] = replace(value, objects=frozenset())\n", "generated",
    ),
    _mutant(
        "loses the width of characters", "access.py",
        "return max((cell.width for _, cell in cells(interp, value)), default=1)", "return 1", "wide",
    ),
    _mutant(
        "forgets the head of a tuple", "footprints.py",
        "return SIZES.tuple_(length)", "return lift(length) * 8", "small_blocks",
    ),
    _mutant(
        "takes the first item for the longest", "evaluating.py",
        "    return max((_length(one) for one in follow(path, given)), default=0)\n",
        "    return next((_length(one) for one in follow(path, given)), 0)\n", "longest_copied",
    ),
    _mutant(
        "forgets the integers that containers hold", "footprints.py",
        "return cell.length * (each | PREPAID if boxed else each)", "return ZERO", "counted",
    ),
    _mutant(
        "never runs a handler", "exceptions.py",
        "    for name, caught in catcher.caught():\n",
        "    for name, caught in catcher.caught()[:0]:\n", "traceback_kept",
    ),
    _mutant(
        "skips finally after return", "exceptions.py",
        "(inner.returns, outer.returns.append)", "([], outer.returns.append)", "finished",
    ),
    _mutant(
        "collects cycles", "states.py",
        "kept = self.reached(graphs.cyclic(_references(dead)))", "kept: set[Object] = set()", "cycles",
    ),
    _mutant(
        "takes two arguments for two objects", "parameters.py",
        "            added += cell.added\n    return added", "            pass\n    return added", "aliased",
    ),
    _mutant(
        "takes nothing for what an alias that contains itself stands for", "type_arguments.py",
        "return may_meet(program, _whole(program, left), _whole(program, right))", "return False",
        "aliased_as_nested",
    ),
    _mutant(
        "forgets the table before, of a caller's list that grows twice", "access.py",
        "before_is_counted = by.as_const() == 1 and (first or not single)", "before_is_counted = True", "grown_often",
    ),
    _mutant(
        "takes integers for what can always be divided", "native_integers.py",
        "return (\"ZeroDivisionError\",) if may_be_zero(right) else ()", "return ()", "divided",
    ),
    _mutant(
        "forgets the exceptions of built-ins", "acting.py",
        "        raising.raised_by(interp, model, arguments),\n", "        (),\n", "popped",
    ),
    _mutant(
        "forgets that a key may be one that cannot be hashed", "acting.py",
        "if name == \"__hash__\" and not raising.hashable(", "if name == \"\" and not raising.hashable(", "without_hash",
    ),
    _mutant(
        "takes every variable to have a value", "unset.py", "        if not names <= sure:\n", "        if False:\n", "unset",
    ),
    _mutant(
        "forgets what taking apart may raise", "operations.py", "    if not op.fits:\n", "    if False:\n", "both",
    ),
    _mutant(
        "counts small texts without their heads", "footprints.py",
        "    return count * empty + length", "    return empty + length", "split_small",
    ),
    _mutant(
        "forgets the copy of a caller's list that grows", "access.py",
        "own_table = footprints.table(kind, after) + footprints.order(cell, after)\n", "own_table = ZERO\n", "grown",
    ),
    _mutant(
        "forgets the way out of a loop by break", "loops.py",
        "breaks, exits.breaks = exits.breaks, consumer.outer_breaks", "breaks, exits.breaks = [], consumer.outer_breaks",
        "left_early",
    ),
    _mutant(
        "forgets what copies of dicts leave in free lists", "footprints.py",
        "return (KEPT[\"copied dict\"],) if", "return () if", "copied_dicts",
    ),
    _mutant(
        "drops what `yield from` gives", "generators.py",
        "interp.write(op.into, interp.read(returned))", "interp.write(op.into, NO)", "delegated",
    ),
    _mutant(
        "takes a generator that is kept for its items", "generators.py",
        "drained = is_lazy(interp, register) and model.iterates(argument)", "drained = is_lazy(interp, register)",
        "generators_kept",
    ),
    _mutant(
        "forgets that a generator keeps its function", "generators.py",
        "    if closure is not None:\n", "    if closure is None:\n", "expressions_kept",
    ),
    _mutant(
        "forgets the dict for attributes that come late", "instances.py",
        "late = own_dict(known) if late_attributes(program, known) else ZERO", "late = ZERO", "attributes_late",
    ),
    _mutant(
        "takes tuples that die for tuples of one size", "footprints.py",
        "    if cell.name != \"builtins.tuple\" or not cell.owned:\n", "    if cell.name:\n", "tuples_grow",
    ),
    _mutant(
        "hashes nothing that a display holds", "operations.py",
        "    if op.kind in {\"set\", \"dict\"}:\n", "    if op.kind == \"none\":\n", "displayed",
    ),
    _mutant(
        "forgets what a power needs", "native_integers.py",
        "return round_up(result.wide() * 8 + 28) * 6", "return ZERO", "raised",
    ),
    _mutant(
        "compares no keys", "models/builtins_functions.toml",
        "special(call(key, element(iterable)), '__lt__', call(key, element(iterable)), times=len(iterable) * 64) if given(key)",
        "nothing if given(key)", "sorted_by_class",
    ),
    _mutant(
        "forgets what checks take", "calls.py",
        "exceptions.may_raise(interp, message=Size.const(_CHECK))", "interp.note()", "checked_argument",
    ),
    _mutant(
        "forgets dicts that are made of keys", "footprints.py",
        "if name == \"builtins.dict.fromkeys\":", "if not name:", "dicts_from_keys",
    ),
    _mutant(
        "replaces nothing that was put in", "models/texts.py",
        "if old[0] not in how.put and", "if old[0] and", "replaced_twice",
    ),
    _mutant(
        "tells apart what others refer to", "alternatives.py",
        "if counts[obj] == 1", "if counts[obj]", "both_alive",
    ),
    _mutant(
        "lets go of what lost cycles refer to", "states.py",
        "        if held:\n", "        if held and not self.frames:\n", "held_by_a_lost_cycle",
    ),
    _mutant(
        "forgets in summaries what the caller holds", "summaries.py",
        "    beside = rest.live(live) + scalars\n", "    beside = scalars\n", "held_by_the_caller",
    ),
    _mutant(
        "forgets in summaries what the caller has of a pool", "summaries.py",
        "    beside += common\n", "", "pairs_held_by_the_caller",
    ),
    _mutant(
        "forgets in summaries what another path changed", "shapes.py",
        "        return any(\n            cells_may_alias", "        return False and any(\n            cells_may_alias",
        "aliased_for_another",
    ),
    _mutant(
        "forgets what summaries keep alive", "installing.py",
        "            state.cells[self.where(obj)] = self.renaming.cell(self._at_depth(cell))\n",
        "            state.cells[self.where(obj)] = replace(self.renaming.cell(cell), bytes=cell.bytes.const(0))\n",
        "kept_by_argument",
    ),
    _mutant(
        "keeps what an attribute was charged for first", "access.py",
        "interp.state.cells[obj].holding(name, size)",
        "interp.state.cells[obj].holding(name, interp.state.cells[obj].holdings.get(name, size))",
        "attribute_grown",
    ),
    _mutant(
        "forgets the frames of other exceptions that raising ends", "exceptions.py",
        "        tracebacks.keep(state, depth, function, NOTHING.objects if raised is None else raised.objects)\n",
        "        del function\n", "kept_by_the_first",
    ),
    _mutant(
        "forgets an activation when the one that calls it has no result yet", "recursion.py",
        "    rounds.begun.append(begun)\n", "", "down_from_ten",
    ),
    _mutant(
        "counts the frames of one activation for those of all", "exceptions.py",
        "math.prod(one.waiting + 1 for", "math.prod(1 for", "failed_deep_down",
    ),
    _mutant(
        "takes what holds of objects on one way for what holds on both", "joining.py",
        "return left if left == right else tuple(one for one in left if one in right)",
        "return right", "both_by_continue",
    ),
    _mutant(
        "forgets what waits when an error leaves it", "exceptions.py",
        "left = [one for one in interp.recursions.values() if one.frame + 1 >= depth]", "left = []", "held_by_all",
    ),
    _mutant(
        "forgets the frames of checks", "tracebacks.py",
        "    if not is_checked(function):\n        return size\n    count", "    if True:\n        return size\n    count",
        "failed_step_by_step",
    ),
    _mutant(
        "forgets what a key that is named leaves in an error", "acting.py",
        "return arguments.single  # an OSError", "return arguments.positional  # an OSError", "kept_as_a_named_key",
    ),
    _mutant(
        "forgets that a partial's dict is copied", "partials.py",
        "interp.state.keep(footprints.KEPT[\"copied dict\"], Size.const(1))", "pass", "partial_with_keywords",
    ),
    _mutant(
        "counts the items of one list for those of all", "states.py",
        "_most_items(cell) if one and cell.kind in _CONTAINERS else inf",
        "_most_items(cell) if cell.kind in _CONTAINERS else inf", "pairs_that_stay",
    ),
    _mutant(
        "forgets what a generator holds where it was left", "begun.py",
        "frozenset[int]().union(*(value.objects for name, value in own.items() if name != FRAME))",
        "frozenset[int]()", "left_in_its_midst",
    ),
    _mutant(
        "ends where a function is called for an item of what is empty", "acting.py",
        "return any(self._read(argument).is_nothing for argument in arguments)", "return False",
        "inserted_in_order",
    ),
    _mutant(
        "takes what an iterator makes anew for what is there already", "iteration.py",
        "    return Value(item.objects & made", "    return Value(frozenset() & made", "matches_collected",
    ),
    _mutant(
        "takes the ends of a range for nothing", "evaluating.py",
        "return (value.start, value.stop, value.step)", "return ()", "blocks_of",
    ),
    _mutant(
        "takes what any __len__ gives for a length", "natives.py",
        'return raising.NO_LENGTH if "instance" in kinds', 'return () if "instance" in kinds',
        "length_that_is_none",
    ),
)  # fmt: skip


def mutated(mutant: Mutant, folder: Path) -> None:
    """Put a copy of the analyser with a broken rule into a folder.

    Raises:
        ValueError: the text that is to change is not there, or not once.
    """
    shutil.copytree(ANALYSIS, folder / "analysis", ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "analysis" / mutant.file
    text = file.read_text()
    for old, new in mutant.changes:
        if text.count(old) != 1:
            raise ValueError(
                f"{mutant.name!r} does not apply: {mutant.file} has {text.count(old)} times {old!r}"
            )
        text = text.replace(old, new)
    file.write_text(text)


def lowered(folder: Path) -> Path:
    """Lower the cases, once for all mutants; return the file of the program."""
    from mutant_cases import ARGUMENTS

    from hardtack.analysis import ir
    from hardtack.analysis.loading import load

    program, entries, _ = load([f"{HERE / 'mutant_cases.py'}:{name}" for name in ARGUMENTS])
    tables = ("functions", "classes", "globals", "constants")
    program = ir.Program(**{name: dict(getattr(program, name).items()) for name in tables})  # not on demand
    file = folder / "program.pickle"
    file.write_bytes(pickle.dumps((program, dict(zip(ARGUMENTS, entries, strict=True)))))
    return file


def noticed(program: Path, mutant: Mutant | None) -> list[str]:
    """Return the cases that hold more than their bound; without a mutant, of the analyser as it is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if mutant is not None:
            mutated(mutant, folder)
        cases = mutant.cases if mutant is not None else ()
        command = [sys.executable, __file__, "--child", str(folder), str(program), *cases]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(HERE)}
        )
    if done.returncode:
        raise RuntimeError(f"{mutant.name if mutant else 'no mutant'}: {done.stderr[-2000:]}")
    return done.stdout.splitlines()


def all_noticed(mutants: tuple[Mutant, ...], workers: int = 2) -> dict[str, list[str]]:
    """Return the cases that noticed each mutant; those of the analyser as it is under an empty name."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        program = lowered(Path(folder))
        found = list(pool.map(partial(noticed, program), (None, *mutants)))
    return dict(zip(("", *(mutant.name for mutant in mutants)), found, strict=True))


def _child(folder: str, program: str, names: list[str]) -> None:
    """Judge cases by the analyser in a folder, if there is one; print the names of those that hold too much."""
    import hardtack

    hardtack.__path__.insert(0, folder)
    from hardtack.analysis.entry import analyse
    from hardtack.analysis.models import load_models
    from hardtack.lab.measuring import measure

    cases = importlib.import_module("mutant_cases")
    loaded, entries = pickle.loads(Path(program).read_bytes())
    models = load_models([])
    for name in names or entries:
        found = analyse(loaded, entries[name], models)
        if found.peak is None:
            print(f"{name} has no bound: {found.findings}", file=sys.stderr)
            sys.exit(1)
        function = getattr(cases, name)
        for number, _ in enumerate(cases.ARGUMENTS[name]):

            def make(name: str = name, number: int = number):
                return list(cases.calls(name))[number], {}

            promised = found.for_call(*make()[0])
            if max(measure(function, make, place=place).peak for place in ("outside", "inside")) > promised:
                print(name)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        folder, program, *names = options.child
        _child(folder, program, names)
        return 0
    found = all_noticed(MUTANTS)
    print(f"as it is: {found.pop('') or 'nothing held too much'}")
    for name, cases in found.items():
        print(f"{'noticed by ' + ', '.join(sorted(set(cases))) if cases else 'NOT NOTICED':40} {name}")
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
