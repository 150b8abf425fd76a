"""The machine that models run on: `machine.Machine`, in the middle of a call.

A model's values are registers of the frame that calls, so that what it allocates renames nothing under it.
They live until the model is done: what it makes on the way is charged a little longer than CPython holds it.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from hardtack.analysis import (
    access,
    exceptions,
    footprints,
    instances,
    integers,
    iteration,
    letting_go,
    operations,
    parameters,
    paths,
    raising,
    slices,
    spelling,
)
from hardtack.analysis.domain import (
    FLOAT,
    GROWABLE,
    NO,
    NOTHING,
    OTHER,
    PATH_KIND,
    STREAMS,
    TRUTH,
    Cell,
    Value,
    join_all,
)
from hardtack.analysis.instances import special_methods
from hardtack.analysis.kinds import kinds_of, number_of
from hardtack.analysis.machine import AS_IT_WAS, Substituted
from hardtack.analysis.models.texts import text_of
from hardtack.analysis.records import replace
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardtack.analysis.calls import Given
    from hardtack.analysis.interpreting import Interpreter
    from hardtack.analysis.models import Model

_ONE = Size.const(1)
_IN_RANGE = "keep it in a range: by % n, or by min() and max()"
_UNHASHABLE = ("TypeError: unhashable type: " + "x" * 100,)  # with the name of the type
_ASKING = frozenset({"list", "tuple", "dict", "set", "frozenset", "deque", "range"})
_SIZED_KINDS = frozenset({"str", "bytes", "tuple", "frozenset"})

# Of built-ins and of collections, which are C; a function in Python has its arguments in its frame.
_KEEPING_ERRORS = frozenset(
    {"__getitem__", "__delitem__", "pop", "remove", "move_to_end", "encode", "decode", "bytes"}
)
_SPELLING_ERRORS = {
    "builtins.list.index": 1,
    "collections.deque.index": 1,
    "builtins.float": 0,
}  # what: an argument


def act(interp: Interpreter, model: Model, arguments: Given) -> Value:
    """Do what a model says; returns the result, to be written to a register at once."""
    machine = ModelMachine(interp, model.name)
    paths.refuse_for_text(interp, model.name, arguments)
    letting_go.by_model(interp, model.name, arguments)
    message = _message(machine, model.name, arguments)
    for register in arguments.single:
        machine.special(register, "__index__", [], _ONE)  # wherever an integer is taken, it may be asked for
    if arguments.spread_keywords:
        interp.finding("unsupported", f"**arguments for {model.name}", "pass them by name")
    result = interp.models.apply(
        model, machine, list(arguments.positional), dict(arguments.keywords), list(arguments.spread)
    )
    if interp.state.dead:
        return NOTHING
    exceptions.may_raise(
        interp,
        raising.raised_by(interp, model, arguments),
        holding=held_by_error(model.name, arguments),
        message=message,
    )
    value = interp.read(result)
    machine.release()
    return value


def held_by_error(name: str, arguments: Given) -> tuple[str, ...]:
    """Return the arguments that the exception of a built-in keeps: a KeyError its key, a codec's its text."""
    if name.startswith(("builtins.", "collections.")) and name.rpartition(".")[2] not in _KEEPING_ERRORS:
        return ()
    return arguments.single  # an OSError of pathlib has the text that the path keeps


def _message(machine: ModelMachine, name: str, arguments: Given) -> Size:
    """Return the bytes of what a built-in's exception is made of, where that is more than a line.

    Source: list_index_impl, deque_index and float_from_string spell out the value; make_decode_exception
    copies the bytes.
    """
    given = arguments.positional
    if name.startswith("pathlib."):
        return paths.message(machine, arguments.single)
    if name in _SPELLING_ERRORS and len(given) > _SPELLING_ERRORS[name]:
        spelled = text_of(machine, given[_SPELLING_ERRORS[name]], spelled=True)
        machine.release()
        return footprints.text(spelled.length + 64, 4)
    if given and (
        name.endswith(".decode") or (name == "builtins.str" and len(given) + len(arguments.keywords) > 1)
    ):
        return footprints.SIZES.bytes_(machine.length(given[0]))
    return ZERO


