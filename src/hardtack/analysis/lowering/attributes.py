"""Attributes: fields, properties, methods as values, and what belongs to modules and classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mypy import nodes as mn
from mypy import types as mt

from hardtack.analysis import ir
from hardtack.analysis.hierarchy import is_property, is_stub_method
from hardtack.analysis.lowering.dispatch import expression, lowers
from hardtack.analysis.mypy_types import convert, instances

if TYPE_CHECKING:
    from hardtack.analysis.lowering.context import Lowering


@dataclass
class Found:
    """What an attribute of a value may be, over all classes that the value may have."""

    fields: list[ir.Type] = field(default_factory=list)
    properties: dict[ir.Callee, None] = field(default_factory=dict)
    methods: dict[ir.Callee, None] = field(default_factory=dict)
    unbound: dict[ir.Callee, None] = field(default_factory=dict)  # static methods
    on_class: dict[ir.Callee, None] = field(default_factory=dict)  # class methods
    hooks: dict[ir.Callee, None] = field(default_factory=dict)  # __getattr__

    @property
    def kinds(self) -> int:
        """How many ways of reading the attribute there are."""
        parts = (self.fields, self.properties, self.methods, self.unbound, self.on_class, self.hooks)
        return sum(map(bool, parts))


def find(low: Lowering, type_: mt.Type | None, name: str) -> Found | None:
    """Return what an attribute may be; None if the value's class is not known."""
    known = instances(type_)
    if not known:
        return None
    found = Found()
    for instance in known:
        for info in low.hierarchy.candidates(instance.type):
            node = low.hierarchy.symbol(info, name)
            if node is not None:
                _classify(low, found, node, info)
            elif info is instance.type:
                hooks = low.hierarchy.methods(info, "__getattr__")
                found.hooks.update({_hook(one, f"for the attribute {name}"): None for one in hooks})
    return found


def _classify(low: Lowering, found: Found, node: mn.SymbolNode, info: mn.TypeInfo) -> None:
    if isinstance(node, mn.Var) and not is_stub_method(node, low.hierarchy.classes):
        if not _is_descriptor(low, node, found):
            found.fields.append(convert(node.type))
        return
    callee = low.hierarchy.callee(node, info)
    if callee is None:
        return
    if is_property(node):
        found.properties[callee] = None
    elif _flag(node, "is_static"):
        found.unbound[callee] = None
    elif _flag(node, "is_class"):
        found.on_class[callee] = None
    else:
        found.methods[callee] = None


def _hook(callee: ir.Callee, why: str) -> ir.Callee:
    """Return what is a finding where it is called: code that reading an attribute runs."""
    return ir.Callee("unknown", f"{callee.name} {why}")


def _is_descriptor(low: Lowering, node: mn.Var, found: Found) -> bool:
    """Note a class variable whose own class has __get__: reading the attribute runs it."""
    runs = _of_descriptor(low, node, "__get__")
    found.hooks.update(dict.fromkeys(runs))
    return bool(runs)


def _of_descriptor(low: Lowering, node: mn.SymbolNode | None, method: str) -> list[ir.Callee]:
    """Return what a class variable's own class has for its being read or assigned to, each a finding."""
    if not isinstance(node, mn.Var) or not node.is_initialized_in_class:
        return []
    return [
        _hook(callee, "of a descriptor")
        for instance in instances(node.type)
        if instance.type.fullname not in {"builtins.function", "types.FunctionType", "builtins.staticmethod"}
        for callee in low.hierarchy.methods(instance.type, method)
    ]


def belongs_to_class(node: mn.SymbolNode) -> bool:
    """Return whether a symbol is a class method."""
    return _flag(node, "is_class")


def _flag(node: mn.SymbolNode, name: str) -> bool:
    if isinstance(node, mn.Decorator):
        return bool(getattr(node.func, name))
    if isinstance(node, mn.OverloadedFuncDef):
        return any(_flag(item, name) for item in node.items)
    return bool(getattr(node, name, False))


def class_object(type_: mt.Type | None) -> mn.TypeInfo | None:
    """Return the class that a value is, where the value is a class."""
    proper = mt.get_proper_type(type_) if type_ is not None else None
    if isinstance(proper, mt.TypeType):
        inside = instances(proper.item)
        return inside[0].type if len(inside) == 1 else None
    if isinstance(proper, mt.FunctionLike) and proper.is_type_obj():
        return proper.type_object()
    return None


def module_of(node: mn.Expression) -> mn.MypyFile | None:
    """Return the module that an expression names."""
    return node.node if isinstance(node, mn.RefExpr) and isinstance(node.node, mn.MypyFile) else None


def is_global(node: mn.RefExpr) -> bool:
    """Return whether a reference is to what belongs to a module, or to a class that stands in one."""
    if isinstance(node, mn.MemberExpr):
        return module_of(node.expr) is not None
    return node.kind in {mn.GDEF, mn.MDEF} or isinstance(node.node, mn.MypyFile)


