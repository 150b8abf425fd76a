"""How long str(x), repr(x) and format(x, specification) are at most.

By the kinds that a value may be of; a built-in container spells its items in turn. Sources: Python/pystrtod.c
(the shortest repr of a float has 24 characters), Objects/unicodeobject.c (an escape has 10),
Python/formatter_unicode.c.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardtack.analysis.machine import AS_IT_WAS, Substituted, V
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hardtack.analysis.machine import Machine

_DEEPEST = 6  # containers in containers
_MOST_DIGITS = 4300  # sys.int_info.default_max_str_digits
_PLAIN = {"none": 4, "bool": 5, "float": 24, "complex": 52, "iterator": 120, "memoryview": 40, "slice": 120}
_ESCAPED = {1: 4, 2: 6, 4: 10}  # characters of an escape, by the width of what is escaped
_AROUND = {"list": 2, "tuple": 3, "set": 5, "frozenset": 13, "dict": 2, "deque": 40}
_FLOAT_DIGITS = 310  # of the greatest, in format "f"
_SHORT = 60  # characters of a float, or both parts of a complex, where an exponent may stand for zeros
_SHORT_FRACTIONAL = frozenset(("", "e", "E", "g", "G", "n"))
_FRACTIONAL = frozenset("eEfFgG%")


@dataclass(frozen=True, slots=True)
class Text:
    """The most characters that a text has, and bytes for each: 1 if all of it is ASCII."""

    length: Size
    width: int

    def join(self, other: Text) -> Text:
        """Return what is one of two."""
        return Text(self.length | other.length, max(self.width, other.width))

    def followed_by(self, other: Text) -> Text:
        """Return both, one after the other."""
        return Text(self.length + other.length, max(self.width, other.width))


_NONE = Text(ZERO, 1)


def text_of(machine: Machine[V], value: V, *, spelled: bool, depth: int = 0) -> Text:
    """Return what str(value), or repr(value) if `spelled`, is at most."""
    found = _NONE
    for kind in sorted(machine.kinds(value)):
        found = found.join(_text_of_kind(machine, value, kind, spelled, depth))
    return found


def _text_of_kind(machine: Machine[V], value: V, kind: str, spelled: bool, depth: int) -> Text:
    if kind in _PLAIN:
        return Text(Size.const(_PLAIN[kind]), 1)
    if kind == "int":
        return Text(_decimal(machine, value), 1)
    if kind == "str":
        width = machine.width(value)
        length = machine.length(value)
        return Text(length * _ESCAPED[width] + 2 if spelled else length, width)
    if kind in {"bytes", "bytearray"}:
        return Text(machine.length(value) * 4 + 14, 1)
    if kind == "path":
        machine.fill(value)
        width = machine.width(value)
        length = machine.length(value) + 1
        return Text(length * _ESCAPED[width] + 32 if spelled else length, width)
    if kind == "range":
        element = machine.element(value)
        return Text(_decimal(machine, element) * 3 + 64, 1)
    if kind in _AROUND and depth < _DEEPEST:
        return _container(machine, value, kind, depth)
    if kind in {"instance", "exception"}:
        made = machine.special(value, "__repr__" if spelled else "__str__", [], Size.const(1))
        return Text(machine.length(made), machine.width(made))
    machine.finding(
        "no-model",
        "the text of a value whose class is not known" if kind == "other" else f"the text of a {kind}",
        "convert its parts one by one, or give it a type",
    )
    return _NONE


def _decimal(machine: Machine[V], value: V) -> Size:
    """Return the most characters of an int in decimal. 30 bits are 9.04 digits."""
    known = machine.upper(value).as_const()
    if known is not None:
        return Size.const(
            min(len(str(int(known))) if known < 10**_MOST_DIGITS else _MOST_DIGITS, _MOST_DIGITS) + 1
        )
    return (machine.digits(value) * 10).at_most(_MOST_DIGITS) + 1


def _container(machine: Machine[V], value: V, kind: str, depth: int) -> Text:
    element = machine.element(value)
    count = machine.length(value)
    each = text_of(machine, element, spelled=True, depth=depth + 1)
    length = count * (each.length + 2)
    if machine.kinds(element) == {"str"} and kind != "dict":
        escaped = machine.total(value) * _ESCAPED[each.width] + count * 4
        length = escaped if length.is_top or not escaped.is_top else length
    if kind == "dict":
        mapped = text_of(machine, machine.mapped(value), spelled=True, depth=depth + 1)
        return Text(count * (each.length + mapped.length + 4) + 2, max(each.width, mapped.width))
    return Text(length + _AROUND[kind], each.width)


def formatted(machine: Machine[V], value: V, specification: object) -> Text:
    """Return what format(value, specification) is at most; the specification has to be a constant.

    Source: Python/formatter_unicode.c.
    """
    kinds = machine.kinds(value)
    if not isinstance(specification, str):
        machine.finding("no-constant", "a format specification that is not known", "write it as a constant")
        return _NONE
    plain = text_of(machine, value, spelled=False)
    if "instance" in kinds:
        empty = machine.fresh("str", length=ZERO, times=Size.const(1))
        own = machine.special(value, "__format__", [empty], Size.const(1))
        plain = plain.join(Text(machine.length(own), machine.width(own)))
    if not specification:
        return plain
    if not kinds <= {"bool", "int", "float", "complex", "str"}:
        machine.finding(
            "no-model",
            "a format specification for what is no number and no str",
            "convert it by str() before",
        )
        return _NONE
    length, width = plain.length, max(plain.width, width_of(specification))
    presentation = _presentation(specification)
    if presentation == "c":
        width = 4
    if kinds & {"int", "bool"}:
        length |= _whole(machine, value, presentation)
    if kinds & {"float", "complex"} or presentation in _FRACTIONAL:
        length |= Size.const(_SHORT if presentation in _SHORT_FRACTIONAL else 2 * _FLOAT_DIGITS)
    if kinds & {"int", "bool", "float", "complex"} and any(one in specification for one in ",_n"):
        length = length * 2  # separators of thousands
    numbers = numbers_in(specification)
    return Text(length + (2 * numbers if "complex" in kinds else numbers), width)


def _presentation(specification: str) -> str:
    """Return the letter, or %, with which a format of numbers ends; nothing for none."""
    last = specification[-1:]
    return last if last.isalpha() or last == "%" else ""


def _whole(machine: Machine[V], value: V, presentation: str) -> Size:
    """Return the most characters of an int in a format: 30 bits are 10 octal or 8 hexadecimal digits."""
    each = {"b": 30, "o": 10, "x": 8, "X": 8}.get(presentation)
    return _decimal(machine, value) if each is None else machine.digits(value) * each + 3


def filled(
    machine: Machine[V], template: object, positional: Sequence[V], named: Mapping[str, V], *, spread: bool
) -> Text:
    """Return what template.format(*positional, **named) is at most; the template has to be a constant.

    Args:
        machine: what the values are of.
        template: the constant, or None.
        positional: the arguments by position.
        named: those by keyword.
        spread: whether there may be more of both, all of which the last ones stand for.
    """
    if not isinstance(template, str):
        machine.finding(
            "no-constant", "a template that is not known", "write it as a constant, or use an f-string"
        )
        return _NONE
    found, count = Text(ZERO, 1), 0
    for literal, name, specification, conversion in string.Formatter().parse(template):
        found = found.followed_by(Text(Size.const(len(literal)), width_of(literal)))
        if name is None:
            continue
        value = _field(positional, named, name or str(count), spread)
        count += 1
        if value is None or "{" in (specification or ""):
            machine.finding("no-model", f"the field {{{name}}} of a template", "use an f-string")
            return found
        found = found.followed_by(_converted(machine, value, conversion, specification or ""))
    return found


def _field(positional: Sequence[V], named: Mapping[str, V], name: str, spread: bool) -> V | None:
    if name in named:
        return named[name]
    if name.isdigit() and positional and (spread or int(name) < len(positional)):
        return positional[min(int(name), len(positional) - 1)]
    return None


def _converted(machine: Machine[V], value: V, conversion: str | None, specification: str) -> Text:
    if not conversion:
        return formatted(machine, value, specification)
    text = text_of(machine, value, spelled=conversion in "ra")
    width = max(text.width, width_of(specification))
    return Text(text.length + numbers_in(specification), width)


def percent(machine: Machine[V], template: object, value: V) -> Text:
    """Return what template % value is at most; the template has to be a constant.

    Source: Objects/unicodeobject.c, unicode_format_arg_format; Objects/bytesobject.c.
    """
    text = template.decode("latin-1") if isinstance(template, bytes) else template
    if not isinstance(text, str) or "*" in text:
        machine.finding(
            "no-constant", "a template that is not known", "write it as a constant, or use an f-string"
        )
        return _NONE
    conversions = [
        one for one in re.findall(r"%(?:\([^)]*\))?[^a-zA-Z%]*[hlL]?([a-zA-Z%])", text) if one != "%"
    ]
    found = Text(Size.const(len(text) + numbers_in(text)), width_of(text))
    for index, conversion in enumerate(conversions):
        found = found.followed_by(_percent_one(machine, _operand(machine, value, index), conversion))
    return found


def _operand(machine: Machine[V], value: V, index: int) -> V:
    """Return what is converted at a place of a template, of what stands behind `%`."""
    kinds = machine.kinds(value)
    if kinds == {"dict"}:
        return machine.mapped(value)
    return machine.item(value, index) if kinds == {"tuple"} else value


def _percent_one(machine: Machine[V], value: V, conversion: str) -> Text:
    if conversion not in "sra" and machine.kinds(value) & {"instance", "other"}:
        machine.finding("no-model", f"%{conversion} of what is no number", "convert it by int() before")
    if conversion == "c":
        return Text(Size.const(1), 4)
    if conversion in "eEfFgG":
        return Text(Size.const(_FLOAT_DIGITS + 10), 1)
    if conversion in "xXo":
        return Text(machine.digits(value) * 10 + 3, 1)
    if conversion in "diu" and machine.kinds(value) <= {"int", "bool"}:
        return text_of(machine, value, spelled=False)
    if conversion in "diu":
        return Text(Size.const(_MOST_DIGITS), 1)
    shown = text_of(machine, value, spelled=False)
    return shown if conversion in "sb" else shown.join(text_of(machine, value, spelled=True))


def replaced(
    machine: Machine[V], value: V, old: object, new: V, count: Size | None
) -> tuple[Size, Substituted]:
    """Return the length of value.replace(old, new, count) at most, and how it came from what it came from.

    Where one character is replaced that nothing put there before, all of it are those of the first text: a
    chain of such replacements makes of each character what the longest of them does, not their product.

    Args:
        machine: what the values are of.
        value: the text or bytes.
        old: what is replaced, if it is a constant.
        new: by what.
        count: how often at most, or None.
    """
    length, longer = machine.length(value), machine.length(new)
    times = length + 1
    if isinstance(old, str | bytes) and old:
        times = length // len(old)
        longer = longer.minus(len(old))
        if longer.is_zero:
            return length, AS_IT_WAS
    if count is not None:
        limit = count.as_const()
        times = times if limit is None else times.at_most(limit)
    most = length + times * longer
    by = machine.constant(new)
    if isinstance(old, str | bytes) and len(old) == 1 and isinstance(by, str | bytes):
        before, how = machine.substituted(value)
        factor = max(how.factor, len(by))
        if old[0] not in how.put and most.dominates(before * factor):
            return before * factor, Substituted(factor, how.put | frozenset(by))
    return most, AS_IT_WAS


def numbers_in(specification: str) -> int:
    """Return the sum of the numbers in a format: what widths and precisions can add."""
    return sum(int(number) for number in re.findall(r"\d+", specification))


def width_of(text: str) -> int:
    """Return the bytes for each character of a text: 1 if all of it is ASCII."""
    return 1 if text.isascii() else 2 if max(text) <= "\uffff" else 4
