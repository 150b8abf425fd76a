"""Calls through abstract types, and of os."""

from __future__ import annotations

import operator
import os
import stat
import tempfile
from pathlib import Path

from model_cases import REGISTER, measured
from model_cases_containers import NOT_EMPTY

ALIKE = {
    "Sequence": (
        "list",
        ("__getitem__", "__len__", "__iter__", "__contains__", "__reversed__", "index", "count"),
    ),
    "MutableSequence": ("list", ("__getitem__", "__len__", "__iter__", "__contains__", "append")),
    "Mapping": (
        "dict",
        ("__getitem__", "__len__", "__iter__", "__contains__", "get", "items", "keys", "values"),
    ),
    "MutableMapping": (
        "dict",
        ("__getitem__", "__len__", "__iter__", "__contains__", "get", "items", "keys", "values"),
    ),
    "AbstractSet": ("set", ("__len__", "__iter__", "__contains__")),
    "MutableSet": ("set", ("__len__", "__iter__", "__contains__")),
    "Collection": ("dict", ("__len__", "__iter__", "__contains__")),
    "Iterable": ("dict", ("__iter__",)),
    "Sized": ("set", ("__len__",)),
    "Container": ("set", ("__contains__",)),
}
for abstract, (concrete, names) in ALIKE.items():
    for name in names:
        for case in REGISTER.cases[f"builtins.{concrete}.{name}"]:
            REGISTER.cases.setdefault(f"typing.{abstract}.{name}", []).append(case)
for name in ("__setitem__", "__delitem__"):
    REGISTER.cases[f"typing.MutableMapping.{name}"] = REGISTER.cases[f"builtins.dict.{name}"]


def set_item(container, index, item):
    container[index] = item


measured("typing.MutableSequence.__setitem__", set_item, *(lambda m=m: (m(), 0, 7) for m in NOT_EMPTY))
measured("typing.Iterator.__next__", next, *(lambda m=m: (iter(m()),) for m in NOT_EMPTY))
for view in ("KeysView", "ValuesView", "ItemsView"):
    own = [lambda n=n, v=view: (getattr(dict.fromkeys(range(n)), v[:-4].lower())(),) for n in (0, 1, 300)]
    measured(f"typing.{view}.__len__", len, *own)
    measured(f"typing.{view}.__iter__", iter, *own)
measured("typing.KeysView.__contains__", operator.contains, lambda: ({"a": 1}.keys(), "b"))
measured("typing.Iterator.__iter__", iter, lambda: (iter([1]),))

# -- os
FILE = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the cases
FILE.write(b"x" * 9000)
FILE.flush()
FD = FILE.fileno()
measured("os.close", os.close, lambda: (os.dup(FD),))
for name in ("fsync", "fdatasync"):
    measured(f"os.{name}", getattr(os, name), (FD,))
measured("os.isatty", os.isatty, (FD,))
measured("os.lseek", os.lseek, (FD, 0, 0), (FD, 5000, 0))
measured("os.ftruncate", os.ftruncate, (FD, 9000))
measured(
    "os.write", os.write, (FD, b"abc" * 200), lambda: (FD, bytearray(900)), lambda: (FD, memoryview(b"abc"))
)
measured("os.pwrite", os.pwrite, (FD, b"abc" * 200, 0), lambda: (FD, bytearray(900), 10))
measured("os.read", os.read, (FD, 0), (FD, 100), (FD, 20000))
measured("os.pread", os.pread, (FD, 0, 0), (FD, 100, 0), (FD, 20000, 0))
BUFFERS = [lambda n=n: [bytearray(100) for _ in range(n)] for n in (0, 1, 9)]
measured("os.readv", os.readv, *(lambda b=b: (FD, b()) for b in BUFFERS[1:]), lambda: (FD, (bytearray(9),)))
measured("os.preadv", os.preadv, *(lambda b=b: (FD, b(), 0) for b in BUFFERS[1:]))
measured("os.fstat", os.fstat, (FD,), (0,))
STATUS = [os.fstat(FD), os.stat(Path(__file__)), os.stat("/")]
for name in [
    "st_mode",
    "st_size",
    "st_ino",
    "st_dev",
    "st_nlink",
    "st_uid",
    "st_gid",
    "st_mtime_ns",
    "st_atime_ns",
    "st_ctime_ns",
]:
    measured(f"os.stat_result.{name}", operator.attrgetter(name), *((one,) for one in STATUS))
for name in ("S_ISDIR", "S_ISREG", "S_ISFIFO", "S_ISSOCK", "S_ISCHR", "S_ISLNK", "S_ISBLK"):
    measured(f"_stat.{name}", getattr(stat, name), *((one.st_mode,) for one in STATUS))
