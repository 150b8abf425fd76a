"""What a WebAssembly module says about itself: imports, exports, memory, tables.

Reads the sections that matter for that and skips the code. For modules that wasmtime found valid; on others
`FormatError` is all that it promises.

Source: WebAssembly Core Specification 2.0, section 5 (binary format).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import mmap

MAGIC: Final = b"\0asm"
MODULE: Final = b"\x01\0\0\0"
COMPONENT: Final = b"\x0d\0\x01\0"
WASM_PAGE: Final = 65536

KINDS: Final = ("function", "table", "memory", "global", "tag")
_TYPES: Final = {
    0x7F: "i32",
    0x7E: "i64",
    0x7D: "f32",
    0x7C: "f64",
    0x7B: "v128",
    0x70: "funcref",
    0x6F: "externref",
    0x69: "exnref",
}
_FUNCTION, _TABLE, _MEMORY, _GLOBAL, _TAG = range(5)


class FormatError(Exception):
    """The bytes are no WebAssembly module that this understands."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A function's type."""

    parameters: tuple[str, ...]
    results: tuple[str, ...]

    def __str__(self) -> str:
        """Write it as people do: `(i32, i64) -> i32`."""
        results = ", ".join(self.results)
        return f"({', '.join(self.parameters)}) -> {results if len(self.results) == 1 else f'({results})'}"


@dataclass(frozen=True, slots=True)
class Import:
    """One import; the signature is a function's."""

    module: str
    name: str
    kind: str
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How many pages or elements there are at first, and at most."""

    minimum: int
    maximum: int | None


@dataclass(slots=True)
class Outline:
    """A module's outline."""

    imports: list[Import] = field(default_factory=list)
    exports: dict[str, tuple[str, int]] = field(default_factory=dict)
    tables: list[Limits] = field(default_factory=list)
    memories: list[Limits] = field(default_factory=list)
    functions: int = 0
    globals: int = 0
    has_start: bool = False
    _types: list[Signature] = field(default_factory=list)
    _function_types: list[int] = field(default_factory=list)

    def exported_function(self, name: str) -> Signature | None:
        """Return the signature of an exported function, or None if no function is exported so."""
        kind, index = self.exports.get(name, ("", 0))
        return self._types[self._function_types[index]] if kind == "function" else None


def read_outline(data: bytes | mmap.mmap) -> Outline:
    """Read a module's outline.

    Raises:
        FormatError: it is no such module.
    """
    if data[:4] != MAGIC or data[4:8] != MODULE:
        raise FormatError("not a WebAssembly module")
    reader = _Reader(data, 8)
    outline = Outline()
    try:
        while reader.at < len(data):
            section = reader.byte()
            end = reader.number() + reader.at
            read = _SECTIONS.get(section)
            if read is not None:
                read(reader, outline)
            reader.at = end
    except (IndexError, KeyError, UnicodeDecodeError, ValueError) as error:
        raise FormatError(f"can't be read: {error!r}") from None
    return outline


def compile_cost(data: bytes) -> int:
    """Return a figure that bounds what compiling a module can take, whatever stands in it.

    For each function its bytes squared times one more than what its blocks may pass on: its locals and the
    longest list of parameters or results in the module. wasmtime 50 takes at most some 3 bytes and 20 ns for
    each; a chain of loops with parameters comes near that.

    Raises:
        FormatError: it is no such module.
    """
    reader = _Reader(data, 8)
    outline = Outline()
    cost = 0
    try:
        while reader.at < len(data):
            section = reader.byte()
            end = reader.number() + reader.at
            if section == _TYPE_SECTION:
                _read_types(reader, outline)
            elif section == _CODE_SECTION:
                widest = max(
                    [max(len(kind.parameters), len(kind.results)) for kind in outline._types], default=0
                )
                for _ in range(reader.number()):
                    size = reader.number()
                    after = reader.at + size
                    local = sum([_read_locals(reader) for _ in range(reader.number())])
                    cost += size * size * (local + widest + 1)
                    reader.at = after
            reader.at = end
    except (IndexError, KeyError, ValueError) as error:
        raise FormatError(f"can't be read: {error!r}") from None
    return cost + len(data)


def _read_locals(reader: _Reader) -> int:
    """Read a declaration of locals of one type; return how many."""
    count = reader.number()
    reader.byte()
    return count


class _Reader:
    """A place in the bytes."""

    def __init__(self, data: bytes | mmap.mmap, at: int) -> None:
        self.data = data
        self.at = at

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        """Read an unsigned LEB128 number."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def name(self) -> str:
        size = self.number()
        self.at += size
        return self.data[self.at - size : self.at].decode()

    def types(self) -> tuple[str, ...]:
        return tuple([_TYPES[self.byte()] for _ in range(self.number())])

    def limits(self) -> Limits:
        flags = self.byte()
        minimum = self.number()
        return Limits(minimum, self.number() if flags & 1 else None)

    def table(self) -> Limits:
        self.byte()  # the elements' type
        return self.limits()


def _read_types(reader: _Reader, outline: Outline) -> None:
    for _ in range(reader.number()):
        if reader.byte() != 0x60:
            raise ValueError("a type that is not a function's")
        outline._types.append(Signature(reader.types(), reader.types()))


def _read_imports(reader: _Reader, outline: Outline) -> None:
    for _ in range(reader.number()):
        module, name, kind = reader.name(), reader.name(), reader.byte()
        signature = None
        if kind == _FUNCTION:
            index = reader.number()
            outline._function_types.append(index)
            signature = outline._types[index]
        elif kind == _TABLE:
            outline.tables.append(reader.table())
        elif kind == _MEMORY:
            outline.memories.append(reader.limits())
        elif kind == _GLOBAL:
            reader.at += 2  # type and mutability
        else:
            reader.byte()  # a tag's attribute
            reader.number()
        outline.imports.append(Import(module, name, KINDS[kind], signature))


def _read_functions(reader: _Reader, outline: Outline) -> None:
    outline.functions = reader.number()
    outline._function_types += [reader.number() for _ in range(outline.functions)]


def _read_tables(reader: _Reader, outline: Outline) -> None:
    outline.tables += [reader.table() for _ in range(reader.number())]


def _read_memories(reader: _Reader, outline: Outline) -> None:
    outline.memories += [reader.limits() for _ in range(reader.number())]


def _read_globals(reader: _Reader, outline: Outline) -> None:
    outline.globals = reader.number()


def _read_exports(reader: _Reader, outline: Outline) -> None:
    for _ in range(reader.number()):
        name, kind = reader.name(), reader.byte()
        outline.exports[name] = (KINDS[kind], reader.number())


def _read_start(reader: _Reader, outline: Outline) -> None:
    outline.has_start = True


_TYPE_SECTION, _CODE_SECTION = 1, 10
_SECTIONS: Final = {
    1: _read_types,
    2: _read_imports,
    3: _read_functions,
    4: _read_tables,
    5: _read_memories,
    6: _read_globals,
    7: _read_exports,
    8: _read_start,
}
