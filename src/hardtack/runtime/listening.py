"""Sockets of the host that programs are given to accept connections at."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from hardtack.errors import KernelError

if TYPE_CHECKING:
    from collections.abc import Sequence

_BACKLOG = 128


def parse_address(text: str) -> tuple[str, int]:
    """Return the address, in numbers, and the port in ADDR:PORT; an IPv6 address stands in brackets.

    Raises:
        KernelError: it is none.

    Example:
        >>> parse_address("127.0.0.1:8080"), parse_address("[::1]:0")
        (('127.0.0.1', 8080), ('::1', 0))
    """
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise KernelError(f"{text!r} is no address to listen at: write ADDR:PORT, such as 127.0.0.1:8080")
    return host, int(port)


def open_listeners(where: Sequence[str | socket.socket]) -> list[socket.socket]:
    """Return listening sockets of our own: of the addresses given, and duplicates of the sockets given.

    Raises:
        KernelError: no socket can listen at an address, or a socket given does not listen.
        TypeError: one is neither a string nor a socket.
    """
    made: list[socket.socket] = []
    try:
        made.extend(_listen_at(one) if isinstance(one, str) else _duplicate(one) for one in where)
    except BaseException:
        close_all(made)
        raise
    return made


def close_all(sockets: Sequence[socket.socket]) -> None:
    """Close sockets that no program got."""
    for one in sockets:
        one.close()


def _listen_at(text: str) -> socket.socket:
    host, port = parse_address(text)
    try:
        numeric = socket.AI_NUMERICHOST  # a name server's answer would have to be waited for
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=numeric)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        number = error.errno or 0  # below zero, it is of another table than the host's
        why = os.strerror(number) if number > 0 else error.strerror  # which may repeat the address
        raise KernelError(f"cannot listen at {text}: {why}") from None


def _duplicate(given: socket.socket) -> socket.socket:
    if not isinstance(given, socket.socket):
        raise TypeError(f"listen is a sequence of addresses and sockets; {given!r} is neither")
    try:
        if given.type == socket.SOCK_STREAM and given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return given.dup()
    except OSError as error:
        raise KernelError(f"{given!r}: {error.strerror}") from None
    raise KernelError(f"{given!r} is no stream socket that listens")
