"""What exists before the call, made from declared types when it is first asked for.

A path says which objects are meant: `rows`, `rows[]` (its items, or a dict's values), `keys(d)`,
`self.table.name`; `all(node:m.Node)` is every object of a class that an argument leads to, for types that
contain themselves and what such objects lead to; `alias(node:m.Tree)` whatever an alias stands for that
contains itself. Symbols are made of paths, and `evaluating` reads them on real arguments:

    len(p), maxlen(p)      the length of one object, the greatest of several
    total(p)               the sum of the lengths of a container's items
    p, max(p), neg(p)      an integer (at least 0), the greatest of several, how far it lies below 0
    extra(p)               30-bit digits of an integer, beyond one

Two paths may lead to the same object. What the call writes by one is therefore read by every other whose type
could meet it: `also_written`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardtack.analysis import instances, ir, type_arguments
from hardtack.analysis.domain import (
    BOOL,
    FLOAT,
    NO,
    NOTHING,
    OTHER,
    PATH_KIND,
    TRUTH,
    Cell,
    Value,
    join_all,
    join_values,
)
from hardtack.analysis.integers import Number, constant, exact
from hardtack.analysis.interpreting import SiteOf
from hardtack.analysis.records import replace
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.analysis.domain import Object
    from hardtack.analysis.interpreting import Interpreter

KINDS = {
    "builtins.str": "str",
    "builtins.bytes": "bytes",
    "builtins.bytearray": "bytearray",
    "builtins.memoryview": "memoryview",
    "builtins.list": "list",
    "builtins.tuple": "tuple",
    "builtins.dict": "dict",
    "builtins.set": "set",
    "builtins.frozenset": "frozenset",
    "builtins.range": "range",
    "collections.deque": "deque",
    "collections.OrderedDict": "dict",
    "collections.defaultdict": "dict",
    "collections.Counter": "dict",
}
PATHS = frozenset(f"pathlib.{name}" for name in ("PurePath", "PurePosixPath", "Path", "PosixPath"))
SIZED = frozenset(KINDS.values())  # what can be asked for its length before its items are
_ABSTRACT = {
    "typing.Sequence": "sequence",
    "typing.MutableSequence": "sequence",
    "typing.Collection": "sequence",
    "typing.Iterable": "sequence",
    "typing.Container": "sequence",
    "typing.Reversible": "sequence",
    "typing.AbstractSet": "sequence",
    "typing.MutableSet": "sequence",
    "typing.Mapping": "mapping",
    "typing.MutableMapping": "mapping",
}
MAPPINGS = frozenset({"dict", "mapping"})
IMMUTABLE = frozenset({"str", "bytes", "tuple", "frozenset", "range", "memoryview"})
_PLAIN = {
    "builtins.None": NO.plain,
    "builtins.bool": BOOL,
    "builtins.float": FLOAT,
    "builtins.complex": OTHER,
}
_BYTE = Value(number=Number(Size.const(255)))
_MATCH = "re.Match"
_TEXT = ir.Instance("builtins.str")
PATH = "path"
_TOLD = range(1024, 1 << 30)  # limits that a call's own length or number may lie far below
_STEPS = re.compile(r"\w+|\[\]")  # of a path within an object
ROOT = re.compile(r"(?:all\(|alias\(|keys\()*((?:[\w.]+::)?\w+)")  # a global is `module::NAME`


def symbolic(interp: Interpreter, type_: ir.Type, path: str, *, single: bool = True) -> Value:
    """Return what a path of a declared type leads to."""
    match type_:
        case ir.Union(items):
            return join_all(symbolic(interp, item, path, single=single) for item in items)
        case ir.Literally(ir.Instance(name), value):
            known = interp.program.classes.get(name)
            if known is None or not known.is_enum:
                return constant_value(interp, value)
            return symbolic(interp, type_.type, f"{name}::{value!s}", single=True)
        case ir.TupleOf(items):
            return _object(interp, type_, path, "tuple", "builtins.tuple", Size.const(len(items)), single)
        case ir.Instance():
            return _instance(interp, type_, path, single)
        case ir.Recursive(name):
            whole = f"alias({root_of(path)}:{name})"
            return symbolic(interp, interp.program.globals[name], whole, single=False)
        case ir.ClassObject(name):
            instances.refuse_overloaded(interp, name)
            return _object(interp, type_, path, "class", name, ZERO, single)
        case ir.CallableType():
            kind = "unknown" if type_.assumed is None else "assumed"
            return _object(interp, type_, path, kind, path, ZERO, single)
        case ir.Unknown(why):
            return _object(interp, type_, path, "unknown", why, ZERO, single)
    return NOTHING


def member(interp: Interpreter, name: str) -> Value:
    """Return any member of an Enum."""
    module, _, last = name.rpartition(".")
    return symbolic(interp, ir.Instance(name), f"{module}::{last}[]", single=False)


def constant_value(interp: Interpreter, value: object) -> Value:
    """Return a constant: it lives in a code object, and the call pays nothing for it."""
    match value:
        case None:
            return NO
        case bool():
            return TRUTH
        case int():
            return Value(number=constant(value))
        case float():
            return Value(plain=FLOAT)
        case str() | bytes():
            return _constant_object(
                interp, value, Cell(type(value).__name__, element=_BYTE, width=_width(value))
            )
        case ir.Compiled(name, text):
            site = interp.site(("constant", value), SiteOf(repr(text), "", None))
            interp.state.cells[site * 2] = Cell("object", name, owned=False)
            interp.constants[site * 2] = text
            return Value(frozenset((site * 2,)))
        case tuple() | frozenset():
            parts = [constant_value(interp, part) for part in value]
            fields = (
                {str(index): part for index, part in enumerate(parts)} if isinstance(value, tuple) else {}
            )
            cell = Cell(type(value).__name__, element=join_all(parts), fields=fields)
            return _constant_object(interp, value, cell)
    return Value(plain=OTHER)


def _width(value: str | bytes) -> int:
    if isinstance(value, bytes) or value.isascii():
        return 1
    return 2 if max(map(ord, value)) < 0x10000 else 4


def _constant_object(
    interp: Interpreter, value: str | bytes | tuple[object, ...] | frozenset[object], cell: Cell
) -> Value:
    site = interp.site(("constant", type(value).__name__, repr(value)), SiteOf(repr(value), "", None))
    name = f"builtins.{cell.kind}"
    interp.state.cells[site * 2] = replace(cell, name=name, length=Size.const(len(value)), owned=False)
    interp.constants[site * 2] = value
    return Value(frozenset((site * 2,)), length=Size.const(len(value)))


def known_constant(interp: Interpreter, value: Value) -> object:
    """Return the constant that a value can only be, else None."""
    if len(value.objects) == 1 and value.number is None and not value.plain:
        return interp.constants.get(min(value.objects))
    if value.number is not None and not value.objects and not value.plain:
        return exact(value.number)
    return None


def _instance(interp: Interpreter, type_: ir.Instance, path: str, single: bool) -> Value:
    name = type_.name
    if name in _PLAIN:
        return Value(plain=_PLAIN[name])
    if name == "builtins.int":
        return Value(number=_integer(interp, type_, path, single))
    kind = KINDS.get(name) or _ABSTRACT.get(name)
    if name in _ABSTRACT:
        interp.assume(f"{path} is a container whose methods run no code of yours")
    if kind is not None:
        limits = type_.limits
        length = Size.symbol(f"{'len' if single else 'maxlen'}({path})")
        if limits is not None and limits.max_length is not None:
            length = _limited(interp, length, limits.max_length, path, single)
            value = _object(interp, type_, path, kind, name, length, single)
            return replace(value, length=length) if kind in IMMUTABLE else value
        return _object(interp, type_, path, kind, name, length, single)
    if name in PATHS:
        length = Size.symbol(f"{'len' if single else 'maxlen'}({path})")
        return _object(interp, type_, path, PATH_KIND, name, length, single)
    if name == _MATCH:
        return _match(interp, type_, path, single)
    return _object(interp, type_, path, "instance", name, ZERO, single)


def _limited(interp: Interpreter, size: Size, limit: int, path: str, single: bool) -> Size:
    """Return what a length or a value is at most: its stated limit, or what the argument has, up to that.

    The latter is left out where limits are small, where integers count nothing, and where it would be that of
    many objects: to walk through them for the greatest takes longer than it is worth.
    """
    if not single or "::" in path or limit not in _TOLD:
        return Size.const(limit)
    interp.limited = True
    return size.at_most(limit) if interp.tells else Size.const(limit)


def _match(interp: Interpreter, type_: ir.Instance, path: str, single: bool) -> Value:
    """Return a match of a pattern: its item is the text, its length the text's, its total that of groups."""
    if all(isinstance(one, ir.Unknown) for one in type_.arguments):
        type_ = replace(type_, arguments=(ir.Union((_TEXT, ir.Instance("builtins.bytes"))),))
    length = Size.symbol(f"{'len' if single else 'maxlen'}({path}.string)")
    groups = f"{path}.re.groups"
    found = _object(interp, type_, path, "object", _MATCH, length, single)
    for obj in found.objects:
        total = Size.symbol(groups if single else f"max({groups})") + 1
        interp.state.cells[obj] = replace(interp.state.cells[obj], total=total)
    return found


