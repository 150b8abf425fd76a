from __future__ import annotations

from values import SIZES, calls, octets

from hardtack.lab.measuring import given
from programs import parsing

LINES = [
    b"a,1,2",
    b"",
    b",",
    b",,",
    b"x" * 3000 + b",1,2",
    b"a," + b"9" * 4300 + b",1",
    b"a,b,c",
    b"\xff,1,2",
    b"a,1",
]
BODIES = [
    *LINES,
    *(b"\n" * size for size in (0, 1, 7, 300)),
    *(
        b"\n".join(b"n%d,%d,%d" % (row, row + 300, row + 9000) for row in range(size))
        for size in (*SIZES, 1000)
    ),
    b"\n".join([b"a," + b"9" * 400 + b"," + b"8" * 400] * 50),
    b"\r\n".join([b"a,5,5"] * 500),
    b"a,1\n" * 400,
]
TEXTS = [
    "\n".join(f"name{row}: value{row}" for row in range(400)),
    "\n".join(f"{chr(0x10000 + row)}:{chr(0x20000 + row)}" for row in range(400)),
    "a:b\n" * 400,
    "&".join(f"k{row}=v{row}" for row in range(400)),
    "&".join(f"k{row}={row}&k{row}={row}" for row in range(200)),
    "k=v&" * 400,
    ",".join('"a,b"' for _ in range(300)),
    "," * 1000,
    '"' + "," * 1000,
]


def of_bytes(bodies):
    return [lambda body=body: given(body) for body in [*bodies, *octets()]]


def of_text(function):
    return [*calls(function), *(lambda text=text: given(text) for text in TEXTS)]


INPUTS = {
    parsing.headers: of_text(parsing.headers),
    parsing.record: of_bytes(LINES),
    parsing.records: of_bytes(BODIES),
    parsing.total_of_lines: of_bytes(BODIES),
    parsing.tokens: of_text(parsing.tokens),
    parsing.query: of_text(parsing.query),
    parsing.csv_row: of_text(parsing.csv_row),
}
DOCUMENTS = [
    "[" * 400 + "]" * 400,
    '{"":' * 300 + "0" + "}" * 300,
    "[[[]]]",
    "null",
    '"\U0001f600"',
    "",
    "{",
    "9" * 4300,
]
DOCUMENTS += [
    "{" + ",".join(f'"{chr(0x10000 + row)}":[]' for row in range(700)) + "}",
    "[" + "[[]]," * 900 + "0]",
]
INPUTS[parsing.decoded] = [lambda t=t: given(t) for t in DOCUMENTS]
INPUTS[parsing.decoded_each] = [lambda n=n: given(DOCUMENTS[:n] * 3) for n in range(len(DOCUMENTS))]
