"""The IR as text, for tests and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import ir

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def print_type(type_: ir.Type) -> str:
    """Return a type on one line."""
    match type_:
        case ir.Instance():
            inside = f"[{_types(type_.arguments)}]" if type_.arguments else ""
            return type_.name.removeprefix("builtins.") + inside + _limits(type_.limits)
        case ir.TupleOf():
            return f"({_types(type_.items)})"
        case ir.Union():
            return " | ".join(map(print_type, type_.items)) or "never"
        case ir.CallableType():
            return f"({_types(type_.parameters)}) -> {print_type(type_.result)}"
        case ir.TypeArgument():
            return f"argument {type_.index}"
        case ir.ClassObject():
            return f"class {type_.name.removeprefix('builtins.')}"
        case ir.Literally():
            return f"{print_type(type_.type)}={type_.value!r}"
        case ir.Recursive():
            return type_.name
        case ir.Unknown():
            return f"?({type_.why})"


def _types(types: Iterable[ir.Type]) -> str:
    return ", ".join(map(print_type, types))


def _limits(limits: ir.Limits | None) -> str:
    if limits is None:
        return ""
    parts = (
        ("length >= ", limits.min_length),
        ("length <= ", limits.max_length),
        (">= ", limits.least),
        ("<= ", limits.most),
        ("among ", limits.among),
    )
    return "{" + ", ".join(f"{text}{value}" for text, value in parts if value is not None) + "}"


def print_function(function: ir.Function) -> str:
    """Return a function as text."""
    parameters = ", ".join(_parameter(one) for one in function.parameters)
    kind = "" if function.kind == "function" else f"{function.kind} "
    head = f"{kind}{function.name}({parameters}) -> {print_type(function.result)}:"
    notes = [
        f"    {label} {', '.join(map(str, values))}"
        for label, values in (
            ("cells", function.cells),
            ("free", function.free),
            ("decorators", function.decorators),
            ("recursive", function.recursive or ()),
        )
        if values
    ]
    notes += [f"    assumes {name} {text}" for name, text in function.assumed or ()]
    return "\n".join([head, *notes, *_block(function.body, 1)])


def print_class(one: ir.Class) -> str:
    """Return a row of the class table as text."""
    flags = [name for name in _FLAGS if getattr(one, name)]
    lines = [f"{one.name}({', '.join(one.lineage[1:])}) {' '.join(flags)}".rstrip()]
    lines += [f"    {name}: {print_type(type_)}" for name, type_ in one.fields]
    lines += [f"    generic {name}: {print_type(type_)}" for name, type_ in one.generic]
    lines += [f"    class {name}: {print_type(type_)}" for name, type_ in one.class_variables]
    lines += [f"    def {name} = {full}" for name, full in one.methods]
    lines += [f"    property {name}" for name in sorted(one.properties)]
    lines += [f"    new {factory.kind} {factory.name} for {name}" for name, factory in one.factories]
    if one.init is not None:
        lines.append(f"    init ({', '.join(map(_parameter, one.init))})")
    if one.subclasses:
        lines.append(f"    below: {', '.join(one.subclasses)}")
    return "\n".join(lines)


_FLAGS = (
    "slots",
    "is_protocol",
    "is_dataclass",
    "is_frozen",
    "is_enum",
    "is_exception",
    "is_named_tuple",
    "is_typed_dict",
)


def _parameter(one: ir.Parameter) -> str:
    mark = {"positional": "", "keyword": "", "star": "*", "stars": "**"}[one.kind]
    text = f"{mark}{one.name}: {print_type(one.type)}"
    if one.has_default:
        text += f" = {one.default_register or repr(one.default)}"
    return text if one.kind != "keyword" else f"keyword {text}"


def _block(block: ir.Block, depth: int) -> Iterator[str]:
    for operation in block.operations:
        yield from _operation(operation, depth)


def _operation(operation: ir.Operation, depth: int) -> Iterator[str]:
    indent = "    " * depth
    match operation:
        case ir.If():
            yield f"{indent}if {operation.condition}:{_facts(operation.if_true)}"
            yield from _block(operation.then, depth + 1)
            if operation.otherwise.operations or operation.if_false:
                yield f"{indent}else:{_facts(operation.if_false)}"
                yield from _block(operation.otherwise, depth + 1)
        case ir.For():
            yield f"{indent}{_for(operation)}"
            yield from _block(operation.body, depth + 1)
            yield from _else(operation.otherwise, depth)
        case ir.While():
            yield f"{indent}while:{_bound(operation.bound)}"
            yield from _block(operation.header, depth + 1)
            yield f"{indent}test {operation.condition}:{_facts(operation.if_true)}"
            yield from _block(operation.body, depth + 1)
            yield from _else(operation.otherwise, depth, _facts(operation.if_false))
        case ir.Try():
            yield from _try(operation, depth)
        case _:
            yield f"{indent}{print_operation(operation)}"


def _else(block: ir.Block, depth: int, facts: str = "") -> Iterator[str]:
    if block.operations or facts:
        yield f"{'    ' * depth}else:{facts}"
        yield from _block(block, depth + 1)


def _for(operation: ir.For) -> str:
    word = "async for" if operation.asynchronous else "for"
    runs = f" by {_callees(operation.callees)}" if operation.callees else ""
    head = f"{word} {operation.item}: {print_type(operation.type)} in {operation.iterable}{runs}:"
    return head + _bound(operation.bound)


def _bound(bound: str | None) -> str:
    return f"  # at most {bound}" if bound is not None else ""


def _try(operation: ir.Try, depth: int) -> Iterator[str]:
    indent = "    " * depth
    entered = f" as {operation.entered}" if operation.entered is not None else ""
    yield f"{indent}try:" if operation.manager is None else f"{indent}with {operation.manager}{entered}:"
    yield from _block(operation.body, depth + 1)
    for handler in operation.handlers:
        types = f" {', '.join(handler.types)}" if handler.types else ""
        name = f" as {handler.name}" if handler.name else ""
        yield f"{indent}except{types}{name}:"
        yield from _block(handler.body, depth + 1)
    yield from _else(operation.otherwise, depth)
    if operation.final.operations:
        yield f"{indent}finally:"
        yield from _block(operation.final, depth + 1)


def _facts(facts: tuple[ir.Fact, ...]) -> str:
    return f"  # {', '.join(map(print_fact, facts))}" if facts else ""


def print_fact(fact: ir.Fact) -> str:
    """Return a fact on one line."""
    if fact.relation in {"true", "false"}:
        return f"{fact.subject} is {fact.relation}"
    operand = " ".join(fact.operand) if isinstance(fact.operand, tuple) else fact.operand
    shift = f" {'+' if fact.offset > 0 else '-'} {abs(fact.offset)}" if fact.offset else ""
    return f"{fact.subject} {fact.relation} {operand}{shift}"


def _callees(callees: tuple[ir.Callee, ...]) -> str:
    return " | ".join(f"{one.kind}{' swapped' if one.swapped else ''} {one.name}" for one in callees)


def _argument(one: ir.Argument) -> str:
    return "*" * one.stars + (f"{one.keyword}=" if one.keyword else "") + one.register


def print_operation(operation: ir.Operation) -> str:
    """Return an operation that has no blocks on one line."""
    match operation:
        case ir.Constant():
            return f"{operation.into} = {operation.value!r}"
        case ir.Copy():
            return f"{operation.into} = {operation.source}"
        case ir.Drop():
            return f"drop {operation.register}"
        case ir.Delete():
            return f"delete {operation.register}"
        case ir.LoadGlobal():
            return f"{operation.into} = global {operation.name}: {print_type(operation.type)}"
        case ir.StoreGlobal():
            return f"global {operation.name} = {operation.source}"
        case ir.LoadFree():
            return f"{operation.into} = cell {operation.name}"
        case ir.StoreFree():
            return f"cell {operation.name} = {operation.source}"
        case ir.LoadAttribute():
            return f"{operation.into} = {operation.object}.{operation.name}: {print_type(operation.type)}"
        case _:
            return _print_more(operation)


def _print_more(operation: ir.Operation) -> str:
    match operation:
        case ir.StoreAttribute():
            return f"{operation.object}.{operation.name} = {operation.source}"
        case ir.Call():
            given = ", ".join(map(_argument, operation.arguments))
            word = "call bound" if operation.bound else "call"
            result = print_type(operation.type)
            return f"{operation.into} = {word} {_callees(operation.callees)} ({given}): {result}"
        case ir.Test():
            left = operation.operands[0] + " " if len(operation.operands) == 2 else ""
            return f"{operation.into} = test {left}{operation.kind} {operation.operands[-1]}"
        case ir.BindMethod():
            return f"{operation.into} = bind {operation.object} to {_callees(operation.callees)}"
        case ir.MakeFunction():
            captured = f" over {', '.join(operation.captures)}" if operation.captures else ""
            defaults = f" ({', '.join(operation.defaults)})" if operation.defaults else ""
            return f"{operation.into} = function {operation.name}{defaults}{captured}"
        case ir.Build():
            items = ", ".join(operation.items)
            return f"{operation.into} = {operation.kind} ({items}): {print_type(operation.type)}"
        case ir.Unpack():
            targets = (f"*{one}" if i == operation.star else one for i, one in enumerate(operation.into))
            return f"{', '.join(targets)} = unpack {operation.source}"
        case _:
            return _print_rest(operation)


def _print_rest(operation: ir.Operation) -> str:
    match operation:
        case ir.Raise():
            cause = f" from {operation.cause}" if operation.cause else ""
            return f"raise {operation.exception or 'again'}{cause}"
        case ir.Return():
            return f"return {operation.source}"
        case ir.Yield():
            return f"{operation.into} = yield {operation.source}"
        case ir.Delegate():
            return f"{operation.into} = {operation.kind} {operation.source}: {print_type(operation.type)}"
        case ir.Unsupported():
            into = f"{operation.into} = " if operation.into else ""
            return f"{into}unsupported {operation.what} ({', '.join(operation.reads)})"
        case _:
            return type(operation).__name__.lower()
