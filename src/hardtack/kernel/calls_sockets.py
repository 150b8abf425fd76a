"""The system calls on sockets: preview1's, and `posix`'s that make them.

Handlers as in `calls`. An address is a sockaddr as C programs have it: a family of two bytes, then a TCP port
in network order and an IPv4 address (0.0.0.0 or 127.0.0.1), or a name that ends with the address or with NUL.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.abi import EBADF, EFAULT, EINVAL, ENOTSOCK, OK, PAIR, U32
from hardtack.kernel.calls import count_moved, first_buffer, install
from hardtack.kernel.params import MAX_IO, SOCKET_NAME_MAX, STEP_IO
from hardtack.kernel.sockets import Socket

if TYPE_CHECKING:
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Transfer, Word

_LOOPBACK: Final = (b"\0\0\0\0", b"\x7f\0\0\1")


# -- preview1
def sock_accept(process: Process, fd: Word, flags: Word, out: Word) -> int:
    """Take a connection that waits at a listening socket; wait until there is one."""
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    if out + 4 > len(process.memory):
        return EFAULT
    if flags & ~abi.FDFLAG_NONBLOCK:
        return EINVAL
    number = process.descriptors.lowest_free()
    if number < 0:
        return abi.EMFILE
    accepted = description.accept(process, flags)
    if isinstance(accepted, int):
        return accepted
    install(process, number, accepted)
    U32.pack_into(process.memory, out, number)
    return OK


def sock_recv(
    process: Process, fd: Word, vectors: Word, count: Word, flags: Word, out: Word, out_flags: Word
) -> int:
    """Read from a socket."""
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    if flags & ~(abi.RECV_PEEK | abi.RECV_WAITALL):
        return EINVAL
    memory = process.memory
    try:
        start, size = first_buffer(memory, vectors, count)
    except struct.error:
        return EFAULT
    size = min(size, MAX_IO)
    end = len(memory)
    if start + size > end or out + 4 > end or out_flags + 2 > end:
        return EFAULT
    done = description.receive(process, start, size, flags)
    if done < 0:
        return -done
    U32.pack_into(memory, out, done)
    abi.U16.pack_into(memory, out_flags, 0)  # only datagrams are ever cut short
    return OK


def sock_send(process: Process, fd: Word, vectors: Word, count: Word, flags: Word, out: Word) -> int:
    """Write to a socket."""
    return _send(process, fd, vectors, count, flags, out, MAX_IO)


def sock_send_step(process: Process, fd: Word, vectors: Word, count: Word, flags: Word, out: Word) -> int:
    """As sock_send, of STEP_IO bytes in this turn."""
    return _send(process, fd, vectors, count, flags, out, STEP_IO)


def _send(
    process: Process, fd: Word, vectors: Word, count: Word, flags: Word, out: Word, most: Transfer
) -> int:
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    if flags:
        return EINVAL
    memory = process.memory
    try:
        start, size = first_buffer(memory, vectors, count)
    except struct.error:
        return EFAULT
    if start + size > len(memory) or out + 4 > len(memory):
        return EFAULT
    moved = process.moved
    done = description.send(process, start + moved, min(size - moved, most))
    return count_moved(process, done, done > 0, size, out)


def sock_shutdown(process: Process, fd: Word, how: Word) -> int:
    """End what a connection reads, what it writes, or both."""
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    if how == 0 or how & ~(abi.SHUT_RD | abi.SHUT_WR):
        return EINVAL
    return description.shutdown(how)


# -- posix
def _check(domain: Word, kind: Word) -> int:
    if domain not in {abi.AF_INET, abi.AF_UNIX}:
        return abi.EAFNOSUPPORT
    return OK if kind & ~abi.SOCK_NONBLOCK == abi.SOCK_STREAM else abi.EPROTOTYPE


def _new(process: Process, domain: Word, kind: Word) -> Socket:
    group = process.group
    with group.heap:
        flags = abi.FDFLAG_NONBLOCK if kind & abi.SOCK_NONBLOCK else 0
        return Socket(process.system, group, domain, flags)


def socket(process: Process, domain: Word, kind: Word, out: Word) -> int:
    """Make a socket that is neither bound nor connected."""
    if out + 4 > len(process.memory):
        return EFAULT
    errno = _check(domain, kind)
    if errno:
        return errno
    number = process.descriptors.lowest_free()
    if number < 0:
        return abi.EMFILE
    install(process, number, _new(process, domain, kind))
    U32.pack_into(process.memory, out, number)
    return OK


def socketpair(process: Process, domain: Word, kind: Word, out: Word) -> int:
    """Make two sockets that are connected to each other."""
    if out + 8 > len(process.memory):
        return EFAULT
    errno = _check(domain, kind)
    if errno:
        return errno
    if domain != abi.AF_UNIX:
        return abi.ENOTSUP
    descriptors = process.descriptors
    if not descriptors.has_room(2):
        return abi.EMFILE
    one, other = _new(process, domain, kind), _new(process, domain, kind)
    one.pair(other)
    first = descriptors.lowest_free()
    install(process, first, one)
    second = descriptors.lowest_free()
    install(process, second, other)
    PAIR.pack_into(process.memory, out, first, second)
    return OK


def bind(process: Process, fd: Word, address: Word, size: Word) -> int:
    """Give a socket a name."""
    found = _socket(process, fd)
    if isinstance(found, int):
        return found
    name = get_name(process, address, size, found.domain)
    return name if isinstance(name, int) else found.bind(name)


def listen(process: Process, fd: Word, backlog: Word) -> int:
    """Let others connect to a socket's name."""
    found = _socket(process, fd)
    return found if isinstance(found, int) else found.listen(backlog)


def connect(process: Process, fd: Word, address: Word, size: Word) -> int:
    """Connect a socket to the one that listens at a name; wait while too many others do."""
    found = _socket(process, fd)
    if isinstance(found, int):
        return found
    name = get_name(process, address, size, found.domain)
    return name if isinstance(name, int) else found.connect(process, name)


def _socket(process: Process, fd: Word) -> Socket | int:
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    return description if isinstance(description, Socket) else ENOTSOCK


def get_name(process: Process, address: Word, size: Word, domain: Word) -> bytes | int:
    """Return the name in an address, or an errno: the family's byte, then the port's two or the name's."""
    if size > 2 + SOCKET_NAME_MAX + 1:
        return EINVAL
    if address + size > len(process.memory):
        return EFAULT
    if size < 2:
        return EINVAL
    given = bytes(process.memory[address : address + size])
    if given[0] != domain or given[1]:
        return abi.EAFNOSUPPORT
    if domain == abi.AF_INET:
        if size < 8:
            return EINVAL
        port = given[2:4]
        if port == b"\0\0" or given[4:8] not in _LOOPBACK:
            return abi.EADDRNOTAVAIL
        return given[:1] + port
    end = given.find(b"\0", 2)
    end = size if end < 0 else end
    if end == 2 or end > 2 + SOCKET_NAME_MAX:
        return EINVAL
    return given[:1] + given[2:end]
