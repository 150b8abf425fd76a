"""What the gate has found: calls that held more than the analyser said, each once."""

from __future__ import annotations

from collections import deque


# -- free lists that calls fill and do not draw on
def list_calls(xs: list[int]) -> int:
    n = 0
    for _ in xs:
        _held = list((1, 2))  # noqa: C410 - the call is what this is about
        n += 1
    return n


def dict_copies(xs: list[int]) -> int:
    d = {"a": 1}
    n = 0
    for _ in xs:
        _held = d.copy()
        n += 1
    return n


def dict_stars(xs: list[int]) -> int:
    d = {"a": 1}
    n = 0
    for _ in xs:
        _held = {**d}
        n += 1
    return n


def dict_or(xs: list[int]) -> int:
    d = {"a": 1}
    n = 0
    for _ in xs:
        _held = d | d
        n += 1
    return n


def copied_displays(xs: list[int]) -> int:
    v = [0]
    for x in xs:
        v.append(x)
        _held = dict({"a": 1, "k": x})  # noqa: C418 - the call is what this is about
    return 1


def floats_let_go(xs: list[int]) -> bytes:
    ys = [x / 7 for x in xs]
    del ys
    return bytes(3100)


# -- what exceptions of built-ins hold
def float_error_live(s: str) -> int:
    try:
        return int(float(s))
    except ValueError:
        more = s * 2
        return len(more)


def index_error_live(xs: list[str], s: str) -> int:
    try:
        return xs.index(s)
    except ValueError:
        more = s * 2
        return len(more)


def deque_index(d: deque[str], s: str) -> int:
    return d.index(s)


def key_live(d: dict[str, int], s: str) -> int:
    try:
        return d[s * 3]
    except KeyError:
        return len(s * 2)


def key_live2(d: dict[str, int], s: str) -> int:
    try:
        return d.pop(s * 3)
    except KeyError:
        return len(s * 2)


def remove_live(xs: set[str], s: str) -> int:
    try:
        xs.remove(s * 3)
    except KeyError:
        pass
    return len(s * 2)


def encode_live4(s: str) -> int:
    try:
        return len((s + "x").encode("ascii"))
    except UnicodeEncodeError:
        return len(s * 4)


def decode_live(b: bytes) -> int:
    try:
        return len(b.decode())
    except UnicodeDecodeError:
        return len(b * 3)


# -- exceptions that no model raises
def divided(a: int, b: int) -> int:
    return a // b


def remainder(a: int, b: int) -> int:
    return _remainder(a, b)


def _remainder(a: int, b: int) -> int:
    return a % b


def shifted_back(a: int, b: int) -> int:
    return a >> b


def both(xs: list[int]) -> int:
    a, b = xs
    return a + b


def last_of(xs: list[int]) -> int:
    for x in xs:
        last = x
    return last


def without_hash(keys: dict[tuple[list[int], int], int], key: tuple[list[int], int]) -> int:
    return keys.get(key, 0)


def divided_late(a: int, data: bytes) -> int:
    try:
        doubled = data + data
        return len(doubled) // a
    except ZeroDivisionError:
        return len(data * 3)


# -- arguments that the call itself gathers
def star(*xs: str, sep: str = ",", **kw: str) -> str:
    return sep.join(xs) + "".join(kw.values())
