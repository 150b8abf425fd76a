"""Generators that are left in their midst and live on: after `next()`, a `break`, an error of their consumer.

A generator that only its consumer holds dies with the loop over it. Of another one, its object holds what its
frame does at each `yield`, while the consumer has the item. When it goes on, its body is run from its start:
that does all that is still to be done, if what it was given is as it was, or longer. Else it is refused.

Source: Objects/genobject.c gen_send_ex2, CPython 3.11 to 3.13: the frame is part of the generator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, footprints
from hardtack.analysis.domain import NOTHING, Cell, Value, is_older, join_values
from hardtack.analysis.records import replace

if TYPE_CHECKING:
    from hardtack.analysis import ir
    from hardtack.analysis.domain import Object
    from hardtack.analysis.interpreting import Interpreter
    from hardtack.symbolic import Size

# Fields of a generator that others hold: what its frame holds where it was left, what it was given.
FRAME, GIVEN = "$frame", "$given"


def is_held(interp: Interpreter, obj: Object, source: ir.Register) -> bool:
    """Tell whether a generator outlives the loop over it: a variable, or another object, holds it, too."""
    state = interp.state
    if not source.startswith("%") or any(
        obj in value.objects
        for frame in state.frames
        for register, value in frame.items()
        if not register.rpartition(":")[2].startswith("%")
    ):
        return True
    return any(
        obj in value.objects
        for cell in state.cells.values()
        for value in (cell.element, cell.mapped, *cell.fields.values())
    )


def _reached(interp: Interpreter, generator: Cell) -> list[tuple[Object, Cell]]:
    """Return what a generator was made with, and all that this leads to."""
    waiting = [value for name, value in generator.fields.items() if name not in {FRAME, GIVEN}]
    seen: dict[Object, Cell] = {}
    while waiting:
        for obj in sorted(waiting.pop().objects - seen.keys()):
            cell = seen[obj] = interp.state.cells[obj]
            waiting += [cell.element, cell.mapped, *cell.fields.values()]
    return list(seen.items())


def note_given(interp: Interpreter, generator: Object) -> None:
    """Note how long everything is that a generator begins with, and what its free variables hold."""
    given = {}
    for number, (obj, cell) in enumerate(_reached(interp, interp.state.cells[generator])):
        given[str(number)] = Value(frozenset((obj,)), length=cell.length)
        if cell.kind == "cell":
            given[f"{number}="] = cell.fields.get("value", NOTHING)
    noted = Value(frozenset((interp.new("given", lambda: Cell("given", "given", fields=given)),)))
    interp.state.put(generator, interp.state.cells[generator].with_field(GIVEN, noted))


def may_have_changed(interp: Interpreter, generator: Cell) -> bool:
    """Tell whether a generator that was left may go on otherwise than it would from its start.

    It is run from there again. So what it was given has to be as it was, or longer.
    """
    if any(cell.kind == "instance" for _, cell in _reached(interp, generator)):
        return True
    for _, noted in access.cells(interp, generator.fields[GIVEN]):
        for name, before in noted.fields.items():
            for _, cell in access.cells(interp, before) if name.isdigit() else ():
                if before.length is None or not before.length.minus(cell.length).is_zero:
                    return True
                if cell.kind == "cell" and cell.fields.get("value", NOTHING) != noted.fields[f"{name}="]:
                    return True
    return False


def keep(interp: Interpreter, held: ir.Register) -> None:
    """Have a generator that yields hold what its frame does: it may be left here, and live on."""
    own, outer = interp.state.frames[-1], interp.state.frames[-2]
    forget(interp, outer[held])
    size = sum((footprints.scalar(value) for value in own.values()), closing(interp))

    def make() -> Cell:
        objects = frozenset[int]().union(*(value.objects for name, value in own.items() if name != FRAME))
        return Cell("frame", "frame", bytes=size, element=Value(objects))

    frame = Value(frozenset((interp.new("frame", make),)))
    for obj in outer[held].objects:
        cell = interp.state.cells[obj]
        interp.state.put(obj, cell.with_field(FRAME, join_values(cell.fields.get(FRAME, NOTHING), frame)))


def closing(interp: Interpreter) -> Size:
    """Return what it takes to end a generator that was left: GeneratorExit is raised in it and those inside.

    Source: gen_close in Objects/genobject.c; from 3.12 on a handler of the compiler's raises it once more.
    """
    running = [one.function for one in interp.different_activations() if "generator" in one.function.kind]
    raised = (footprints.SIZES.raised(function.frame_slots, 0) * 2 for function in running)
    return sum(raised, footprints.exception("builtins.GeneratorExit", 0))


def forget(interp: Interpreter, held: Value) -> None:
    """Have a generator that runs hold no frame besides the one that runs."""
    for obj in held.objects if len(held.objects) == 1 else ():
        cell = interp.state.cells[obj]
        if FRAME in cell.fields and not is_older(obj):
            fields = {name: value for name, value in cell.fields.items() if name != FRAME}
            interp.state.put(obj, replace(cell, fields=fields))
            interp.touched()


def registers(generator: Cell) -> dict[str, Value]:
    """Return what a frame begins with: what the generator was made with, and what it held if it was left."""
    return {name: value for name, value in generator.fields.items() if name != GIVEN}
