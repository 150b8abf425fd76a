"""The simple operations: loading, storing, building; what leaves a block early."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hardtack.analysis import (
    access,
    exceptions,
    footprints,
    instances,
    integers,
    ir,
    letting_go,
    parameters,
    tracebacks,
)
from hardtack.analysis.domain import BOOL, NONE, NOTHING, TRUTH, Cell, Value, join_all, join_values
from hardtack.analysis.interpreting import SiteOf
from hardtack.analysis.records import replace
from hardtack.analysis.results import OR_ASSUME
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.analysis.domain import Object
    from hardtack.analysis.interpreting import Handler, Interpreter

_ASKED_FOR_INDEX = frozenset({"instance", "unknown", "lump"})
RESULT = "$result"  # the register of what a function returns
# Entries of a dict's display that are made at once, and of a part that is made as a dict of its own where
# there are more. Source: Python/compile.c compiler_dict, STACK_USE_GUIDELINE.
_IN_ONE, _PART = 15, Size.const(17)
_UNPACKED = ("ValueError: not enough values to unpack (expected at least 1000, got 1000)",)


def cell_register(name: str) -> ir.Register:
    """Return the register that refers to the cell in which a variable lives."""
    return f"&{name}"


def _constant(interp: Interpreter, op: ir.Constant) -> None:
    interp.write(op.into, parameters.constant_value(interp, op.value))


def _copy(interp: Interpreter, op: ir.Copy) -> None:
    interp.write(op.into, interp.read(op.source))
    interp.release(op.source)
    interp.note()


def _drop(interp: Interpreter, op: ir.Drop) -> None:
    interp.unbind(op.register)


def _delete(interp: Interpreter, op: ir.Delete) -> None:
    interp.unbind(op.register)


# -- globals: attributes of one object that was there before the call
def globals_object(interp: Interpreter) -> Object:
    """Return the object that stands for all namespaces of modules and classes."""
    obj = interp.site(("globals",), SiteOf("globals", "", None)) * 2
    if obj not in interp.state.cells:
        interp.state.cells[obj] = Cell("module", owned=False)
    return obj


def load_global(interp: Interpreter, name: str, type_: ir.Type) -> Value:
    """Return what a module's or a class's variable holds."""
    program = interp.program
    if _is_plain_member(program, type_):
        return parameters.symbolic(interp, type_, name)
    if name in program.constants:
        return parameters.constant_value(interp, program.constants[name])
    if name in program.functions:
        return known_object(interp, "function", name)
    if isinstance(type_, ir.ClassObject) or name in program.classes:
        return known_object(interp, "class", type_.name if isinstance(type_, ir.ClassObject) else name)
    if isinstance(type_, ir.CallableType) and name not in program.globals:
        return known_object(interp, "function", name)
    if isinstance(type_, ir.Literally) and not isinstance(type_.type, ir.Instance):
        return parameters.constant_value(interp, type_.value)
    holder = globals_object(interp)
    cell = interp.state.cells[holder]
    if name not in cell.fields:
        module, _, last = name.rpartition(".")
        value = parameters.symbolic(interp, type_, f"{module}::{last}")
        interp.state.cells[holder] = interp.state.cells[holder].with_field(name, value)
    return interp.state.cells[holder].fields[name]


def _is_plain_member(program: ir.Program, type_: ir.Type) -> bool:
    """Tell whether a variable of a class is a member of an Enum that is not its value as well."""
    name = type_.type.name if isinstance(type_, ir.Literally) and isinstance(type_.type, ir.Instance) else ""
    known = program.classes.get(name)
    return known is not None and known.is_enum and not {"builtins.int", "builtins.str"} & {*known.lineage}


def known_object(interp: Interpreter, kind: str, name: str) -> Value:
    """Return a function or a class that was defined before the call."""
    if kind == "class":
        instances.refuse_overloaded(interp, name)
    site = interp.site((kind, name), SiteOf(name, "", None))
    interp.state.cells[site * 2] = Cell(kind, name, owned=False, targets=frozenset((name,)))
    return Value(frozenset((site * 2,)))


def _load_global(interp: Interpreter, op: ir.LoadGlobal) -> None:
    interp.write(op.into, load_global(interp, op.name, op.type))


def _store_global(interp: Interpreter, op: ir.StoreGlobal) -> None:
    holder = globals_object(interp)
    value = interp.read(op.source)
    interp.touched()
    if op.name in interp.program.globals:
        letting_go.refuse(interp, (interp.program.globals[op.name],))
    parameters.write_part(interp, holder, op.name, value, strong=True)
    access.charge(interp, holder, op.name, footprints.scalar(value), certain=True)
    interp.release(op.source)
    interp.note()


# -- variables in cells
def make_cell(interp: Interpreter, name: str, initial: ir.Register | None) -> None:
    """Make the cell of a variable that inner functions capture; move an argument into it."""
    register = cell_register(name)

    def make() -> Cell:
        value = interp.state.frame.get(initial, NOTHING) if initial is not None else NOTHING
        size = footprints.CELL + (footprints.scalar(value) | footprints.PREPAID)
        return Cell("cell", name, bytes=size, fields={"value": value})

    obj = interp.new(f"cell {name}", make)
    if initial is not None:
        interp.unbind(initial)
    interp.write(register, Value(frozenset((obj,))))


def _load_free(interp: Interpreter, op: ir.LoadFree) -> None:
    holder = interp.read(cell_register(op.name))
    value = join_all(cell.fields.get("value", NOTHING) for _, cell in access.cells(interp, holder))
    if value.is_nothing:
        interp.state.dead = True
    interp.write(op.into, value)


def _store_free(interp: Interpreter, op: ir.StoreFree) -> None:
    holder = interp.read(cell_register(op.name))
    access.set_attribute(interp, holder, "value", interp.read(op.source), ir.Unknown("a variable"))
    interp.release(op.source)


# -- attributes
def _load_attribute(interp: Interpreter, op: ir.LoadAttribute) -> None:
    value = interp.read(op.object)
    found, rest = _constants_of_classes(interp, value, op.name)
    if found.is_nothing or rest.objects:
        found = join_values(found, _of_instances(interp, rest, op))
    length = ir.fixed_length(op.type)
    if length is not None and op.into.startswith("%"):
        interp.fixed[interp.activation.function.name, op.into] = length
    interp.write(op.into, found)
    interp.release(op.object)


def _of_error(interp: Interpreter, value: Value, name: str) -> Value | None:
    """Return the number of an error of the host's: what CPython raises has it in an int of C's, or in none.

    Source: Objects/exceptions.c OSError_members; of what is raised here it is among the arguments.
    """
    if name != "errno" or not value.objects:
        return None
    found = [Value(plain=NONE, number=integers.between(None, Size.const(1 << 31)))]
    for _, cell in access.cells(interp, value):
        if cell.kind not in {"exception", tracebacks.KIND}:
            return None
        found.append(cell.fields.get("args[]", NOTHING))
    return join_all(found)


def _of_instances(interp: Interpreter, value: Value, op: ir.LoadAttribute) -> Value:
    """Return an attribute that instances have for themselves, or that no constant stands for."""
    found = access.attribute(interp, value, op.name, op.type)
    if found is None or found.is_nothing:
        return _of_error(interp, value, op.name) or _of_class(interp, value, op)
    return found


def _constants_of_classes(interp: Interpreter, value: Value, name: str) -> tuple[Value, Value]:
    """Return the constants that classes have under a name for their instances, and the rest of a value."""
    program, found, rest = interp.program, set(), set()
    for obj, cell in access.cells(interp, value):
        known = program.classes.get(cell.name)
        of = set() if known is None or cell.kind != "instance" else _shared(interp, known, cell, name)
        found |= of
        if not of:
            rest.add(obj)
    if not found:
        return NOTHING, value
    constants = [parameters.constant_value(interp, program.constants[one]) for one in sorted(found)]
    return join_all(constants), replace(value, objects=frozenset(rest))


def _shared(interp: Interpreter, known: ir.Class, cell: Cell, name: str) -> set[str]:
    """Return the constants of a class, and of those below it, that an instance has under a name.

    Empty if it may have its own: what the sources never assign, no instance that the call made has; one from
    before may have been given it. A compiled pattern is taken for a method: as_analysed.py looks for both.
    """
    program, found = interp.program, set()
    for one in {known.name, *(known.subclasses if not cell.owned else ())}:
        of = program.classes.get(one)
        constant = _in_class(interp, one, name)
        if of is None or name not in dict(of.class_variables) or constant not in program.constants:
            return set()
        compiled = isinstance(program.constants[constant], ir.Compiled)
        if not cell.owned and name not in of.shared and not compiled:
            return set()
        found.add(constant)
    return found


def _of_class(interp: Interpreter, value: Value, op: ir.LoadAttribute) -> Value:
    """Return an attribute that instances share: it stands in their class."""
    names = {cell.name for _, cell in access.cells(interp, value) if cell.kind in {"instance", "class"}}
    for _, cell in access.cells(interp, value):
        if cell.kind == "class" and not cell.targets and cell.name in interp.program.classes:
            names |= set(interp.program.classes[cell.name].subclasses)
    shared = [_in_class(interp, name, op.name) for name in sorted(names)]
    if shared and all(shared):
        return join_all(load_global(interp, name, op.type) for name in dict.fromkeys(shared))
    if not value.objects:
        interp.state.dead = True  # None has no attributes
        return NOTHING
    if names and not isinstance(op.type, ir.Unknown):
        return join_all(
            parameters.symbolic(interp, op.type, f"{name}::{op.name}", single=False) for name in sorted(names)
        )
    interp.finding(
        "unsupported",
        f"the attribute .{op.name} of what has no model",
        f"use one that has a model, {OR_ASSUME}",
    )
    return Value(plain=BOOL)


def _in_class(interp: Interpreter, name: str, attribute: str) -> str:
    """Return the full name of the variable that instances of a class share, or nothing."""
    known = interp.program.classes.get(name)
    found = [f"{base}.{attribute}" for base in (known.lineage if known is not None else ())]
    program = interp.program
    return next((one for one in found if one in program.globals or one in program.constants), "")


def _store_attribute(interp: Interpreter, op: ir.StoreAttribute) -> None:
    value = interp.read(op.source)
    kept = instances.within(op.type, value)
    if kept is not value:
        interp.assume(f"what is assigned to .{op.name} is as its annotation states")
    access.set_attribute(interp, interp.read(op.object), op.name, kept, op.type)
    interp.release(op.object, op.source)
    interp.note()


# -- building
def _build(interp: Interpreter, op: ir.Build) -> None:
    values = [interp.read(register) for register in op.items]
    if interp.state.dead:
        return
    make = {"dict": _dict, "string": _string, "slice": _slice}.get(op.kind, _sequence)
    del values
    long = op.kind == "dict" and len(op.items) > 2 * _IN_ONE
    obj = interp.new(
        op.kind,
        lambda: make(op.kind, interp, [interp.read(item) for item in op.items]),
        extra=footprints.structure("dict", _PART) if long else ZERO,
        uneven=long,
    )
    interp.write(op.into, Value(frozenset((obj,))))
    if op.kind in {"set", "dict"}:
        _hash_all(interp, op.items if op.kind == "set" else op.items[::2])
    interp.release(*op.items)


def _hash_all(interp: Interpreter, keys: Sequence[ir.Register]) -> None:
    """Have the keys of a display hashed, and compared with those that are in it already."""
    from hardtack.analysis.acting import ModelMachine

    machine = ModelMachine(interp, "a display")
    for index, key in enumerate(keys):
        machine.special(key, "__hash__", [], Size.const(1))
        for other in keys[:index]:
            machine.special(other, "__eq__", [key], Size.const(1))
    machine.release()


def _sequence(kind: str, interp: Interpreter, values: Sequence[Value]) -> Cell:
    fields = {str(index): value for index, value in enumerate(values)} if kind == "tuple" else {}
    cell = Cell(
        kind,
        f"builtins.{kind}",
        Size.const(len(values)),
        element=NOTHING if kind == "tuple" else join_all(values),
        fields=fields,
        total=sum_of_lengths(interp, values),
    )
    cell = footprints.sized(cell)
    return cell if kind != "tuple" else _with_element(cell, values)


def _with_element(cell: Cell, values: Sequence[Value]) -> Cell:
    return replace(cell, element=join_all(values))


def sum_of_lengths(interp: Interpreter, values: Sequence[Value]) -> Size | None:
    """Return the sum of items' lengths, or None where they may change."""
    found = ZERO
    for value in values:
        more = access.lengths_of(interp, value, Size.const(1))
        if more is None:
            return None
        found += more
    return found


