"""Calls of str's methods."""

from __future__ import annotations

import operator

from model_cases import Given, measured

ASCII = ["", "a", "ab cd", "a" * 63, "a b" * 40, " " * 100, "x" * 3000, "\n".join("abcdefg" * 9), "," * 200]
WIDE = ["é", "é" * 40, "é b " * 30, "ж" * 33, "ж,ж," * 100, "\U00010000" * 25, "\U00010000 " * 200, "ÿß" * 50]
TEXTS = ASCII + WIDE
EACH = [(text,) for text in TEXTS]

for method in ("strip", "lstrip", "rstrip"):
    measured(
        f"builtins.str.{method}",
        getattr(str, method),
        *EACH,
        *((f"  {text} x  ",) for text in TEXTS),
        *((text, "a,") for text in TEXTS),
    )
for method in ("removeprefix", "removesuffix"):
    measured(f"builtins.str.{method}", getattr(str, method), *((text, "a") for text in TEXTS))
for method in ("lower", "upper", "casefold", "title", "capitalize", "swapcase"):
    extra = [
        ("ŉ" * 50,),
        ("ΐ" * 100,),
        ("ﬃ" * 80,),
        ("İ" * 70,),
        ("ÿ" * 90,),
        ("\U00010428" * 40,),
        ("ß" * 60,),
    ]
    measured(f"builtins.str.{method}", getattr(str, method), *EACH, *extra)
for method in ("split", "rsplit"):
    measured(
        f"builtins.str.{method}",
        getattr(str, method),
        *EACH,
        *((text, ",") for text in TEXTS),
        *((text, "ж") for text in TEXTS),
        *((text, None, 2) for text in TEXTS),
        *((text, ",", 3) for text in TEXTS),
        *(Given(text, sep=",", maxsplit=20) for text in TEXTS),
        ("ж ж " * 300,),
        (" ".join(["\U00010001" * 3] * 50),),
        (" ".join("abc" for _ in range(13)),),
        ("ab " * 500,),
    )
measured(
    "builtins.str.splitlines",
    str.splitlines,
    *EACH,
    *((text.replace(" ", "\n"),) for text in TEXTS),
    *((text.replace(",", "\n"), True) for text in TEXTS),
    ("ab\n" * 500,),
)
for method in ("partition", "rpartition"):
    measured(
        f"builtins.str.{method}",
        getattr(str, method),
        *((text, " ") for text in TEXTS),
        *((text, "zz") for text in TEXTS),
        *((text, "ж") for text in TEXTS),
    )
PIECES = [
    [],
    ["a"],
    ["ab", "cd"],
    ["abc"] * 100,
    ["ж", "a" * 100],
    ["\U00010000"] * 9,
    ["a" * 500, "\U00010000"],
    ["", "", ""],
]
for sep in ("", ",", "ж", ", " * 50):
    measured(
        "builtins.str.join",
        str.join,
        *((sep, pieces) for pieces in PIECES),
        *((sep, tuple(pieces)) for pieces in PIECES),
        *(lambda s=sep, p=pieces: (s, (one for one in p)) for pieces in PIECES),
        *(lambda s=sep, p=pieces: (s, iter(p)) for pieces in PIECES),
        *((sep, dict.fromkeys(pieces)) for pieces in PIECES),
        *((sep, set(pieces)) for pieces in PIECES),
        (sep, "abc" * 30),
        (sep, "жбц" * 30),
    )
measured(
    "builtins.str.replace",
    str.replace,
    *((text, "a", "b") for text in TEXTS),
    *((text, ",", "") for text in TEXTS),
    *((text, "a", "xyz") for text in TEXTS),
    *((text, "", "-") for text in TEXTS),
    *((text, " ", "\U00010000") for text in TEXTS),
    *((text, "a", "ж" * 9, 3) for text in TEXTS),
    *((text, "ж", "") for text in TEXTS),
    *((text, "ж", "a") for text in TEXTS),
)
for method in ("startswith", "endswith"):
    measured(
        f"builtins.str.{method}",
        getattr(str, method),
        *((text, "a") for text in TEXTS),
        *((text, ("b", "ж")) for text in TEXTS),
        *((text, "a", 1, 50) for text in TEXTS),
    )
for method in ("find", "rfind", "count"):
    measured(
        f"builtins.str.{method}",
        getattr(str, method),
        *((text, "a") for text in TEXTS),
        *((text, "ж") for text in TEXTS),
        *((text, "\U00010000", 2) for text in TEXTS),
        ("a" * 900 + "b" + "ж", "b" * 1),
        ("ж" * 900 + "b", "b"),
        ("ж" * 900 + "bcdefgh", "bcdefgh"),
    )
for method in ("index", "rindex"):
    measured(f"builtins.str.{method}", getattr(str, method), ("a" * 900 + "b", "b"), ("ж" * 900 + "b", "b"))
    measured(f"builtins.str.{method}", getattr(str, method), ("a" * 900, "b"), raises=True)
for method in [
    "isdigit",
    "isalpha",
    "isalnum",
    "isspace",
    "isupper",
    "islower",
    "istitle",
    "isdecimal",
    "isnumeric",
    "isidentifier",
    "isprintable",
    "isascii",
]:
    measured(f"builtins.str.{method}", getattr(str, method), *EACH)
