"""What is computed once and kept: `@lru_cache` by its arguments, `@cached_property` in the instance.

Of what an earlier call left there nothing is known but its type, so a kept result has to be one that cannot
change: then it is what the function gives for equal arguments. What this call leaves in a cache outlives it,
and is retained by the cache. Invariant: a cache without a limit has no bound, for how large its table has
become is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, calls, exceptions, footprints, ir
from hardtack.analysis.acting import act
from hardtack.analysis.branches import branch
from hardtack.analysis.domain import NOTHING, Cell, Value, join_values
from hardtack.analysis.interpreting import SiteOf
from hardtack.analysis.records import replace
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from hardtack.analysis.calls import Given
    from hardtack.analysis.domain import Object
    from hardtack.analysis.interpreting import Interpreter

WITHOUT_LIMIT = -1  # of ir.Function.keeps
_LINK = Size.const(64)  # an entry besides its key and result: lru_list_elem of Modules/_functoolsmodule.c
_PLAIN = frozenset({"builtins.str", "builtins.bytes", "builtins.int", "builtins.bool", "builtins.float"})
_FIXED = frozenset(f"builtins.{name}" for name in ("None", "complex", "frozenset", "range", "tuple")) | {
    "re.Pattern",
    "struct.Struct",
}
# What a call of cached_property.__get__ holds while the function runs: a frame, the instance's dict.
_GETTING = Size.const(512)


def call_lru(interp: Interpreter, function: ir.Function, arguments: Given, closure: Object | None) -> Value:
    """Call a function that `@lru_cache` decorates, as if nothing were cached, and keep what it gives."""
    if function.keeps == WITHOUT_LIMIT:
        interp.finding(
            "growth",
            f"{function.name} is cached without a limit: how large its cache has become is not known",
            "say how many results it keeps: @lru_cache(maxsize=...)",
        )
    if not _cannot_change(interp.program, function.result):
        interp.finding(
            "unsupported",
            f"{function.name} is cached, and what it gives may be changed by who gets it",
            "return a tuple, a text, or an instance of a frozen dataclass",
        )
    model = interp.models.find("functools._make_key")
    assert model is not None
    key, result = interp.scratch_register("key"), interp.scratch_register("kept")
    exceptions.may_raise(interp)
    interp.write(key, act(interp, model, arguments))
    value = calls.call_plain(interp, function, arguments, closure)
    if interp.state.dead:
        return NOTHING
    interp.write(result, value)
    if function.keeps:
        interp.assume(f"{function.name} gives equal results for equal arguments, since it is cached")
        _keep(interp, function, key, result, function.keeps)
    value = interp.read(result)
    interp.unbind(key)
    interp.unbind(result)
    return value


def _keep(interp: Interpreter, function: ir.Function, key: str, result: str, most: int) -> None:
    """Put a result into the cache: its table may have to grow for it, to what it is when it is full."""
    module, _, name = function.name.rpartition(".")
    obj = interp.site(("cache", function.name), SiteOf(f"{module}::{name}", "", None)) * 2
    table = footprints.table("dict", Size.const(max(most, 0) + 1))
    if obj not in interp.state.cells:
        interp.state.cells[obj] = Cell("cache", function.name, bytes=table, owned=False)
    cell = interp.state.cells[obj]
    held = join_values(interp.read(key), interp.read(result))
    interp.touched()
    interp.state.cells[obj] = replace(cell, element=join_values(cell.element, held))
    scalars = footprints.scalar(interp.read(key)) + footprints.scalar(interp.read(result))
    interp.state.grow(obj, _LINK + scalars)
    interp.note(table)


def _cannot_change(program: ir.Program, type_: ir.Type) -> bool:
    """Tell whether values of a type are as they were made, with all that they refer to."""
    match type_:
        case ir.Union(items) | ir.TupleOf(items):
            return all(_cannot_change(program, item) for item in items)
        case ir.Literally() | ir.ClassObject() | ir.CallableType():
            return True
        case ir.Instance(name=name, arguments=arguments):
            if name in _PLAIN or name in _FIXED:
                return all(_cannot_change(program, one) for one in arguments)
            known = program.classes.get(name)
            if known is None or not known.in_sources:
                return False
            return all(_is_fixed(program, one) for one in (name, *known.subclasses))
    return False


def _is_fixed(program: ir.Program, name: str) -> bool:
    known = program.classes[name]
    if known.is_enum:
        return True
    fixed = known.is_named_tuple or (known.is_dataclass and known.is_frozen)
    return fixed and all(_cannot_change(program, type_) for _, type_ in known.fields)


def read_property(interp: Interpreter, function: ir.Function, arguments: Given) -> Value:
    """Read what `@cached_property` decorates: an attribute, if it is there already, else what it computes."""
    (holder,) = arguments.positional
    name = function.name.rpartition(".")[2]
    into = interp.scratch_register("property")
    ways = []
    if any(name in cell.fields or not cell.owned for _, cell in access.cells(interp, interp.read(holder))):

        def kept() -> None:
            found = access.attribute(interp, interp.read(holder), name, function.result)
            interp.write(into, NOTHING if found is None else found)

        ways.append(kept)

    def made() -> None:
        interp.note(_GETTING)
        value = calls.call_plain(interp, function, arguments, None)
        if interp.state.dead:
            return
        interp.write(into, value)
        access.set_attribute(interp, interp.read(holder), name, interp.read(into), function.result)

    ways.append(made)
    branch(interp, ("property", interp.at, into), ways)
    if interp.state.dead:
        return NOTHING
    value = interp.read(into)
    interp.unbind(into)
    return value