def _dict(_kind: str, interp: Interpreter, values: Sequence[Value]) -> Cell:
    keys, items = values[::2], values[1::2]
    return footprints.sized(
        Cell(
            "dict",
            "builtins.dict",
            Size.const(len(keys)),
            element=join_all(keys),
            mapped=join_all(items),
            total=sum_of_lengths(interp, keys),
        )
    )


def _string(_kind: str, interp: Interpreter, values: Sequence[Value]) -> Cell:
    length, width = ZERO, 1
    for value in values:
        length += access.length(interp, value)
        width = max(width, access.width(interp, value))
    return footprints.sized(Cell("str", "builtins.str", length, width=width))


def _slice(_kind: str, interp: Interpreter, values: Sequence[Value]) -> Cell:
    if any(cell.kind in _ASKED_FOR_INDEX for value in values for _, cell in access.cells(interp, value)):
        interp.finding(
            "implicit-call", "a slice whose ends are asked for their __index__", "slice by integers"
        )
    scalars = sum((footprints.scalar(value) for value in values[:3]), ZERO)
    fields = {str(index): value for index, value in enumerate(values)}
    return Cell("slice", "builtins.slice", bytes=footprints.SLICE + scalars, fields=fields)


def _unpack(interp: Interpreter, op: ir.Unpack) -> None:
    from hardtack.analysis import generators

    if op.callees:
        interp.finding("generator", "an iterator of yours is unpacked", "iterate over it with `for`")
    if not op.fits:
        exceptions.may_raise(interp, _UNPACKED)
    taken = op.source
    if generators.is_lazy(interp, op.source):
        taken = generators.gather(interp, "unpacking", op.source)
    for index, register in enumerate(op.into):
        if interp.state.dead:
            return
        source = interp.read(taken)
        if index == op.star:
            _rest(interp, taken, register)
            continue
        interp.write(register, item_at(interp, source, index if op.star is None or index < op.star else None))
    interp.release(op.source, taken)
    interp.note()