measured(
    "builtins.str.encode",
    str.encode,
    *EACH,
    *((text, "utf-8") for text in TEXTS),
    *((text, "ascii") for text in ASCII),
    *((text, "latin-1", "replace") for text in TEXTS),
    *((text, "utf-8", "surrogateescape") for text in TEXTS),
    *((text, "ascii", "ignore") for text in TEXTS),
    *((text, "utf-16") for text in TEXTS),
)
measured("builtins.str.encode", str.encode, ("é" * 500, "ascii"), ("a" * 900 + "\ud800",), raises=True)
for method in ("ljust", "rjust", "center"):
    measured(
        f"builtins.str.{method}",
        getattr(str, method),
        *((text, 0) for text in TEXTS),
        *((text, 200) for text in TEXTS),
        *((text, 300, "ж") for text in TEXTS),
    )
measured("builtins.str.zfill", str.zfill, *((text, 7) for text in TEXTS), *((text, 300) for text in TEXTS))
measured(
    "builtins.str.expandtabs",
    str.expandtabs,
    *EACH,
    ("\t" * 100,),
    ("ж\t" * 50,),
    ("\t\t", 60),
)
measured("builtins.str.translate", str.translate, *((text, {97: "ж", 98: None}) for text in TEXTS))
measured(
    "builtins.str.maketrans",
    str.maketrans,
    ("abc", "xyz"),
    ("abcdefghijklmno", "xyzabcdefghijkl", "pqr"),
    ("жцў" * 3, "abc" * 3),
)
measured("builtins.str.__add__", lambda a, b: a + b, *((a, b) for a in TEXTS for b in TEXTS))
measured(
    "builtins.str.__mul__", lambda a, n: a * n, *((text, n) for text in TEXTS for n in (-1, 0, 1, 2, 7, 100))
)
measured(
    "builtins.str.__rmul__", lambda a, n: n * a, *((text, n) for text in TEXTS for n in (0, 1, 2, 7, 100))
)
SLICES = [
    slice(None),
    slice(1, None),
    slice(None, -1),
    slice(0, 10),
    slice(None, None, -1),
    slice(3, 3),
    slice(0, 5000),
]
measured(
    "builtins.str.__getitem__",
    lambda a, i: a[i],
    *((text, 0) for text in TEXTS if text),
    *((text, -1) for text in TEXTS if text),
    *((text, one) for text in TEXTS for one in SLICES),
)
measured(
    "builtins.str.__contains__",
    lambda a, b: b in a,
    *((a, b) for a in TEXTS for b in ("", "a", "ж", "a" * 40)),
)
for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    method = f"__{name}__"
    measured(
        f"builtins.str.{method}",
        getattr(operator, name),
        *((a, b) for a in TEXTS for b in ("", "a" * 50, "ж")),
    )
measured("builtins.str.__hash__", hash, *((lambda t=text: (t + "!",)) for text in TEXTS))
measured("builtins.str.__len__", len, *EACH)
measured("builtins.str.__iter__", iter, *EACH)
measured("builtins.str.__str__", lambda text: f"{text}", *EACH)
measured(
    "builtins.str.__repr__",
    repr,
    *EACH,
    ("\x00" * 100,),
    ("\ue000" * 100,),
    ("\U000f0000" * 100,),
    ("'\"" * 60,),
)
measured(
    "builtins.str.__format__",
    format,
    *((text, "") for text in TEXTS),
    *((text, ">10") for text in TEXTS),
    *((text, "ж^500") for text in TEXTS),
    *((text, "<5.3") for text in TEXTS),
)
ARGUMENTS = [
    (1,),
    (1.5,),
    ("abc",),
    ("ж" * 20,),
    (None,),
    ([1, 2, 3],),
    (b"ab\x00" * 20,),
    ({"a": (1, "ж")},),
]
measured(
    "builtins.str.format",
    str.format,
    ("abc",),
    *(("{}", *arguments) for arguments in ARGUMENTS),
    *(("{!r}", *arguments) for arguments in ARGUMENTS),
    *(("{0}{0}-{0}", *arguments) for arguments in ARGUMENTS),
    ("{:>50}|{:<9}", 5, "ab"),
    ("{:050.20f}", 1e300),
    ("{:,}", 10**40),
    ("{:b}", 10**40),
    ("{:x}{:c}", 10**40, 0x1F600),
    Given("{name}: {value!r:>10}", name="ж", value="x"),
    Given("{} {name}", 1.5e300, name=2**70),
    ("{}" * 40, *range(1000, 1040)),
    ("ж" * 200 + "{}", 7),
)
measured(
    "builtins.str.__mod__",
    lambda template, given: template % given,
    *(("%s", arguments) for arguments in ARGUMENTS),
    *(("<%r>", arguments) for arguments in ARGUMENTS),
    ("%d and %s", (7, "ж" * 50)),
    ("%s", "abc" * 100),
    ("%05d|%-20s|%x", (3, "ab", 255)),
    ("%s", 5),
    ("%d", 10**50),
    ("%.3f", 1e300),
    ("%(a)s-%(b)d", {"a": "ж", "b": 10**30}),
    ("%s" * 40, tuple(range(1000, 1040))),
    ("100%%", ()),
    ("%c", 0x1F600),
    ("%300s", "a"),
)
