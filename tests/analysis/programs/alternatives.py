"""Objects of which one is alive, and what only looks like it; replacements that follow one another."""

from __future__ import annotations

from hardtack.annotations import loop_bound


# -- one of several
def escaped(text: str) -> str:
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if '"' in text:
        text = text.replace('"', "&quot;")
    return text


def both_alive(data: bytes, longer: bool) -> int:
    first = data * 2
    second = data * 3
    one = second if longer else first
    return len(one + first + second)


def swapped(text: str, flags: list[bool]) -> int:
    one = text
    two = text
    for flag in flags:
        one = text * 2 if flag else text * 3
        two, one = one, two
    return len(one) + len(two)


def kept(text: str, twice: bool) -> list[str]:
    one = text + "a"
    if twice:
        one = one * 2
    every = [one]
    one = text * 3
    every.append(one)
    return every


# -- what was put in is replaced in turn
def replaced_twice(data: bytes) -> bytes:
    return data.replace(b"&", b"aa").replace(b"a", b"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")


def replaced_some(text: str) -> str:
    return text.replace("&", "1234", 3).replace("q", "&&&&&&").replace("&", "12345678")


# -- what lost cycles refer to
class Node:
    def __init__(self, data: bytes) -> None:
        self.other: Node | None = None
        self.data = data


def held_by_a_lost_cycle(data: bytes) -> int:
    big = data + b"x"
    node = Node(big)
    node.other = node
    del node
    count = len(data[:1] + b"z")
    del big
    return len(data + b"y") + count


def held_by_lost_cycles(data: bytes) -> int:
    count = 0
    for _ in range(4):
        big = data + b"x"
        node = Node(big)
        node.other = node
        del node
        count += len(data[:1] + b"z")
        del big
    return count


# -- numbers of which each dies before the next
def turns() -> int:
    last = 0
    for turn in loop_bound(10_000):
        last = turn
        if turn == 9_990:
            break
    return last


def turns_gathered() -> list[int]:
    return list(iter([number * number for number in range(5000)]))
