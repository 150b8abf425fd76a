"""WASI preview1 as numbers: errnos, rights, flags, file types, and the layouts of its structures.

Source: WASI preview1 witx (wasi_snapshot_preview1.witx, typenames.witx). Values that no handler uses are
left out. These are plain ints: an enum member costs an object at each `|`.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from hardtack.kernel import _words

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.annotations import assume_bound
    from hardtack.kernel.ranges import Word

    _Pack: TypeAlias = Annotated[
        Callable[[memoryview, int, int], None], assume_bound("600", returned="0", retained="0")
    ]
    _Fits: TypeAlias = Annotated[
        Callable[[memoryview, int, int], bool], assume_bound("600", returned="0", retained="0")
    ]
    _UnpackPair: TypeAlias = Annotated[
        Callable[[memoryview, int], tuple[Word, Word]], assume_bound("600", returned="144", retained="0")
    ]

# -- errno
OK: Final = 0
E2BIG: Final = 1
EACCES: Final = 2
EADDRINUSE: Final = 3
EADDRNOTAVAIL: Final = 4
EAFNOSUPPORT: Final = 5
EAGAIN: Final = 6
EBADF: Final = 8
EBUSY: Final = 10
ECHILD: Final = 12
ECONNABORTED: Final = 13
ECONNREFUSED: Final = 14
ECONNRESET: Final = 15
EDESTADDRREQ: Final = 17
EEXIST: Final = 20
EFAULT: Final = 21
EFBIG: Final = 22
EILSEQ: Final = 25
EINVAL: Final = 28
EIO: Final = 29
EISCONN: Final = 30
EISDIR: Final = 31
ELOOP: Final = 32
EMFILE: Final = 33
EMLINK: Final = 34
ENAMETOOLONG: Final = 37
ENFILE: Final = 41
ENOENT: Final = 44
ENOEXEC: Final = 45
ENOMEM: Final = 48
ENOSPC: Final = 51
ENOTCONN: Final = 53
ENOTDIR: Final = 54
ENOTEMPTY: Final = 55
ENOTSOCK: Final = 57
ENOTSUP: Final = 58
ENXIO: Final = 60
EPERM: Final = 63
EPIPE: Final = 64
EPROTOTYPE: Final = 67
ERANGE: Final = 68
EROFS: Final = 69
ESPIPE: Final = 70
ESRCH: Final = 71
EXDEV: Final = 75

# Not an errno: the call could not go on, the guest suspends and makes it again when it is resumed.
WAIT: Final = 0xFFFF_FFFE

# -- file types
UNKNOWN: Final = 0
CHARACTER_DEVICE: Final = 2
DIRECTORY: Final = 3
REGULAR_FILE: Final = 4
SOCKET_STREAM: Final = 6
SYMBOLIC_LINK: Final = 7

# -- rights
RIGHT_READ: Final = 1 << 1
RIGHT_SEEK: Final = 1 << 2
RIGHT_FDSTAT_SET_FLAGS: Final = 1 << 3
RIGHT_TELL: Final = 1 << 5
RIGHT_WRITE: Final = 1 << 6
RIGHT_ALLOCATE: Final = 1 << 8
RIGHT_SET_SIZE: Final = 1 << 22
RIGHT_POLL: Final = 1 << 27
RIGHT_SOCK_SHUTDOWN: Final = 1 << 28
RIGHT_SOCK_ACCEPT: Final = 1 << 29
ALL_RIGHTS: Final = (1 << 30) - 1
FILE_RIGHTS: Final = 0xFF | RIGHT_ALLOCATE | 1 << 21 | RIGHT_SET_SIZE | 1 << 23 | RIGHT_POLL
STREAM_RIGHTS: Final = RIGHT_READ | RIGHT_WRITE | RIGHT_FDSTAT_SET_FLAGS | 1 << 21 | RIGHT_POLL
SOCKET_RIGHTS: Final = STREAM_RIGHTS | RIGHT_SOCK_SHUTDOWN | RIGHT_SOCK_ACCEPT
DIRECTORY_RIGHTS: Final = ALL_RIGHTS & ~(
    RIGHT_READ | RIGHT_SEEK | RIGHT_TELL | RIGHT_WRITE | RIGHT_ALLOCATE | RIGHT_SET_SIZE
)
OPENED_DIRECTORY_RIGHTS: Final = DIRECTORY_RIGHTS | RIGHT_READ  # as wasmtime reports them; nothing is read

# -- flags
O_CREAT: Final = 1
O_DIRECTORY: Final = 2
O_EXCL: Final = 4
O_TRUNC: Final = 8
FDFLAG_APPEND: Final = 1
FDFLAG_DSYNC: Final = 2
FDFLAG_NONBLOCK: Final = 4
FDFLAG_RSYNC: Final = 8
FDFLAG_SYNC: Final = 16
SET_ATIM: Final = 1
SET_ATIM_NOW: Final = 2
SET_MTIM: Final = 4
SET_MTIM_NOW: Final = 8
SEEK_SET: Final = 0
SEEK_CUR: Final = 1
SEEK_END: Final = 2
CLOCK_REALTIME: Final = 0
CLOCK_MONOTONIC: Final = 1
CLOCK_THREAD_CPUTIME: Final = 3  # 2 is the process's, which is the same: a process has one thread
EVENT_CLOCK: Final = 0
EVENT_READ: Final = 1
EVENT_WRITE: Final = 2
EVENT_HANGUP: Final = 1
NOHANG: Final = 1
WAIT_OPTIONS: Final = 1 | 2 | 8  # WNOHANG; WUNTRACED and WCONTINUED, which nothing ever answers to

# Signals whose default is to end the process, as preview1 numbers them: HUP, INT, QUIT, ILL, TRAP, ABRT, BUS,
# FPE, KILL, USR1, SEGV, USR2, PIPE, ALRM, TERM; XCPU, XFSZ, VTALRM, PROF; POLL, PWR, SYS.
ENDING_SIGNALS: Final = frozenset({*range(1, 16), *range(23, 27), *range(28, 31)})
PREOPEN_DIRECTORY: Final = 0
PREOPEN_SOCKET: Final = 1  # of our own: preview1 knows directories alone
RECV_PEEK: Final = 1
RECV_WAITALL: Final = 2
SHUT_RD: Final = 1
SHUT_WR: Final = 2
AF_INET: Final = 1  # as wasi-libc has them, and the next three
AF_UNIX: Final = 3
SOCK_STREAM: Final = 6
SOCK_NONBLOCK: Final = 0x4000

# -- layouts, little-endian
U16: Final = Struct("<H")
U32: Final = Struct("<I")
U64: Final = Struct("<Q")
PAIR: Final = Struct("<II")
# What the most frequent calls do instead with U32.pack_into, U64.pack_into and PAIR.unpack_from, and before.
pack_u32: Final[_Pack] = _words.put_u32
pack_u64: Final[_Pack] = _words.put_u64
unpack_pair: Final[_UnpackPair] = _words.get_pair
fits: Final[_Fits] = _words.fits
FDSTAT: Final = Struct("<BxHxxxxQQ")
FILESTAT: Final = Struct("<QQBxxxxxxxQQQQQ")
DIRENT: Final = Struct("<QQIBxxx")
DIRENT_BYTES: Final = 24  # its size
SUBSCRIPTION: Final = Struct("<QB7x")  # then, at 16: the clock's or the descriptor's part
SUBSCRIPTION_CLOCK: Final = Struct("<I4xQQH")
EVENT: Final = Struct("<QHB5xQH6x")
SUBSCRIPTION_BYTES: Final = 48
EVENT_BYTES: Final = 32
