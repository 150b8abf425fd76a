"""The intermediate representation: a function as structured blocks of operations on registers.

Owns the shape of the IR and nothing else: `lowering` makes it, `ircheck` says whether it is well formed,
`irprint` prints it, `interpreting` reads it. It holds no mypy object, so that it can be kept, hashed and
compared. It is in one file, though a long one: to all others it is one vocabulary (`ir.Call`, `ir.Instance`),
and nothing is computed here.

A register is a local variable (`data`), a hidden local that the source has no name for (`$1`), or a temporary
(`%3`). Invariants, which `ircheck` checks:

1. On every path a temporary is written once, and read exactly once after that; it dies in the operation that
   reads it, as CPython's evaluation stack has it. `Drop` is the read that does nothing else. What two
   operations need is bound to a hidden local (`$1`), which is deleted after them.
2. An operation's result exists before its operands die.
3. A local lives until it is written again, deleted by `Delete`, or its frame ends.
4. Every operator, subscript, comparison and conversion is a `Call` of the special method that it runs
   (`builtins.int.__add__`), so that what a call costs stands in one place. `Test` (`is`, `is not`, `not`)
   and the tests of `If` and `While` on built-in truth values cost nothing; a truth value that runs code is
   a `Call` of `__bool__`, or of `builtins.bool` where it runs `__len__`.
5. What cannot be lowered is `Unsupported`, which is a finding: nothing is left out in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from hardtack.analysis.records import record

if TYPE_CHECKING:
    from collections.abc import Mapping

Register: TypeAlias = str


@record(frozen=True, slots=True)
class Place:
    """Where in the source something stands: lines from 1, columns from 0."""

    file: str
    line: int
    column: int


# -- types: what the front end knows of a value before anything runs


@record(frozen=True, slots=True)
class Limits:
    """What an annotation promises of a value: lengths in items, values as integers; None for no promise.

    Of an attribute, `among` is the path from its object to those of which it is one.
    """

    min_length: int | None = None
    max_length: int | None = None
    least: int | None = None
    most: int | None = None
    among: str | None = None


@record(frozen=True, slots=True)
class Instance:
    """An object of a class, or of one below it."""

    name: str  # fully qualified: builtins.list
    arguments: tuple[Type, ...] = ()
    limits: Limits | None = None


def fixed_length(type_: Type | None) -> int | None:
    """Return the length that a type states to be always the same, `Len(64, 64)`; else None."""
    limits = type_.limits if isinstance(type_, Instance) else None
    return limits.max_length if limits is not None and limits.min_length == limits.max_length else None


@record(frozen=True, slots=True)
class TupleOf:
    """A tuple whose items' types are known one by one."""

    items: tuple[Type, ...]


@record(frozen=True, slots=True)
class Union:
    """One of several; None is Instance("builtins.None")."""

    items: tuple[Type, ...]


@record(frozen=True, slots=True)
class CallableType:
    """Something that can be called; `assumed`: what an annotation states of a call: ("peak", text), ..."""

    parameters: tuple[Type, ...]
    result: Type
    assumed: tuple[tuple[str, str], ...] | None = None


@record(frozen=True, slots=True)
class TypeArgument:
    """In the fields of a generic class: what stands there for its type variable of that number, from 0."""

    index: int


@record(frozen=True, slots=True)
class ClassObject:
    """A class itself, as a value."""

    name: str


@record(frozen=True, slots=True)
class Literally:
    """A value that is known: an int, str, bytes, bool or a member of an Enum (its name)."""

    type: Instance
    value: int | str | bytes | bool


@record(frozen=True, slots=True)
class Recursive:
    """What an alias that contains itself stands for; the program's `globals` have it by the alias's name."""

    name: str


@record(frozen=True, slots=True)
class Unknown:
    """Any, or what the front end has no type for: whatever depends on it is a finding."""

    why: str


@record(frozen=True, slots=True)
class Compiled:
    """The value of a variable that a module makes once from a constant: a struct.Struct, a re.Pattern."""

    name: str  # of the class
    text: str | bytes


Type: TypeAlias = (
    Instance | TupleOf | Union | CallableType | TypeArgument | ClassObject | Literally | Recursive | Unknown
)


# -- operations


@record(frozen=True, slots=True)
class Constant:
    """Load what lives in the code object: costs nothing. `value` None is None, Ellipsis is `...`."""

    at: Place
    into: Register
    value: object  # None, bool, int, float, complex, str, bytes, Ellipsis, tuple or frozenset of these