def _integer(interp: Interpreter, type_: ir.Instance, path: str, single: bool) -> Number:
    text = path if single else f"max({path})"
    high, low, least = Size.symbol(text), Size.symbol(f"neg({text})"), 0
    limits = type_.limits
    if limits is not None and limits.most is not None:
        high = _limited(interp, high, max(limits.most, 0), path, single)
    if limits is not None and limits.least is not None:
        low, least = Size.const(max(-limits.least, 0)), max(limits.least, 0)
    return Number(high, low, least)


def _object(
    interp: Interpreter, type_: ir.Type, path: str, kind: str, name: str, length: Size, single: bool
) -> Value:
    if kind == "instance":
        known = interp.program.classes.get(name)
        if known is not None and known.doubt:
            interp.finding(
                "unsupported", f"{path} is of a class in doubt: {known.doubt}", "name it otherwise"
            )
        path, single = _folded(interp, path, name, single)
    interp.paths.add(path)
    site = interp.site((PATH, path, kind, name), SiteOf(path, "", None, single))
    obj = site * 2
    if obj not in interp.state.cells:
        total = None
        if kind in {"list", "sequence", "set", "frozenset", "deque", "tuple"} and _sized_items(type_):
            total = Size.symbol(f"total({path})") if single else None
        made = interp.state.cells[obj] = Cell(
            kind,
            name,
            length,
            element=_BYTE if kind in {"bytes", "bytearray", "memoryview"} else NOTHING,
            width=1 if kind == "memoryview" else 4,  # without a stride, as its model assumes
            total=total,
            owned=False,
            type=type_,
        )
        interp.originals[obj] = made
    return Value(frozenset((obj,)))


