"""Methods that the dataclass decorator writes, as IR: comparing and hashing make tuples of the fields.

Source: Lib/dataclasses.py of CPython 3.11. (3.13 compares field by field, which costs less.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mypy import nodes as mn

from hardtack.analysis import ir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy import types as mt

_ORDER = ("__lt__", "__le__", "__gt__", "__ge__")
_BOOL, _INT, _STR = ir.Instance("builtins.bool"), ir.Instance("builtins.int"), ir.Instance("builtins.str")


@dataclass(frozen=True)
class Dataclass:
    """What a class's dataclass decorator was told."""

    frozen: bool = False
    eq: bool = True
    order: bool = False
    repr: bool = True
    slots: bool = False
    unsafe_hash: bool = False


def dataclass_of(info: mn.TypeInfo) -> Dataclass | None:
    """Return what the dataclass decorator of a class says; None if it has none."""
    for decorator in info.defn.decorators:
        call = decorator if isinstance(decorator, mn.CallExpr) else None
        name = call.callee if call is not None else decorator
        if isinstance(name, mn.RefExpr) and name.fullname == "dataclasses.dataclass":
            options = Dataclass.__dataclass_fields__
            given = zip(call.arg_names, call.args, strict=True) if call is not None else ()
            told = {key: _is_true(value) for key, value in given if key in options and key is not None}
            return Dataclass(**told)
    return None


def _is_true(node: mn.Expression) -> bool:
    return isinstance(node, mn.NameExpr) and node.fullname == "builtins.True"


def field_names(info: mn.TypeInfo) -> list[str]:
    """Return the fields of a dataclass, its bases' first."""
    metadata = info.metadata.get("dataclass", {})
    attributes = metadata.get("attributes", [])
    if not isinstance(attributes, list):
        return []
    return [str(one["name"]) for one in attributes if isinstance(one, dict) and not one.get("is_init_var")]


def compared(info: mn.TypeInfo) -> list[str]:
    """Return the fields of a dataclass that it compares and hashes."""
    left_out = set()
    for base in info.mro:
        for statement in base.defn.defs.body:
            if (
                isinstance(statement, mn.AssignmentStmt)
                and (call := field_call(statement.rvalue)) is not None
            ):
                told = argument(call, "compare")
                if told is not None and not _is_true(told):
                    left_out |= {one.name for one in statement.lvalues if isinstance(one, mn.NameExpr)}
    return [name for name in field_names(info) if name not in left_out]


def field_call(node: mn.Expression) -> mn.CallExpr | None:
    """Return a call of dataclasses.field, if an expression is one."""
    is_one = isinstance(node, mn.CallExpr) and isinstance(node.callee, mn.RefExpr)
    if is_one and isinstance(node, mn.CallExpr) and isinstance(node.callee, mn.RefExpr):
        return node if node.callee.fullname == "dataclasses.field" else None
    return None


def argument(call: mn.CallExpr, name: str) -> mn.Expression | None:
    """Return a keyword argument of a call."""
    return next((one for key, one in zip(call.arg_names, call.args, strict=True) if key == name), None)


def method_names(info: mn.TypeInfo) -> list[str]:
    """Return the names of the methods that the decorator adds to a class, besides __init__."""
    told = dataclass_of(info)
    if told is None:
        return []
    names = ["__eq__"] if told.eq else []
    names += _ORDER if told.order else ()
    names += ["__hash__"] if told.unsafe_hash or (told.eq and told.frozen) else []
    names += ["__repr__"] if told.repr else []
    return [name for name in names if name not in info.names or info.names[name].plugin_generated]