@record(frozen=True, slots=True)
class Copy:
    """Bind one more register to the same object: `x = y`."""

    at: Place
    into: Register
    source: Register


@record(frozen=True, slots=True)
class Drop:
    """Let go of a temporary."""

    at: Place
    register: Register


@record(frozen=True, slots=True)
class Delete:
    """Unbind a local: `del x`, and the end of `except ... as x`."""

    at: Place
    register: Register


@record(frozen=True, slots=True)
class LoadGlobal:
    """Read a module's variable, or a class's: `name` is fully qualified."""

    at: Place
    into: Register
    name: str
    type: Type


@record(frozen=True, slots=True)
class StoreGlobal:
    """Write a module's variable, or a class's."""

    at: Place
    name: str
    source: Register


@record(frozen=True, slots=True)
class LoadFree:
    """Read a variable in a cell: an enclosing function's, or one that an inner function captures."""

    at: Place
    into: Register
    name: str


@record(frozen=True, slots=True)
class StoreFree:
    """Write a variable that lives in a cell."""

    at: Place
    name: str
    source: Register


@record(frozen=True, slots=True)
class LoadAttribute:
    """Read a plain attribute, one that runs no code: properties are Calls.

    `object` is consumed if it is a temporary.
    """

    at: Place
    into: Register
    object: Register
    name: str
    type: Type  # as declared, with its limits


@record(frozen=True, slots=True)
class StoreAttribute:
    """Write a plain attribute. What it held before is let go of after the new value is in place."""

    at: Place
    object: Register
    name: str
    source: Register
    type: Type


@record(frozen=True, slots=True)
class Callee:
    """Something that a call may run.

    kind: "function": a function of the sources, by name. "class": the construction of an instance: __new__,
        __init__, __post_init__ of the sources run as the class table says. "model": what has no source here:
        looked up among the models. "value": whatever callable the register holds. "dynamic": the method
        `name` of whatever class the first argument turns out to have, where mypy knows only Any (it says so
        of what struct unpacks); a finding where the interpreter does not know it either. "unknown": a
        finding; `name` says what was written.
    """

    kind: Literal["function", "class", "model", "value", "dynamic", "unknown"]
    name: str  # of "value": the register
    swapped: bool = False  # the first two arguments change places: a reflected operator, `__radd__`


@record(frozen=True, slots=True)
class Argument:
    """An argument of a call: by position, by keyword, or spread (`*xs`: 1, `**kw`: 2)."""

    register: Register
    keyword: str | None = None
    stars: int = 0


@record(frozen=True, slots=True)
class Call:
    """Call one of `callees` (the costliest counts). A method's receiver is the first argument.

    `bound` says that the receiver is bound first as CPython does where it can't avoid it (a bound method
    object lives during the call).
    """

    at: Place
    into: Register
    callees: tuple[Callee, ...]
    arguments: tuple[Argument, ...]
    type: Type  # of the result
    bound: bool = False


@record(frozen=True, slots=True)
class Test:
    """Make a truth value without running code or allocating: `a is b`, `a is not b`, `not a`."""

    at: Place
    into: Register
    kind: Literal["is", "is not", "not"]
    operands: tuple[Register, ...]


@record(frozen=True, slots=True)
class BindMethod:
    """Make a bound method, where it is used as a value."""

    at: Place
    into: Register
    object: Register
    callees: tuple[Callee, ...]


@record(frozen=True, slots=True)
class MakeFunction:
    """Make a function object: a nested function, a lambda, or what CPython 3.11 makes for a comprehension."""

    at: Place
    into: Register
    name: str
    defaults: tuple[Register, ...]  # of all parameters that have one, in order
    captures: tuple[str, ...]  # names of cells
    annotations: tuple[Register, ...] = ()  # names and values in turn, of which CPython makes a tuple


@record(frozen=True, slots=True)
class Build:
    """Make a container from what is written.

    `[a, b]`, `(a, b)`, `{a}`, `{k: v}` (keys and values in turn), an f-string's parts, a slice. A `*xs`
    inside is lowered to Calls of extend or update. Of a slice `a:a + n` the fourth item is `n`, if that is
    a local.
    """

    at: Place
    into: Register
    kind: Literal["list", "tuple", "set", "dict", "string", "slice"]
    items: tuple[Register, ...]
    type: Type


