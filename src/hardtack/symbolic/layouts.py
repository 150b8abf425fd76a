"""How CPython 3.11, 3.12 and 3.13 lay out their objects: the numbers that `sizes` computes with.

A row gives one number where the versions agree, else one for each of them, in that order. Rows of `KINDS`
are charged bytes, of `RAW` bytes as CPython asks for them; both count the 16 bytes of the garbage collector's
header. Files are CPython's. tests/symbolic/test_sizes.py measures every row on the version that runs it.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

VERSIONS = ((3, 11), (3, 12), (3, 13))
PerVersion: TypeAlias = int | tuple[int, int, int]


class Row(NamedTuple):
    """A number of bytes, for each version, and where it comes from."""

    bytes: PerVersion
    source: str


class FreeList(NamedTuple):
    """Blocks of one kind that CPython keeps when they are freed, so that they stay charged."""

    kind: str
    most: int  # blocks
    raw: int  # bytes of one
    source: str


# Objects of one size. What they refer to (the list of an iterator, say) is not in it, unless it says so.
KINDS: dict[str, Row] = {
    "None": Row(0, "Objects/object.c: static"),
    "bool": Row(0, "Objects/boolobject.c: static"),
    "object": Row(16, "Objects/typeobject.c"),
    "float": Row(32, "Objects/floatobject.c"),
    "complex": Row(32, "Objects/complexobject.c"),
    "length": Row(32, "Objects/longobject.c: an int below 2**60 that C code made, below 2**30 any"),
    "bound method": Row(64, "Objects/classobject.c"),
    "builtin method": Row(80, "Objects/methodobject.c"),
    "method wrapper": Row(48, "Objects/descrobject.c: [].__len__"),
    "super": Row(64, "Objects/typeobject.c"),
    "function": Row(160, "Objects/funcobject.c"),
    "cell": Row(48, "Objects/cellobject.c"),
    "partial": Row(144, "Modules/_functoolsmodule.c: without its arguments' tuple and dict"),
    "slice": Row(64, "Objects/sliceobject.c"),
    "range": Row(48, "Objects/rangeobject.c: without its ints, of which the length may be one more"),
    "memoryview": Row(192, "Objects/memoryobject.c: of one dimension, without its managed buffer"),
    "managed buffer": Row(
        128, "Objects/memoryobject.c: one for each memoryview of an object, none for slices"
    ),
    "list iterator": Row(48, "Objects/listobject.c"),
    "reversed list": Row(48, "Objects/listobject.c"),
    "tuple iterator": Row(48, "Objects/tupleobject.c"),
    "str iterator": Row(48, "Objects/unicodeobject.c"),
    "bytes iterator": Row(48, "Objects/bytesobject.c"),
    "bytearray iterator": Row(48, "Objects/bytearrayobject.c"),
    "reversed sequence": Row(48, "Objects/enumobject.c"),
    "range iterator": Row(48, "Objects/rangeobject.c: also of reversed(range)"),
    "set iterator": Row(64, "Objects/setobject.c"),
    "deque iterator": Row(80, "Modules/_collectionsmodule.c"),
    "callable iterator": Row(48, "Objects/iterobject.c: iter(function, sentinel)"),
    "dict view": Row(48, "Objects/dictobject.c: keys(), values(), items()"),
    "dict key iterator": Row(80, "Objects/dictobject.c"),
    "dict value iterator": Row(80, "Objects/dictobject.c"),
    "dict item iterator": Row(144, "Objects/dictobject.c: with the pair that it uses again"),
    "reversed dict": Row(80, "Objects/dictobject.c"),
    "enumerate": Row(144, "Objects/enumobject.c: with the pair that it uses again, without its iterator"),
    "map": Row(48, "Python/bltinmodule.c: without the tuple of its iterators, and they"),
    "filter": Row(48, "Python/bltinmodule.c: without its iterator"),
    "zip": Row(
        64, "Python/bltinmodule.c: without two tuples, of its iterators and of results, and the iterators"
    ),
    "chain": Row(48, "Modules/itertoolsmodule.c: without the iterator over its arguments' tuple, and they"),
    "islice": Row(80, "Modules/itertoolsmodule.c: without its iterator"),
    "count": Row(64, "Modules/itertoolsmodule.c"),
    "repeat": Row(48, "Modules/itertoolsmodule.c"),
    "deque": Row(240, "Modules/_collectionsmodule.c: without its blocks"),
    "defaultdict": Row(80, "Modules/_collectionsmodule.c: without its table"),
    "OrderedDict": Row(128, "Objects/odictobject.c: without its table, nodes and their index"),
    "Counter": Row((96, 80, 80), "Lib/collections/__init__.py: without its table"),
    "array": Row(80, "Modules/arraymodule.c: without its items"),
    "BytesIO": Row(80, "Modules/_io/bytesio.c: without its buffer"),
    "StringIO": Row((224, 208, 208), "Modules/_io/stringio.c: with its first, short buffer"),
    "traceback": Row(64, "Python/traceback.c: one for each frame that an exception goes through"),
    "Struct": Row(192, "Modules/_struct.c: of one code"),
    "enum member": Row(0, "Lib/enum.py: made with its class"),
}

# Exceptions as CPython asks for them, without arguments, traceback, frames and dict.
EXCEPTIONS: dict[str, Row] = {
    "BaseException": Row(88, "Objects/exceptions.c: and all that are not below one of these"),
    "StopIteration": Row(96, "Objects/exceptions.c"),
    "SystemExit": Row(96, "Objects/exceptions.c"),
    "NameError": Row(96, "Objects/exceptions.c"),
    "AttributeError": Row(104, "Objects/exceptions.c"),
    "BaseExceptionGroup": Row(104, "Objects/exceptions.c"),
    "ImportError": Row((112, 120, 120), "Objects/exceptions.c"),
    "OSError": Row(128, "Objects/exceptions.c"),
    "UnicodeError": Row(128, "Objects/exceptions.c: of decoding, encoding and translating"),
    "SyntaxError": Row(152, "Objects/exceptions.c"),
}

# Parts of objects whose size depends on what is in them.
RAW: dict[str, Row] = {
    "int": Row(24, "Objects/longobject.c: and 4 for each digit of 30 bits"),
    "bytes": Row(33, "Objects/bytesobject.c: and 1 for each byte"),
    "ascii": Row((48, 40, 40), "Objects/unicodeobject.c: and 1 for each character and one more"),
    "wide": Row((72, 56, 56), "Objects/unicodeobject.c: and 1, 2 or 4 for each character and one more"),
    "bytearray": Row(56, "Objects/bytearrayobject.c: without its buffer"),
    "tuple": Row(40, "Objects/tupleobject.c: and 8 for each item"),
    "list": Row(56, "Objects/listobject.c: without its buffer"),
    "dict": Row(64, "Objects/dictobject.c: without its table"),
    "set": Row(216, "Objects/setobject.c: with room for four, without its table"),
    "deque block": Row(528, "Modules/_collectionsmodule.c: 64 items"),
    "slotted": Row(32, "Objects/typeobject.c: and 8 for each field"),
    "instance": Row((56, 48, 48), "Objects/typeobject.c: without its fields"),
    "subclass": Row((8, 16, 16), "Objects/typeobject.c: in an exception of a class written in Python"),
    "generator": Row(
        (168, 160, 160), "Objects/genobject.c: and 8 for each local and stack slot; also coroutines"
    ),
    "frame": Row((136, 136, 152), "Objects/frameobject.c: and 8 for each local and stack slot"),
    "match": Row(104, "Modules/_sre/sre.c: and 16 for each group and the whole"),
}

_TUPLES = [
    FreeList(f"tuple of {n}", 2000, 40 + 8 * n, "Objects/tupleobject.c: PyTuple_MAXFREELIST")
    for n in range(1, 21)
]

# They are the same in the three versions.
FREE_LISTS: tuple[FreeList, ...] = (
    *_TUPLES,
    FreeList("float", 100, 24, "Objects/floatobject.c: PyFloat_MAXFREELIST"),
    FreeList("list", 80, 56, "Objects/listobject.c: PyList_MAXFREELIST"),
    FreeList("dict", 80, 64, "Objects/dictobject.c: PyDict_MAXFREELIST"),
    FreeList("table of 8 slots, all keys str", 80, 120, "Objects/dictobject.c: PyDict_MAXFREELIST"),
    FreeList("slice", 1, 56, "Objects/sliceobject.c: slice_cache"),
    FreeList("context", 255, 72, "Python/context.c: PyContext_MAXFREELIST"),
    FreeList("asynchronous generator's value", 80, 40, "Objects/genobject.c: _PyAsyncGen_MAXFREELIST"),
    FreeList("asynchronous generator's asend()", 80, 56, "Objects/genobject.c: _PyAsyncGen_MAXFREELIST"),
    FreeList("MemoryError", 16, 88, "Objects/exceptions.c: MEMERRORS_SAVE"),
)