def _rest(interp: Interpreter, taken: ir.Register, register: ir.Register) -> None:
    def make() -> Cell:
        source = interp.read(taken)
        length = access.length(interp, source)
        element = access.element(interp, source)
        return footprints.sized(Cell("list", "builtins.list", length, element=element))

    interp.write(register, Value(frozenset((interp.new("rest", make),))))
    source = interp.read(taken)
    if any(cell.kind not in parameters.SIZED for _, cell in access.cells(interp, source)):
        # as the list grew by what an iterator gives, two of its tables were alive
        interp.note(footprints.table("list", access.length(interp, source)))


def item_at(interp: Interpreter, source: Value, index: int | None) -> Value:
    """Return the item of a sequence at an index, if it is known which one that is."""
    found = []
    for obj, cell in list(access.cells(interp, source)):
        if index is None or cell.kind != "tuple":
            found.append(access.element(interp, Value(frozenset((obj,)))))
        elif not cell.owned and isinstance(cell.type, ir.TupleOf):
            found.append(parameters.item(interp, obj, index) if index < len(cell.type.items) else NOTHING)
        else:
            found.append(cell.fields.get(str(index), cell.element))
    return join_all(found)


def _test(interp: Interpreter, op: ir.Operation) -> None:
    test = cast("ir.Test", op)
    interp.write(test.into, TRUTH)
    interp.release(*test.operands)