@record(frozen=True, slots=True)
class Unpack:
    """Take an iterable apart into temporaries; `star` is the index of `*rest`, or None.

    `callees` as in For. `fits`: whether it is known to have as many items, so that nothing is raised.
    """

    at: Place
    into: tuple[Register, ...]
    source: Register
    star: int | None
    types: tuple[Type, ...]
    callees: tuple[Callee, ...] = ()
    fits: bool = False


@record(frozen=True, slots=True)
class Fact:
    """What holds on a branch: `subject relation operand`, `offset` added to an operand that is a subject.

    subject: a local register, `len:REGISTER` for its length, or `.attribute` paths on it (`self.size`,
        `len:self.name`).
    operand: such a subject, an integer, or for "isinstance" and "not isinstance" a tuple of classes' names,
        for "is" and "is not" None.
    """

    subject: str
    relation: Literal[
        "<", "<=", "==", "!=", ">=", ">", "is", "is not", "isinstance", "not isinstance", "true", "false"
    ]
    operand: str | int | tuple[str, ...] | None = None
    offset: int = 0


@record(frozen=True, slots=True)
class If:
    """Go one of two ways. `condition` is consumed if it is a temporary."""

    at: Place
    condition: Register
    then: Block
    otherwise: Block
    if_true: tuple[Fact, ...] = ()
    if_false: tuple[Fact, ...] = ()


@record(frozen=True, slots=True)
class For:
    """Run `body` for every item of `iterable`, then `otherwise` unless it was left by Break.

    `iterable` is consumed: it and its iterator live until the loop ends. `item` is a temporary that `body`
    reads first. `bound` is what an annotation says of the number of rounds.
    """

    at: Place
    item: Register
    iterable: Register
    body: Block
    otherwise: Block
    type: Type  # of the items
    callees: tuple[Callee, ...] = ()  # __iter__ and __next__, if the sources have them
    bound: str | None = None
    asynchronous: bool = False


@record(frozen=True, slots=True)
class While:
    """Run `header`, which makes `condition`; if that is true, run `body`, and begin anew.

    After that run `otherwise`, unless the loop was left by Break.
    """

    at: Place
    header: Block
    condition: Register
    body: Block
    otherwise: Block
    if_true: tuple[Fact, ...] = ()
    if_false: tuple[Fact, ...] = ()
    bound: str | None = None


@record(frozen=True, slots=True)
class Handler:
    """`except types as name`.

    No types catch everything. `name` is deleted at the end by the interpreter of the IR.
    """

    at: Place
    types: tuple[str, ...]
    name: Register | None
    body: Block


@record(frozen=True, slots=True)
class Try:
    """`with` is lowered to this, with the call of __exit__ in `final`.

    With a `manager`, which a generator function under @contextmanager made, the body runs in the place of its
    `yield`, and the only handler, without a body, is for what the generator does not let pass.
    """

    at: Place
    body: Block
    handlers: tuple[Handler, ...]
    otherwise: Block
    final: Block
    manager: Register | None = None  # a hidden local
    entered: Register | None = None  # a hidden local that gets what is yielded


@record(frozen=True, slots=True)
class Raise:
    """Raise an exception; None raises again the one that is handled."""

    at: Place
    exception: Register | None
    cause: Register | None = None


@record(frozen=True, slots=True)
class Return:
    """End the function."""

    at: Place
    source: Register


@record(frozen=True, slots=True)
class Break:
    """Leave the innermost loop."""

    at: Place


@record(frozen=True, slots=True)
class Continue:
    """Go on with the innermost loop's next round."""

    at: Place


@record(frozen=True, slots=True)
class Yield:
    """Hand a value out of a generator; what is sent in comes back."""

    at: Place
    into: Register
    source: Register
    type: Type


@record(frozen=True, slots=True)
class Delegate:
    """`yield from` and `await`."""

    at: Place
    into: Register
    source: Register
    kind: Literal["yield from", "await"]
    type: Type


@record(frozen=True, slots=True)
class Unsupported:
    """What the front end cannot lower, which is a finding.

    Reads `reads`, writes `into` with a value of no known type.
    """

    at: Place
    into: Register | None
    reads: tuple[Register, ...]
    what: str
    remedy: str


Operation: TypeAlias = (
    Constant
    | Copy
    | Drop
    | Delete
    | LoadGlobal
    | StoreGlobal
    | LoadFree
    | StoreFree
    | LoadAttribute
    | StoreAttribute
    | Call
    | Test
    | BindMethod
    | MakeFunction
    | Build
    | Unpack
    | If
    | For
    | While
    | Try
    | Raise
    | Return
    | Break
    | Continue
    | Yield
    | Delegate
    | Unsupported
)