def _sized_items(type_: ir.Type) -> bool:
    """Tell whether all items of a container have a length."""
    item = type_.arguments[0] if isinstance(type_, ir.Instance) and type_.arguments else None
    return isinstance(item, ir.Instance) and (item.name in KINDS or item.name in _ABSTRACT)


def _folded(interp: Interpreter, path: str, name: str, single: bool) -> tuple[str, bool]:
    """Return the path of an instance; one class for all objects where a type leads back to itself.

    Beyond these each class is one for all of its objects, too: else there is one for each way to get there.
    """
    if single and path.count(".") + path.count("[]") == 0:
        interp.passed.setdefault(path, frozenset())
        return path, single
    whole = f"all({root_of(path)}:{name})"
    if path.removeprefix("keys(").startswith("all("):
        return whole, False
    for prefix, classes in interp.passed.items():
        if path.startswith(prefix) and any(_is_kind_of(interp.program, one, name) for one in classes):
            return whole, False
    return path, single


def _is_kind_of(program: ir.Program, name: str, base: str) -> bool:
    """Tell whether a class is another one or below it."""
    if name == base:
        return True
    known = program.classes.get(name)
    return known is not None and base in known.lineage


def root_of(path: str) -> str:
    """Return the argument or global that a path starts from."""
    found = ROOT.match(path)
    assert found is not None
    return found[1]


def part(
    interp: Interpreter, obj: Object, key: str, type_: ir.Type | None, path: str, *, single: bool = False
) -> Value:
    """Return a part of what existed before, with what the call wrote there; made when first asked for."""
    made = _own_part(interp, obj, key, type_, path, single=single)
    return join_values(made, also_written(interp, obj, key))