def load_global(low: Lowering, node: mn.Expression, symbol: mn.SymbolNode | None, name: str) -> ir.Register:
    """Read what belongs to a module or class."""
    if isinstance(symbol, mn.Var) and symbol.fullname in _CONSTANTS:
        return low.constant(node, _CONSTANTS[symbol.fullname])
    into = low.fresh()
    low.emit(ir.LoadGlobal(low.at(node), into, name, _global_type(low, node, symbol)))
    return into


_CONSTANTS = {
    "builtins.None": None,
    "builtins.True": True,
    "builtins.False": False,
    "builtins.Ellipsis": Ellipsis,
}


def _global_type(low: Lowering, node: mn.Expression, symbol: mn.SymbolNode | None) -> ir.Type:
    match symbol:
        case mn.TypeInfo():
            return ir.ClassObject(symbol.fullname)
        case mn.TypeAlias():
            target = instances(symbol.target)
            return ir.ClassObject(target[0].type.fullname) if len(target) == 1 else low.type(node)
        case mn.MypyFile():
            return ir.Instance("types.ModuleType")
        case mn.FuncDef() | mn.OverloadedFuncDef() | mn.Decorator():
            found = low.type(node)
            return ir.CallableType((), found) if isinstance(found, ir.Unknown) else found
        case mn.Var() if symbol.type is not None:
            return low.known.annotations.type_of(symbol, symbol.type)
    return low.type(node)


def owner_name(info: mn.TypeInfo, name: str) -> str:
    """Return the full name of a class's attribute: that of the class which defines it."""
    for base in info.mro:
        if name in base.names:
            return f"{base.fullname}.{name}"
    return f"{info.fullname}.{name}"


def doubt_of(low: Lowering, node: mn.MemberExpr) -> str:
    """Return why it is not known what a module's attribute stands for; nothing where it is."""
    doubts = low.known.names.doubtful(_module_name(node))
    return f"{doubts[node.name]}: which of them it is, is not known" if node.name in doubts else ""


@lowers(mn.MemberExpr)
def load_attribute(low: Lowering, node: mn.MemberExpr) -> ir.Register:
    """Lower `value.name`."""
    if module_of(node.expr) is not None or isinstance(node.node, mn.MypyFile):
        doubt = doubt_of(low, node)
        if doubt:
            return low.unsupported(node, doubt, "give them different names")
        return load_global(low, node, node.node, node.fullname or f"{_module_name(node)}.{node.name}")
    type_ = low.mypy_type(node.expr)
    info = class_object(type_)
    if info is not None:
        return _class_attribute(low, node, info)
    return read(low, node, expression(low, node.expr), type_, node.name)


def _module_name(node: mn.MemberExpr) -> str:
    module = module_of(node.expr)
    return module.fullname if module is not None else ""


def _class_attribute(low: Lowering, node: mn.MemberExpr, info: mn.TypeInfo) -> ir.Register:
    symbol = low.hierarchy.symbol(info, node.name)
    if symbol is None:
        return _meta_attribute(low, node, info)
    receiver = (
        None if isinstance(node.expr, mn.RefExpr) and is_global(node.expr) else expression(low, node.expr)
    )
    if _flag(symbol, "is_class"):
        held = receiver or expression(low, node.expr)
        into = low.fresh()
        low.emit(ir.BindMethod(low.at(node), into, held, low.hierarchy.methods(info, node.name)))
        return into
    runs = _of_descriptor(low, symbol, "__get__")
    if runs:
        return low.call(node, tuple(runs), (receiver or expression(low, node.expr),), low.type(node))
    if isinstance(symbol, mn.Var) and _overridden(low, node, info):
        held, into = receiver or expression(low, node.expr), low.fresh()
        low.emit(ir.LoadAttribute(low.at(node), into, held, node.name, low.type(node)))
        return into
    if receiver is not None:
        low.drop(node, receiver)
    if isinstance(symbol, mn.Var) and info.is_enum and node.name in info.enum_members:
        into = low.fresh()
        type_ = ir.Literally(ir.Instance(info.fullname), node.name)
        low.emit(ir.LoadGlobal(low.at(node), into, owner_name(info, node.name), type_))
        return into
    return load_global(low, node, symbol, owner_name(info, node.name))


def _overridden(low: Lowering, node: mn.MemberExpr, info: mn.TypeInfo) -> bool:
    """Return whether an expression may give a class below its type, which has a variable of its own."""
    if isinstance(node.expr, mn.RefExpr) and isinstance(node.expr.node, mn.TypeInfo | mn.TypeAlias):
        return False
    return any(node.name in below.names for below in low.hierarchy.below(info))


def _meta_attribute(low: Lowering, node: mn.MemberExpr, info: mn.TypeInfo) -> ir.Register:
    """Read what a class has from its metaclass, such as __name__."""
    meta = info.metaclass_type or low.builtin("type")
    return read(low, node, expression(low, node.expr), meta, node.name)


_OF_MEMBERS = frozenset({"name", "value", "_name_", "_value_"})