@record(frozen=True, slots=True)
class Block:
    """Operations, one after the other."""

    operations: tuple[Operation, ...] = ()


# -- programs


@record(frozen=True, slots=True)
class Parameter:
    """A function's parameter. `kind` as in inspect.

    Positional, keyword (keyword only), *: 'star', **: 'stars'.
    """

    name: str
    type: Type
    kind: Literal["positional", "keyword", "star", "stars"] = "positional"
    has_default: bool = False
    default: object = None  # if it is a constant
    default_register: str | None = None  # else the global that holds it, which the definition made


@record(frozen=True, slots=True)
class Function:
    """A function of the sources."""

    name: str  # fully qualified: package.module.Class.method, package.module.outer.<locals>.inner
    place: Place
    parameters: tuple[Parameter, ...]
    result: Type
    body: Block
    kind: Literal["function", "generator", "coroutine", "async generator"]
    cells: tuple[str, ...]  # its own variables that inner functions capture; of parameters, filled on entry
    free: tuple[str, ...]  # variables of enclosing functions that it reads
    frame_slots: int  # local variables, cells and evaluation stack, as CPython's code object says
    digest: str  # of what the IR depends on: its source, its types
    last_line: int = 0
    recursive: tuple[int, int | None] | None = None  # @recursive(depth, calls)
    assumed: tuple[tuple[str, str], ...] | None = None  # @assume_bound: ("peak", text), ...
    decorators: tuple[str, ...] = ()  # known ones that change calls: "lru_cache", "heap.call", ...
    keeps: int | None = None  # how many results @lru_cache keeps; -1 without a limit


@record(frozen=True, slots=True)
class Class:
    """A class of the sources, or one that they build on.

    Of such a one `in_sources` is false, and models say what it costs.
    """

    name: str
    lineage: tuple[str, ...]  # its method resolution order, itself first
    in_sources: bool
    fields: tuple[tuple[str, Type], ...]  # of instances, its bases' first
    methods: tuple[tuple[str, str], ...]  # name to full name, as its lineage resolves them; properties too
    properties: frozenset[str] = frozenset()
    class_variables: tuple[tuple[str, Type], ...] = ()  # the class holds them: reading one makes nothing
    shared: frozenset[str] = frozenset()  # those of them that no instance can have for itself
    subclasses: tuple[str, ...] = ()  # all below it in the sources
    slots: bool = False  # no instance of it has a __dict__
    is_protocol: bool = False
    is_dataclass: bool = False
    is_frozen: bool = False
    is_enum: bool = False
    is_exception: bool = False
    is_named_tuple: bool = False
    is_typed_dict: bool = False
    init: tuple[Parameter, ...] | None = None  # of a generated __init__ (dataclass, named tuple)
    factories: tuple[tuple[str, Callee], ...] = ()  # fields with default_factory, and what it calls
    generic: tuple[tuple[str, Type], ...] = ()  # fields by type variables, and what these are
    held: tuple[Type, ...] = ()  # the arguments of the built-in containers that it is below
    doubt: str = ""  # why it may be another class when the program runs, or none
    foreign: frozenset[str] = frozenset()  # special methods of neither the sources nor object
    odd: str = ""  # why it is not known what runs when it is called
    is_overloaded: bool = False  # a metaclass of the sources says what isinstance(), len() or == does with it


@dataclass(frozen=True)
class Program:
    """What was loaded: functions and classes by full name."""

    functions: Mapping[str, Function] = field(default_factory=dict)
    classes: Mapping[str, Class] = field(default_factory=dict)
    globals: Mapping[str, Type] = field(default_factory=dict)
    # of a module's variables with a constant value, those that are Final or never written
    constants: Mapping[str, object] = field(default_factory=dict)
    # what was found out about it so far, to be found again: by `late_attributes`, by `summaries`
    late: dict[str, tuple[frozenset[str], dict[str, list[str]]]] = field(
        default_factory=dict, compare=False, repr=False
    )
    summaries: dict[object, object] = field(default_factory=dict, compare=False, repr=False)
    # what it has under each name, as a digest: see `reads`
    digests: dict[tuple[str, str], str] = field(default_factory=dict, compare=False, repr=False)