def _own_part(
    interp: Interpreter, obj: Object, key: str, type_: ir.Type | None, path: str, *, single: bool
) -> Value:
    """Return a part as this path leads to it."""
    cell = interp.state.cells[obj]
    if key not in cell.fields:
        if type_ is None:
            made = NOTHING
        elif isinstance(type_, ir.Instance) and type_.limits is not None and type_.limits.among is not None:
            made = _among(interp, obj, type_.limits.among)
        else:
            _pass(interp, obj, path)
            made = symbolic(interp, type_, path, single=single)
        cell = interp.state.cells[obj].with_field(key, made)
        interp.state.cells[obj] = cell
        interp.parts[obj, key] = made
    return cell.fields[key]


def _among(interp: Interpreter, obj: Object, path: str) -> Value:
    """Return what a path from an object leads to, without None: an attribute is stated to be one of that."""
    from hardtack.analysis import access

    unknown = ir.Unknown(f"what {path} leads to")
    objects = frozenset((obj,))
    for step in _STEPS.findall(path):
        found = []
        for one in sorted(objects):
            value = Value(frozenset((one,)))
            if step == "[]":
                found.append(access.element(interp, value))
                continue
            known = interp.program.classes.get(interp.state.cells[one].name)
            declared = unknown if known is None else dict(known.fields).get(step, unknown)
            found.append(access.attribute(interp, value, step, declared) or NOTHING)
        objects = join_all(found).objects
    if not objects:
        interp.finding("unsupported", f"`Among({path!r})` leads to no object", "state a path that does")
    return Value(objects)


def _pass(interp: Interpreter, obj: Object, path: str) -> None:
    """Remember which classes a path leads through."""
    cell = interp.state.cells[obj]
    before = interp.site_of[obj >> 1].what
    passed = interp.passed.get(before, frozenset())
    if cell.kind == "instance":
        passed |= {cell.name}
    interp.passed[path] = passed


def attributes(interp: Interpreter, objects: Sequence[Object], name: str, type_: ir.Type) -> Value:
    """Return what an attribute of any of some objects from before the call holds."""
    found = [_own_attribute(interp, obj, name, type_) for obj in objects]
    return join_values(join_all(found), _written(interp, objects, name))


def make_attribute(interp: Interpreter, obj: Object, name: str, type_: ir.Type) -> None:
    """Have an attribute of an object from before the call made, which is about to be written."""
    interp.asked.setdefault((obj, name), interp.state.cells[obj])
    _own_attribute(interp, obj, name, type_)


def _own_attribute(interp: Interpreter, obj: Object, name: str, type_: ir.Type) -> Value:
    of = interp.site_of[obj >> 1]
    declared = type_arguments.field(interp.program, interp.state.cells[obj], name) or type_
    return _own_part(interp, obj, name, declared, f"{of.what}.{name}", single=of.single)


def element(interp: Interpreter, obj: Object) -> Value:
    """Return what the items of a container from before the call are; a dict's keys."""
    cell = interp.state.cells[obj]
    if cell.kind in {"bytes", "bytearray", "memoryview"}:
        return _BYTE
    if cell.type is None:
        return cell.element  # a constant
    if cell.kind == "range":
        number = _integer(
            interp, ir.Instance("builtins.int"), f"{interp.site_of[obj >> 1].what}[]", single=False
        )
        return Value(number=number, fresh=True)
    path = interp.site_of[obj >> 1].what
    if cell.name == _MATCH:
        single, type_ = interp.site_of[obj >> 1].single, _argument(cell)
        return part(interp, obj, "[]", type_, f"{path}.string", single=single)
    if isinstance(cell.type, ir.TupleOf):
        return join_all(item(interp, obj, index) for index in range(len(cell.type.items)))
    type_ = _argument(cell)
    if cell.kind in MAPPINGS:
        return part(interp, obj, "[keys]", type_, f"keys({path})")
    if cell.kind == "str":
        return NOTHING
    return part(interp, obj, "[]", type_, f"{path}[]")


def _argument(cell: Cell) -> ir.Type | None:
    """Return the first argument of a generic type: what its items are."""
    return cell.type.arguments[0] if isinstance(cell.type, ir.Instance) and cell.type.arguments else None