@dataclass
class _Writer:
    """Writes one method."""

    at: ir.Place
    names: list[str]
    types: list[ir.Type]
    owner: str
    operations: list[ir.Operation] = field(default_factory=list)
    count: int = 0

    def fresh(self) -> ir.Register:
        self.count += 1
        return f"%{self.count}"

    def tuple_of(self, register: ir.Register) -> ir.Register:
        parts = []
        for name, type_ in zip(self.names, self.types, strict=True):
            parts.append(self.fresh())
            self.operations.append(ir.LoadAttribute(self.at, parts[-1], register, name, type_))
        into = self.fresh()
        type_ = ir.TupleOf(tuple(self.types))
        self.operations.append(ir.Build(self.at, into, "tuple", tuple(parts), type_))
        return into

    def call(self, name: str, arguments: tuple[ir.Register, ...], type_: ir.Type) -> ir.Register:
        into = self.fresh()
        given = tuple(ir.Argument(one) for one in arguments)
        self.operations.append(ir.Call(self.at, into, (ir.Callee("model", name),), given, type_))
        return into

    def returns(self, register: ir.Register) -> None:
        self.operations.append(ir.Return(self.at, register))


def functions(
    info: mn.TypeInfo, file: str, type_of: Callable[[mn.Var, mt.Type | None], ir.Type]
) -> Iterator[ir.Function]:
    """Yield the methods that the decorator adds to a class, without digests."""
    at = ir.Place(file, info.line, max(0, info.column))
    names = compared(info)
    variables = [info[name].node for name in names]
    types = [type_of(one, one.type) for one in variables if isinstance(one, mn.Var)]
    for name in method_names(info):
        writer = _Writer(at, names, types, info.fullname)
        rule = _compare if name in {"__eq__", *_ORDER} else _hash if name == "__hash__" else _repr
        yield rule(writer, name)


def _function(
    writer: _Writer, name: str, parameters: tuple[ir.Parameter, ...], result: ir.Type
) -> ir.Function:
    return ir.Function(
        name=f"{writer.owner}.{name}",
        place=writer.at,
        parameters=parameters,
        result=result,
        body=ir.Block(tuple(writer.operations)),
        kind="function",
        cells=(),
        free=(),
        frame_slots=2
        + 2 * len(writer.names)
        + 4,  # two locals; both tuples' items are never on the stack at once
        digest="",
    )


def _self(writer: _Writer) -> ir.Parameter:
    return ir.Parameter("self", ir.Instance(writer.owner))


def _compare(writer: _Writer, name: str) -> ir.Function:
    """`(self.a, self.b) == (other.a, other.b)` if other is of the class."""
    kind = writer.fresh()
    writer.operations.append(ir.LoadGlobal(writer.at, kind, writer.owner, ir.ClassObject(writer.owner)))
    asked = writer.call("builtins.isinstance", ("other", kind), _BOOL)
    before, writer.operations = writer.operations, []
    pair = (writer.tuple_of("self"), writer.tuple_of("other"))
    writer.returns(writer.call(f"builtins.tuple.{name}", pair, _BOOL))
    then, writer.operations = ir.Block(tuple(writer.operations)), []
    into = writer.fresh()
    other = ir.Instance("types.NotImplementedType")
    writer.operations.append(ir.LoadGlobal(writer.at, into, "builtins.NotImplemented", other))
    writer.returns(into)
    otherwise = ir.Block(tuple(writer.operations))
    true = (ir.Fact("other", "isinstance", (writer.owner,)),)
    writer.operations = [*before, ir.If(writer.at, asked, then, otherwise, true)]
    parameters = (_self(writer), ir.Parameter("other", ir.Instance("builtins.object")))
    return _function(writer, name, parameters, _BOOL)


def _hash(writer: _Writer, name: str) -> ir.Function:
    """`hash((self.a, self.b))`."""
    writer.returns(writer.call("builtins.hash", (writer.tuple_of("self"),), _INT))
    return _function(writer, name, (_self(writer),), _INT)


def _repr(writer: _Writer, name: str) -> ir.Function:
    """Refused: the generated __repr__ keeps a set of what is being printed."""
    into = writer.fresh()
    what, remedy = f"the __repr__ that dataclass writes for {writer.owner}", "write a __repr__ of its own"
    writer.operations.append(ir.Unsupported(writer.at, into, (), what, remedy))
    writer.returns(into)
    return _function(writer, name, (_self(writer),), _STR)