# -- functions as values
def _bind_method(interp: Interpreter, op: ir.BindMethod) -> None:
    targets = frozenset(f"{callee.kind} {callee.name}" for callee in op.callees)
    if any(callee.kind == "unknown" for callee in op.callees):
        interp.finding("unknown-callee", "a method that is not known", "give its object a type")
    obj = interp.new(
        "method",
        lambda: Cell(
            "method", bytes=Size.const(80), fields={"self": interp.read(op.object)}, targets=targets
        ),
    )
    interp.write(op.into, Value(frozenset((obj,))))
    interp.release(op.object)


def _make_function(interp: Interpreter, op: ir.MakeFunction) -> None:
    captures, defaults, annotations = len(op.captures), len(op.defaults), len(op.annotations)
    tuples = sum((footprints.tuple_of(n) for n in (captures, defaults, annotations) if n), ZERO)

    def make() -> Cell:
        fields = {cell_register(name): interp.read(cell_register(name)) for name in op.captures}
        fields |= {f"default {index}": interp.read(value) for index, value in enumerate(op.defaults)}
        fields |= {f"held {index}": interp.read(value) for index, value in enumerate(op.annotations)}
        scalars = sum((footprints.scalar(interp.read(value)) for value in op.defaults), ZERO)
        return Cell(
            "function",
            op.name,
            bytes=footprints.FUNCTION + scalars,
            pooled=tuples,
            pool=f"functions {captures} {defaults} {annotations}",
            fields=fields,
            targets=frozenset((op.name,)),
        )

    obj = interp.new("function", make)
    interp.write(op.into, Value(frozenset((obj,))))
    interp.release(*op.defaults, *op.annotations)