def _is_member(low: Lowering, type_: mt.Type | None, name: str) -> bool:
    """Return whether an attribute is one that enum gives the members of an Enum; a Flag has more."""
    for instance in instances(type_):
        owner = next((base for base in instance.type.mro if name in base.names), None)
        if not instance.type.is_enum or owner is None or owner.module_name != "enum":
            return False
        if any(base.fullname == "enum.Flag" for base in instance.type.mro):
            return False
    return bool(instances(type_))


def read(
    low: Lowering, node: mn.MemberExpr | mn.SuperExpr, held: ir.Register, type_: mt.Type | None, name: str
) -> ir.Register:
    """Read an attribute of the value that a register holds."""
    if name in _OF_MEMBERS and _is_member(low, type_, name):
        into = low.fresh()
        low.emit(ir.LoadAttribute(low.at(node), into, held, name, low.type(node)))
        return into
    found = find(low, type_, name)
    if found is None or found.kinds == 0:
        why = (
            "of a value whose class is not known"
            if found is None
            else "which no class that it may have defines"
        )
        remedy = "annotate the value with a class that has the attribute"
        return low.unsupported(node, f"the attribute {name} {why}", remedy, (held,))
    if found.kinds > 1:
        what = f"the attribute {name}, a field of one class and code of another"
        return low.unsupported(node, what, "tell the classes apart by isinstance before", (held,))
    if found.fields:
        into = low.fresh()
        low.emit(ir.LoadAttribute(low.at(node), into, held, name, low.attribute_type(node, type_, name)))
        return into
    if found.properties or found.hooks:
        return low.call(node, (*found.properties, *found.hooks), (held,), low.type(node))
    callees = (*found.methods, *found.on_class, *found.unbound)
    into = low.fresh()
    low.emit(ir.BindMethod(low.at(node), into, held, callees))
    return into


def store(low: Lowering, node: mn.MemberExpr, source: ir.Register) -> None:
    """Lower `value.name = source`; the value is evaluated after the source, as CPython does it."""
    if module_of(node.expr) is not None:
        low.emit(ir.StoreGlobal(low.at(node), f"{_module_name(node)}.{node.name}", source))
        return
    type_ = low.mypy_type(node.expr)
    info = class_object(type_)
    if info is not None:
        low.drop(node, expression(low, node.expr))
        low.emit(ir.StoreGlobal(low.at(node), owner_name(info, node.name), source))
        return
    write(low, node, expression(low, node.expr), source)


def write(low: Lowering, node: mn.MemberExpr, held: ir.Register, source: ir.Register) -> None:
    """Write an attribute of the value that a register holds: a field, or a property's setter runs."""
    type_ = low.mypy_type(node.expr)
    found = find(low, type_, node.name)
    if found is not None and (found.methods or found.on_class or found.unbound):
        what = f"an assignment to {node.name}, which is a method"
        low.drop(node, low.unsupported(node, what, "give the attribute a name of its own", (held, source)))
        return
    setters = _setters(low, type_, node.name)
    hooks = _hooks(low, type_, "__setattr__")
    if setters or hooks:
        callees = (*setters, *hooks)
        low.drop(node, low.call(node, callees, (held, source), ir.Instance("builtins.None")))
    elif not instances(type_):
        what = f"an assignment to the attribute {node.name} of a value whose class is not known"
        low.drop(node, low.unsupported(node, what, "annotate the value with its class", (held, source)))
    else:
        declared = low.attribute_type(node, type_, node.name)
        low.emit(ir.StoreAttribute(low.at(node), held, node.name, source, declared))


def delete(low: Lowering, node: mn.MemberExpr) -> None:
    """Lower `del value.name`."""
    held = expression(low, node.expr)
    what, remedy = f"deleting the attribute {node.name}", "assign None to it instead"
    low.drop(node, low.unsupported(node, what, remedy, (held,)))


def _setters(low: Lowering, type_: mt.Type | None, name: str) -> tuple[ir.Callee, ...]:
    """Return what an assignment to an attribute runs: properties' setters, and __set__ of descriptors."""
    found: dict[ir.Callee, None] = {}
    for instance in instances(type_):
        for info in low.hierarchy.candidates(instance.type):
            node = low.hierarchy.symbol(info, name)
            found.update(dict.fromkeys(_of_descriptor(low, node, "__set__")))
            if isinstance(node, mn.OverloadedFuncDef) and node.is_property:
                function = node.setter.func if node.setter_index is not None else None
                known = low.hierarchy.names.get(function) if function is not None else None
                found[
                    ir.Callee("function", known) if known else ir.Callee("model", f"{node.fullname}.setter")
                ] = None
    return tuple(found)


def _hooks(low: Lowering, type_: mt.Type | None, name: str) -> tuple[ir.Callee, ...]:
    """Return the sources' own __setattr__ or __delattr__ of a value's classes."""
    return tuple(
        dict.fromkeys(
            callee
            for instance in instances(type_)
            for callee in low.hierarchy.methods(instance.type, name)
            if callee.kind != "model"
        )
    )
