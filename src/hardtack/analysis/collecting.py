"""Dicts of collections: what a defaultdict is asked for is made by the factory that it holds.

An OrderedDict is a dict that takes more for an entry: `footprints.order`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, calls, footprints, ir
from hardtack.analysis.acting import act
from hardtack.analysis.domain import NOTHING, Value, join_all
from hardtack.analysis.records import replace

if TYPE_CHECKING:
    from hardtack.analysis.calls import Given
    from hardtack.analysis.interpreting import Interpreter

_FACTORY = "held 0"  # the field that the model of defaultdict() puts it in


def default_item(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    """Read an item of a defaultdict, as if it were not there, by the factory that is called for it."""
    if len(arguments.positional) != 2 or arguments.keywords:
        return None
    found = [cell for _, cell in access.cells(interp, interp.read(arguments.positional[0]))]
    if any(_FACTORY not in cell.fields for cell in found):
        interp.finding(
            "unknown-callee",
            "what a defaultdict that was there before makes of a key that it lacks is not known",
            "use a dict, and setdefault(key, []), or make it in the function",
        )
        return NOTHING
    factory, made = interp.scratch_register("factory"), interp.scratch_register("made")
    interp.write(factory, join_all(cell.fields[_FACTORY] for cell in found))
    value = calls.call_with(
        interp, factory, replace(arguments, positional=()), ir.Unknown("what a factory makes")
    )
    if interp.state.dead:
        return NOTHING
    interp.write(made, value)
    model = interp.models.find(name)
    assert model is not None
    value = act(interp, model, replace(arguments, positional=(*arguments.positional, made)))
    interp.unbind(factory)
    interp.unbind(made)
    return value


def defaults(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    """Make a defaultdict: as its model makes a dict, under its own name."""
    model = interp.models.find(name)
    assert model is not None
    value = calls.act_on_items(interp, model, arguments)
    for obj, cell in list(access.cells(interp, value)):
        interp.state.put(obj, replace(cell, name=name))
    return value


def ordered(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    """Make an OrderedDict: as its model makes a dict, with what it takes besides."""
    model = interp.models.find(name)
    assert model is not None
    made = interp.scratch_register("ordered")
    interp.write(made, calls.act_on_items(interp, model, arguments))
    if interp.state.dead:
        return NOTHING
    for obj, cell in list(access.cells(interp, interp.read(made))):
        if arguments.positional:
            interp.want(obj, "uneven")
        interp.state.put(obj, interp.sized(obj, replace(cell, name=footprints.ORDERED)))
    interp.note()
    value = interp.read(made)
    interp.unbind(made)
    return value
