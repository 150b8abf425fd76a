"""What integers and names of the kernel keep to, stated for the analyser; nothing checks it at run time.

So a bound mentions neither the digits of a number nor how long a name is.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from annotated_types import Interval, MaxLen

from hardtack.kernel.params import MAX_ARGUMENT_BYTES, MAX_IO, NAME_MAX, PAGE, PATH_MAX, TABLE_ITEMS

Word: TypeAlias = Annotated[int, Interval(ge=0, lt=1 << 32)]  # a guest's i32: a pointer, a size, a descriptor
Asked: TypeAlias = Annotated[int, Interval(ge=0)]  # the same of which a bound tells: how much is asked for
Long: TypeAlias = Annotated[int, Interval(ge=0, lt=1 << 64)]  # a guest's i64, a time in ns
Signed: TypeAlias = Annotated[int, Interval(ge=-(1 << 63), lt=1 << 63)]  # as a disk keeps it
Mask: TypeAlias = Annotated[int, Interval(ge=0, lt=1 << 64)]  # of a node's 64 slots
Count: TypeAlias = Annotated[int, Interval(ge=0, lt=1 << 30)]  # of objects, all of which fit in memory
Rank: TypeAlias = Annotated[int, Interval(ge=0, le=16)]  # of a node in a priority queue
Errno: TypeAlias = Annotated[int, Interval(ge=0, le=255)]
Rights: TypeAlias = Annotated[int, Interval(ge=0, lt=1 << 64)]
Events: TypeAlias = Annotated[int, Interval(ge=0, le=255)]  # of poll(2), those that are waited for
Flags: TypeAlias = Annotated[int, Interval(ge=0, lt=1 << 32)]
Bytes: TypeAlias = Annotated[int, Interval(ge=0, lt=1 << 47)]  # that a heap holds
Number: TypeAlias = Annotated[int, Interval(ge=0, lt=TABLE_ITEMS)]  # in a table
Position: TypeAlias = Annotated[int, Interval(ge=0, lt=1 << 63)]  # in a file
FileSize: TypeAlias = Annotated[int, Interval(ge=0, lt=1 << 38)]  # up to MAX_FILE
Transfer: TypeAlias = Annotated[int, Interval(ge=0, le=MAX_IO)]  # bytes that one call moves
HostNumber: TypeAlias = Annotated[int, Interval(ge=-1, lt=1 << 31)]  # a descriptor of the host's, -1 for none
InodeNumber: TypeAlias = Annotated[int, Interval(ge=0, lt=1 << 36)]  # up to disk_rows.MOST_INODES

Name: TypeAlias = Annotated[bytes, MaxLen(NAME_MAX)]
Kind: TypeAlias = Annotated[str, MaxLen(20)]  # of a directory in /proc, /dev or /bin; the state of a process
PathBytes: TypeAlias = Annotated[bytes, MaxLen(PATH_MAX)]
ProgramName: TypeAlias = Annotated[str, MaxLen(PATH_MAX)]
Block: TypeAlias = Annotated[bytes, MaxLen(MAX_ARGUMENT_BYTES)]  # of arguments, each with its NUL
Page: TypeAlias = Annotated[bytearray, MaxLen(PAGE)]
LinearMemory: TypeAlias = Annotated[memoryview, MaxLen(1 << 32)]  # a guest's