# -- leaving
def _return(interp: Interpreter, op: ir.Return) -> None:
    interp.write(RESULT, interp.read(op.source))
    if interp.state.dead:
        return
    interp.release(op.source)
    state = interp.state.copy()
    interp.activation.exits.returns.append(state)
    interp.state.dead = True


def _break(interp: Interpreter, _op: ir.Break) -> None:
    interp.activation.exits.breaks.append(interp.state.copy())
    interp.state.dead = True


def _continue(interp: Interpreter, _op: ir.Continue) -> None:
    interp.activation.exits.continues.append(interp.state.copy())
    interp.state.dead = True


def _unsupported(interp: Interpreter, op: ir.Unsupported) -> None:
    interp.finding("unsupported", op.what, op.remedy)
    if op.into is not None:
        interp.write(op.into, parameters.symbolic(interp, ir.Unknown(op.what), "?", single=False))
    interp.release(*op.reads)


HANDLERS: dict[type[object], Handler] = cast(
    "dict[type[object], Handler]",
    {
        ir.Constant: _constant,
        ir.Copy: _copy,
        ir.Drop: _drop,
        ir.Delete: _delete,
        ir.LoadGlobal: _load_global,
        ir.StoreGlobal: _store_global,
        ir.LoadFree: _load_free,
        ir.StoreFree: _store_free,
        ir.LoadAttribute: _load_attribute,
        ir.StoreAttribute: _store_attribute,
        ir.Build: _build,
        ir.Unpack: _unpack,
        ir.BindMethod: _bind_method,
        ir.MakeFunction: _make_function,
        ir.Return: _return,
        ir.Break: _break,
        ir.Continue: _continue,
        ir.Unsupported: _unsupported,
    },
)
if hasattr(ir, "Test"):
    HANDLERS[ir.Test] = _test