class ModelMachine:
    """Answers a model's questions, and does what it says; values are names of registers."""

    def __init__(self, interp: Interpreter, name: str) -> None:
        self._interp = interp
        self._name = name
        self._own: list[str] = []
        self._made = 0
        self._depth = 0

    def release(self) -> None:
        """Let go of all that the model made and did not return."""
        for register in self._own:
            self._interp.unbind(register)

    def _read(self, register: str) -> Value:
        return self._interp.state.frame.get(register, NOTHING)

    def _keep(self, value: Value) -> str:
        register = self._interp.scratch_register("model")
        self._interp.write(register, value)
        self._own.append(register)
        return register

    # -- asking
    def length(self, value: str) -> Size:
        """Return the most items that a value holds."""
        return access.length(self._interp, self._read(value))

    def total(self, value: str) -> Size:
        """Return the most that the lengths of its items add up to."""
        return access.total(self._interp, self._read(value))

    def width(self, value: str) -> int:
        """Return the most bytes per character; 1 is ASCII."""
        return access.width(self._interp, self._read(value))

    def upper(self, value: str) -> Size:
        """Return the largest magnitude of an integer."""
        number = number_of(self._interp, self._read(value))
        if number is None:
            return self._interp.unbounded(
                "growth",
                f"{self._name} of an integer that is not known",
                _IN_RANGE,
            )
        return number.high | number.low

    def digits(self, value: str) -> Size:
        """Return the most digits of an integer."""
        number = number_of(self._interp, self._read(value))
        if number is None:
            return self._interp.unbounded(
                "growth",
                f"{self._name} of an integer that is not known",
                _IN_RANGE,
            )
        return number.wide()

    def nonnegative(self, value: str) -> bool:
        """Return whether an integer cannot be negative."""
        number = number_of(self._interp, self._read(value))
        return number is not None and number.low.is_zero

    def element(self, value: str) -> str:
        """Return what items may be."""
        access.refuse_instances(self._interp, self._name, self._read(value))
        return self._keep(access.element(self._interp, self._read(value)))

    def drained(self, value: str, times: Size) -> str:
        """Return what the items are if so many of them are kept."""
        access.refuse_instances(self._interp, self._name, self._read(value))
        item = access.element(self._interp, self._read(value))
        held = self._keep(item)
        made = [obj for obj in item.objects if iteration.made_by_step(self._interp, self._read(value), obj)]
        if not made:
            return held
        fresh = self._copies(made, times)
        return self._keep(Value(fresh | (item.objects - set(made)), item.number, item.plain, item.fresh))

    def _copies(self, made: list[int], times: Size) -> frozenset[int]:
        """Make copies of objects, as many of each."""
        found: frozenset[int] = frozenset()
        for number, obj in enumerate(made):
            copied = partial(self._interp.state.cells.__getitem__, obj)
            copy = self._interp.new(f"{self._name} drained {number}", copied, quiet=True)
            found |= self._several(copy, times, None).objects
        return found

    def mapped(self, value: str) -> str:
        """Return what a dict's values may be."""
        return self._keep(access.mapped(self._interp, self._read(value)))

    def item(self, value: str, index: int) -> str:
        """Return what one item of a tuple may be; else any item."""
        return self._keep(operations.item_at(self._interp, self._read(value), index))

    def kinds(self, value: str) -> frozenset[str]:
        """Return the kinds that a value may be of."""
        return kinds_of(self._interp, self._read(value))

    def constant(self, value: str) -> object:
        """Return the constant that a value is known to be, else None."""
        return parameters.known_constant(self._interp, self._read(value))

    def constants(self, value: str) -> tuple[object, ...] | None:
        """Return the constants of which a value is known to be one, else None."""
        given = self._read(value)
        if given.number is not None or given.plain or not given.objects <= self._interp.constants.keys():
            return None
        return tuple(self._interp.constants[obj] for obj in sorted(given.objects))

    def span(self, index: str, length: Size) -> Size:
        """Return the most items that a slice takes of a sequence of that length."""
        return slices.span(self._interp, self._read(index), length)

    def stepped(self, index: str) -> bool:
        """Tell whether a slice may have a step."""
        return slices.is_stepped(self._interp, self._read(index))

    def steps(self, start: str, stop: str, step: str) -> Size:
        """Return the most integers from start to before stop, by step."""
        numbers = [number_of(self._interp, self._read(one)) for one in (start, stop, step)]
        known = [number for number in numbers if number is not None]
        if len(known) < 3:
            return self._interp.unbounded("loop", f"{self._name} of integers that are not known", _IN_RANGE)
        return integers.span_of(known[0], known[1], known[2])[0]

    def size_of(self, kind: str, length: Size, width: int) -> Size:
        """Return the bytes of an object of a kind."""
        return footprints.structure(kind, length, width)

    def substituted(self, value: str) -> tuple[Size, Substituted]:
        """Return the most that the length of what a text came from is, and how it did."""
        before, factor, put = ZERO, 1, AS_IT_WAS.put
        for obj, cell in access.cells(self._interp, self._read(value)):
            how = cell.substituted
            length = access.length_of(self._interp, obj, cell)
            before |= length if how.factor == 1 else length * Fraction(1, how.factor)
            factor, put = max(factor, how.factor), put | how.put
        return before, Substituted(factor, put)

    # -- making
    def none(self) -> str:
        """Return None."""
        return self._keep(NO)

    def boolean(self) -> str:
        """Return a truth value."""
        return self._keep(TRUTH)

    def integer(self, low: int | None, high: Size) -> str:
        """Return a fresh int in a range."""
        number = integers.between(low, high)
        wide = number.wide()
        return self._keep(Value(number=replace(number, room=wide + wide.minus(1)), fresh=True))

    def number(self, operation: str, values: Sequence[str]) -> str:
        """Return the fresh int that an operation on integers gives."""
        numbers = [number_of(self._interp, self._read(value)) for value in values]
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers) or not known:
            found = integers.unknown(f"{self._name} of what is no known integer")
        elif operation in {"min", "max", "hull"}:
            found = integers.one_of(operation, known)
        elif len(known) == 1:
            found = integers.unary(f"__{operation}__", known[0]) or integers.unknown(operation)
        else:
            found = integers.binary(f"__{operation}__", known[0], known[1]) or integers.unknown(operation)
        return self._keep(Value(number=found, fresh=True))

    def scalar(self, kind: str) -> str:
        """Return a fresh float or complex."""
        return self._keep(Value(plain=FLOAT if kind == "float" else FLOAT | OTHER, fresh=True))

    def join(self, values: Sequence[str]) -> str:
        """Return what is one of several."""
        return self._keep(join_all(self._read(value) for value in values))

    def fresh(
        self,
        kind: str,
        *,
        length: Size,
        times: Size = _ONE,
        together: Size | None = None,
        element: str | None = None,
        mapped: str | None = None,
        items: Sequence[str] | None = None,
        total: Size | None = None,
        width: int = 1,
        size: Size | None = None,
        holds: Sequence[str] = (),
        substituted: Substituted = AS_IT_WAS,
    ) -> str:
        """Allocate objects of a kind."""
        several = times.as_const() != 1

        def make() -> Cell:
            cell = self._cell(kind, length, element, mapped, items, total, width, holds)
            if kind in {"str", "bytes"}:
                cell = replace(cell, substituted=substituted)
            return footprints.sized(cell, size)

        self._made += 1
        uneven = kind in {"dict", "set"}  # it may be made from another one, whose table is as it is
        obj = self._interp.new(f"{self._name} {self._made} {kind}", make, quiet=several, uneven=uneven)
        value = Value(frozenset((obj,)))
        if several:
            value = self._several(obj, times, together if size is None else None)
        elif kind in _SIZED_KINDS:
            value = replace(value, length=length)
        return self._keep(value)

    def _cell(
        self,
        kind: str,
        length: Size,
        element: str | None,
        mapped: str | None,
        items: Sequence[str] | None,
        total: Size | None,
        width: int,
        holds: Sequence[str],
    ) -> Cell:
        parts = [self._read(item) for item in items or ()]
        fields = {str(index): value for index, value in enumerate(parts)}
        held = [self._read(one) for one in holds]
        fields |= {f"held {index}": value for index, value in enumerate(held)}
        item = (
            join_all(parts) if items is not None else self._read(element) if element is not None else NOTHING
        )
        if kind == "iterator":
            fields[iteration.MAKES] = iteration.made_anew(self._interp, item, held)
        if kind in {"bytes", "bytearray", "memoryview"} and item.is_nothing:
            item = Value(number=integers.between(0, Size.const(255)))
        if total is None and not item.objects and kind not in {"iterator", "generator"}:
            total = ZERO
        own = {"deque": "collections.deque", **dict.fromkeys(("exception", "unknown", *STREAMS), self._name)}
        own[PATH_KIND] = "pathlib.PurePath"
        name = own.get(kind, f"builtins.{kind}")
        return Cell(
            kind,
            name,
            length,
            element=item,
            mapped=self._read(mapped) if mapped is not None else NOTHING,
            fields=fields,
            width=width,
            total=total,
        )

    def _several(self, obj: int, times: Size, together: Size | None) -> Value:
        """Have there be many of the object that was made: they are all older ones of its site."""
        interp = self._interp
        cell = interp.state.cells[obj]
        whole = times * cell.bytes
        if together is not None and cell.kind in {"str", "bytes"}:
            whole = footprints.together(cell.kind, times, together, cell.width)
        older = obj | 1
        before = interp.state.cells.get(older)
        interp.state.demote(obj >> 1, lambda one: one)
        made = interp.state.cells[older]
        size, pooled = made.bytes + whole, made.pooled + times * cell.pooled
        if cell.kind not in GROWABLE:  # the one that was made is among them
            size, pooled = whole, times * cell.pooled
            if before is not None:
                size, pooled = before.bytes + whole, before.pooled + pooled
        interp.state.cells[older] = replace(made, bytes=size, pooled=pooled)
        interp.note()
        return Value(frozenset((older,)))

    def scratch(self, size: Size, beside: str | None = None) -> None:
        """Hold so many bytes for a moment, beside a fresh number."""
        del beside  # it stands in a register, which is counted
        self._interp.note(size)

    # -- changing
    def append(self, container: str, item: str, by: Size) -> None:
        """Grow a list, deque, bytearray or set."""
        access.append(self._interp, self._read(container), self._read(item), by)

    def store(self, container: str, key: str, item: str, by: Size) -> None:
        """Put items into a dict."""
        access.store(self._interp, self._read(container), self._read(key), self._read(item), by)

    def replace_items(self, container: str, item: str) -> None:
        """Put an item in the place of another."""
        access.replace_items(self._interp, self._read(container), self._read(item))

    def hold(self, holder: str, held: str) -> None:
        """Have one object keep another alive."""
        value = self._read(held)
        for obj, cell in list(access.cells(self._interp, self._read(holder))):
            if cell.owned:
                known = cell.fields.get("held", NOTHING)
                self._interp.state.put(obj, cell.with_field("held", join_all((known, value))))
            else:
                parameters.make_attribute(self._interp, obj, "held", paths.UNTYPED)
                parameters.write_part(self._interp, obj, "held", value, strong=False)

    def fill(self, path: str) -> None:
        """Have a path from before the call keep what it works out."""
        paths.fill(self, self._read(path))

    def call(self, function: str, arguments: Sequence[str], times: Size, *, keep: bool = False) -> str:
        """Call a callable so many times."""
        from hardtack.analysis import calls

        if self._lacks(arguments):
            return self.none()
        return self._repeat(
            times, lambda: calls.call_value(self._interp, function, tuple(arguments)), keep=keep
        )

    def _lacks(self, arguments: Sequence[str]) -> bool:
        """Tell whether a call has an argument that nothing stands for: no item of what is empty."""
        return any(self._read(argument).is_nothing for argument in arguments)

    def later(self, function: str, arguments: Sequence[str], gives: str | None) -> str:
        """Refuse an iterator that calls a function as it goes: `map` and `filter` are natives."""
        del function, arguments
        self._interp.finding(
            "generator", f"{self._name} calls a function for each item that is taken", "use a comprehension"
        )
        return gives if gives is not None else self.none()

    def special(self, value: str, name: str, arguments: Sequence[str], times: Size) -> str:
        """Run a special method, as a class of the sources defines it, or a container's model says."""
        from hardtack.analysis import calls

        interp = self._interp
        if name in {"__str__", "__repr__"}:
            return self._text(value, name, times)
        if name == "__hash__" and not raising.hashable(interp, self._read(value)):
            exceptions.may_raise(interp, _UNHASHABLE)
        methods: set[str] = set()
        for _, cell in access.cells(interp, self._read(value)):
            methods |= special_methods(interp, cell, name)
            instances.refuse_lack(interp, cell, name)
            if paths.is_path(interp, cell) and interp.models.find(f"pathlib.PurePath.{name}") is not None:
                methods.add(f"model pathlib.PurePath.{name}")
            if cell.kind in _ASKING and interp.models.find(f"builtins.{cell.kind}.{name}") is not None:
                methods.add(f"model builtins.{cell.kind}.{name}")
        if self._lacks(arguments) or len(interp.activations) > 60:
            return self.none()
        first = self._read(arguments[0]) if arguments else NOTHING
        if found := instances.reflected(interp, self._read(value), first, name):
            given = calls.Given((arguments[0], value))
            self._repeat(times, lambda: calls.call_one_of(interp, sorted(found), given), keep=False)
        if not methods:
            return self.none()
        given = calls.Given((value, *arguments))
        return self._repeat(times, lambda: calls.call_one_of(interp, sorted(methods), given), keep=False)

    def _text(self, value: str, name: str, times: Size) -> str:
        """Return the text of a value: what its own methods make, and what it inherits."""
        from hardtack.analysis import calls

        interp = self._interp
        own = spelling.methods(interp, self._read(value), name)
        given = calls.Given((value,))
        made = None
        if own:
            into = self._repeat(times, lambda: calls.call_one_of(interp, sorted(own), given), keep=False)
            made = self._read(into)
            if interp.state.dead:
                return into
        self._depth += 1
        found = self._keep(NO)
        text = spelling.joined(self, self._read(value), name, made, self._depth)
        self._depth -= 1
        interp.write(found, text)
        return found

    def hold_value(self, value: Value) -> str:
        """Return a register that holds a value until the model is done."""
        return self._keep(value)

    @property
    def interp(self) -> Interpreter:
        """The interpreter that it works on."""
        return self._interp

    def _repeat(self, times: Size, run: Callable[[], Value], *, keep: bool) -> str:
        from hardtack.analysis import loops

        into = self._keep(NO)
        kept = self._keep(NO)
        if keep and times.as_const() != 1:
            obj = self._interp.new(f"{self._name} results", lambda: Cell("gathered", "builtins.list"))
            self._interp.write(kept, Value(frozenset((obj,))))
        loops.run_times(self._interp, times, into, run, self._name, kept if keep else None)
        return into

    def finding(self, kind: str, message: str, remedy: str) -> None:
        """Report that there is no bound."""
        self._interp.finding(kind, message, remedy)

    def assume(self, text: str) -> None:
        """Note something that the bound takes for granted."""
        self._interp.assume(text)