def mapped(interp: Interpreter, obj: Object) -> Value:
    """Return what the values of a dict from before the call are; of a range, its ends and its step."""
    cell = interp.state.cells[obj]
    if cell.kind == "range":
        return element(interp, obj)
    path = interp.site_of[obj >> 1].what
    type_: ir.Type | None = None
    if isinstance(cell.type, ir.Instance):
        if cell.name == "collections.Counter":
            type_ = ir.Instance("builtins.int")
        elif len(cell.type.arguments) > 1:
            type_ = cell.type.arguments[1]
    return part(interp, obj, "[]", type_, f"{path}[]")


def item(interp: Interpreter, obj: Object, index: int) -> Value:
    """Return what one item of a tuple from before the call is."""
    cell = interp.state.cells[obj]
    assert isinstance(cell.type, ir.TupleOf)
    of = interp.site_of[obj >> 1]
    return part(interp, obj, str(index), cell.type.items[index], f"{of.what}[{index}]", single=of.single)


# -- two paths to one object
def also_written(interp: Interpreter, obj: Object, key: str) -> Value:
    """Return what was written to a part by other paths that may lead to the same object."""
    return _written(interp, (obj,), key)


def _written(interp: Interpreter, objects: Sequence[Object], key: str) -> Value:
    """Return what was written to a part of some objects by others that may be one of them.

    If there is more than one it has what was written to them, too.
    """
    cells = interp.state.cells
    looks: dict[tuple[str, str, int], Cell] = {}
    for obj in objects:
        cell = cells[obj]
        interp.asked.setdefault((obj, key), cell)
        looks.setdefault((cell.kind, cell.name, id(cell.type)), cell)
    itself = objects[0] if len(objects) == 1 else None
    meet: dict[tuple[str, str, int], bool] = {}
    written = []
    for other, cell in cells.items():
        if not cell.written or key not in cell.written or other == itself:
            continue
        look = cell.kind, cell.name, id(cell.type)
        if look not in meet:
            meet[look] = any(cells_may_alias(interp.program, one, cell) for one in looks.values())
        if meet[look]:
            written.append(cell.fields[key])
    return join_all(written)


def also_added(interp: Interpreter, obj: Object) -> Size:
    """Return by how much an object may have grown by other paths that may lead to it."""
    interp.asked.setdefault((obj, None), interp.state.cells[obj])
    added = ZERO
    for other, cell in interp.state.cells.items():
        if cell.added is not ZERO and other != obj and not cell.owned and may_alias(interp, obj, other):
            added += cell.added
    return added


def may_alias(interp: Interpreter, left: Object, right: Object) -> bool:
    """Tell whether two paths may lead to the same object, as far as types say."""
    return cells_may_alias(interp.program, interp.state.cells[left], interp.state.cells[right])


def cells_may_alias(program: ir.Program, a: Cell, b: Cell) -> bool:
    """Tell the same of two objects that are known."""
    if a.owned or b.owned:
        return False
    if a.kind == b.kind == "instance":
        return type_arguments.related(program, a.name, b.name)
    kinds = {a.kind, b.kind}
    if "instance" in kinds or "unknown" in kinds:
        return bool(kinds - {"instance"} - IMMUTABLE - {"class", "function"}) and _opaque(program, a, b)
    if len(kinds) > 1 and not kinds & {"sequence", "mapping"}:
        return False
    if a.kind == b.kind and isinstance(a.type, ir.Instance) and isinstance(b.type, ir.Instance):
        if a.kind in {"sequence", "mapping"}:
            return True
        pairs = zip(a.type.arguments, b.type.arguments, strict=False)
        return all(type_arguments.may_meet(program, x, y) for x, y in pairs)
    return True


def _opaque(program: ir.Program, a: Cell, b: Cell) -> bool:
    """Tell whether one of two is of a type that may be anything: object, a protocol, what has no type."""
    for cell in (a, b):
        if cell.kind == "unknown" or cell.name == "builtins.object":
            return True
        known = program.classes.get(cell.name)
        if cell.kind == "instance" and (known is None or known.is_protocol):
            return True
    return False


def write_part(interp: Interpreter, obj: Object, key: str, value: Value, *, strong: bool) -> None:
    """Write a part of what existed before."""
    cell = interp.state.cells[obj]
    if not strong and key not in cell.fields:
        interp.finding("any", f"the items of {cell.name} are not known", "give it a type")
    elif not strong:
        value = join_values(cell.fields[key], value)  # the caller had it made
    interp.touched()
    interp.state.cells[obj] = replace(cell.with_field(key, value), written=cell.written | {key})
