"""Binding: the frame that a function starts with, from the arguments of a call.

Owns what CPython does between the call and the first line: defaults, captured variables, what `*args` and
`**keywords` gather. Invariant: the frame stands on the stack while it is filled, so that what is allocated
for it renames what it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, footprints, ir, parameters
from hardtack.analysis.domain import NO, Cell, Value, join_all
from hardtack.analysis.operations import cell_register, item_at, load_global
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardtack.analysis.calls import Given
    from hardtack.analysis.domain import Object
    from hardtack.analysis.interpreting import Interpreter

_SPREAD = "%**"  # registers of what is spread by name begin with it


def bind(
    interp: Interpreter, function: ir.Function, arguments: Given, closure: Object | None
) -> dict[str, Value] | None:
    """Return the frame that a function starts with, or None, after a finding, if the arguments do not fit.

    Args:
        interp: in whose state.
        function: what is called.
        arguments: registers of the caller's frame.
        closure: the function object, if it is called by one.
    """
    held = {cell_register(name): _captured(interp, closure, name) for name in function.free}
    if closure is not None:
        held |= _defaults(interp, function, closure)
    return _bind(interp, function, arguments, held)


def _bind(
    interp: Interpreter, function: ir.Function, arguments: Given, captured: Mapping[str, Value | None]
) -> dict[str, Value] | None:
    positional = [interp.read(register) for register in arguments.positional]
    keywords = {name: interp.read(register) for name, register in arguments.keywords}
    positional += _spread(interp, function, arguments)
    frame = {f"%{index}": value for index, value in enumerate(positional)}
    frame |= {f"%{name}": value for name, value in keywords.items()}
    frame |= {f"{_SPREAD}{index}": interp.read(one) for index, one in enumerate(arguments.spread_keywords)}
    for name, value in captured.items():
        if value is None:
            interp.finding(
                "unsupported", f"the variable {name[1:]} of {function.name} is not known", "pass it"
            )
            return None
        frame[name] = value
    interp.state.frames.append(frame)
    waiting = [f"%{index}" for index in range(len(positional))]
    named = {name: f"%{name}" for name in keywords}
    fits = all(_bind_one(interp, function, parameter, waiting, named) for parameter in function.parameters)
    frame = interp.state.frames.pop()
    for register in [one for one in frame if one.startswith(("%default ", _SPREAD))]:
        del frame[register]
    if fits and not waiting and not named:
        return frame
    interp.finding("unsupported", f"arguments that {function.name} does not take", "call it as it is defined")
    return None


def _bind_one(
    interp: Interpreter,
    function: ir.Function,
    parameter: ir.Parameter,
    waiting: list[str],
    named: dict[str, str],
) -> bool:
    """Give a parameter its value, in the frame on the top; tells whether there is one."""
    frame = interp.state.frame
    if parameter.kind == "star":
        frame[parameter.name] = _rest(interp, waiting)
        waiting.clear()
    elif parameter.kind == "stars":
        frame[parameter.name] = _rest_by_name(interp, named)
        named.clear()
    elif parameter.kind == "positional" and waiting:
        frame[parameter.name] = frame.pop(waiting.pop(0))
    elif parameter.name in named:
        frame[parameter.name] = frame.pop(named.pop(parameter.name))
    else:
        may_be = [access.mapped(interp, one) for one in _spread_by_name(frame)]
        if parameter.has_default:
            given = frame.get(f"%default {parameter.name}")
            may_be.append(_default(interp, parameter) if given is None else given)
        frame[parameter.name] = join_all(may_be)
        return bool(may_be)
    return True


def _spread_by_name(frame: Mapping[str, Value]) -> list[Value]:
    """Return the dicts that `**keywords` of a call stand for: any of their items may be any parameter."""
    return [value for register, value in frame.items() if register.startswith(_SPREAD)]


def _spread(interp: Interpreter, function: ir.Function, arguments: Given) -> list[Value]:
    """Return the arguments that `*xs` stands for, where their number is known."""
    found: list[Value] = []
    for register in arguments.spread:
        value = interp.read(register)
        cells = [cell for _, cell in access.cells(interp, value)]
        count = cells[0].length.as_const() if len(cells) == 1 and cells[0].kind == "tuple" else None
        if count is None:
            interp.finding(
                "unsupported", f"*arguments of unknown number for {function.name}", "pass them one by one"
            )
            return found
        found += [item_at(interp, value, index) for index in range(int(count))]
    return found


def _rest(interp: Interpreter, waiting: list[str]) -> Value:
    """Make the tuple of the arguments that `*args` takes."""

    def make() -> Cell:
        fields = {str(index): interp.state.frame.pop(register) for index, register in enumerate(waiting)}
        element = join_all(fields.values())
        return footprints.sized(
            Cell("tuple", "builtins.tuple", Size.const(len(fields)), element=element, fields=fields)
        )

    if not waiting:
        return parameters.constant_value(interp, ())
    return Value(frozenset((interp.new("*arguments", make),)))


def _rest_by_name(interp: Interpreter, named: Mapping[str, str]) -> Value:
    """Make the dict of the arguments that `**keywords` takes."""

    def make() -> Cell:
        found = [interp.state.frame.pop(register) for register in named.values()]
        keys = [access.element(interp, parameters.constant_value(interp, tuple(named)))]
        length = Size.const(len(found))
        for one in _spread_by_name(interp.state.frame):
            keys.append(access.element(interp, one))
            found.append(access.mapped(interp, one))
            length += access.length(interp, one)
        return footprints.sized(
            Cell("dict", "builtins.dict", length, element=join_all(keys), mapped=join_all(found), total=None),
            uneven=True,
        )

    return Value(frozenset((interp.new("**keywords", make),)))


def _default(interp: Interpreter, parameter: ir.Parameter) -> Value:
    """Return a parameter's default: made when its function was defined."""
    if parameter.default_register is None:
        return parameters.constant_value(interp, parameter.default)
    return load_global(interp, parameter.default_register, parameter.type)


def _defaults(interp: Interpreter, function: ir.Function, closure: Object) -> dict[str, Value | None]:
    """Return the defaults that were made with a function object, for the registers of its parameters."""
    having = [parameter for parameter in function.parameters if parameter.has_default]
    fields = interp.state.cells[closure].fields
    return {
        f"%default {parameter.name}": fields[f"default {index}"]
        for index, parameter in enumerate(having)
        if f"default {index}" in fields
    }


def _captured(interp: Interpreter, closure: Object | None, name: str) -> Value | None:
    if name == "__class__":  # for super(): the class itself, which was there before
        return NO
    if closure is not None:
        return interp.state.cells[closure].fields.get(cell_register(name))
    return interp.state.frame.get(cell_register(name))
