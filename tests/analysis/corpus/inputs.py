"""Inputs of the corpus: for each function, makers of arguments, its worst cases among them.

`inputs(entry)` yields them; what a function takes by type is filled from `values`, and what makes it work at all (a
network's text, a parsed tree, an object with its state) is written here. A maker returns new arguments each time.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import io
import itertools
import math
import random
import re
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardtack.lab.measuring import given

sys.path.insert(0, str(Path(__file__).parents[1]))

from values import FLOATS, NUMBERS, SIZES, WIDTHS, adversarial, distinct, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from materialise import Entry

    from hardtack.lab.measuring import Make

_GENERATORS: dict[str, Any] = {}
MANY = (0, 1, 2, 5, 8, 9, 10, 11, 16, 21, 22, 42, 43, 85, 86, 171, 342, 1000)


def inputs_of(*names: str) -> Callable[[Any], Any]:
    """Register a generator of inputs; it is given the module that the function is in."""

    def register(generator: Any) -> Any:
        for name in names:
            _GENERATORS[name] = generator
        return generator

    return register


def function(entry: Entry) -> Any:
    """Return a function of the corpus, a method unbound; the corpus' folder has to be on the path."""
    module, _, qualified = entry.target.partition(":")
    found: Any = importlib.import_module(module)
    for part in qualified.split("."):
        found = inspect.getattr_static(found, part)
    if isinstance(found, property):
        return found.fget
    return getattr(found, "__func__", found)


def inputs(entry: Entry) -> Iterator[Make]:
    """Yield makers of a function's arguments."""
    yield from _GENERATORS[entry.name](importlib.import_module(entry.target.partition(":")[0]))


def each(*columns: Iterable[Any], limit: int = 300) -> Iterator[Make]:
    """Yield makers of positional arguments: every combination, or where they are too many every value and a sample."""
    pools = [list(column) for column in columns]
    chance = random.Random(4)
    if math.prod(map(len, pools)) <= limit:
        rows = list(itertools.product(*pools))
    else:
        longest = max(map(len, pools))
        rows = [
            tuple(pool[(row * step) % len(pool)] for step, pool in enumerate(pools, 1))
            for row in range(longest)
        ]
        rows += [tuple(map(chance.choice, pools)) for _ in range(limit - longest)]
    for chosen in rows:
        yield lambda chosen=chosen: given(*copy.deepcopy(chosen))


def on(make: Callable[..., Any], *columns: Iterable[Any]) -> Iterator[Make]:
    """Yield makers for a method of an object that is made anew from the first column's value."""
    for maker in each(*columns):

        def made(maker: Make = maker) -> Any:
            (first, *rest), _ = maker()
            return given(make(first), *rest)

        yield made


def shuffled(items: list[Any], seed: int = 4) -> list[Any]:
    return random.Random(seed).sample(items, len(items))


HEAPS = [sorted(distinct(int, size)) for size in MANY] + [[5] * 300, sorted(NUMBERS)]
BOOLS = (False, True)
PATHS = [
    *texts((0, 1, 100, 2000)),
    "/".join("abc" * 20),
    "/" * 300,
    "../" * 200,
    "/a" * 500,
    "a/./../b//" * 100,
    "/\U0001f600" * 300,
    *("/" + "/".join(distinct(str, size)) for size in MANY),
]


# -- the standard library
@inputs_of("xml.etree.ElementTree:_namespaces")
def _(m: types.ModuleType) -> Iterator[Make]:
    def tree(shape: tuple[int, int, str]) -> Any:
        count, attributes, wide = shape
        root = m.Element("{urn:root}root")
        for number in range(count):
            child = m.SubElement(root, f"{{urn:{wide}{number % 50}}}tag{number}", {})
            for name in range(attributes):
                child.set(f"{{urn:a{name}}}{wide}{number}-{name}", "v" * name)
        if count == 3:
            root.text = m.QName("urn:text", "q")
            root.append(m.Comment("c"))
            root.append(m.Element("plain"))
            root.append(m.Element(7))  # which is an error
        deep = root
        for number in range(min(count, 100)):
            deep = m.SubElement(deep, f"deep{number}")
        return root

    shapes = itertools.product((0, 1, 3, 10, 43, 171, 400), (0, 1, 6), WIDTHS)
    yield from on(tree, shapes, (None, None, "urn:root", "", "urn:other"))


@inputs_of("json.scanner:py_make_scanner")
def _(m: types.ModuleType) -> Iterator[Make]:
    decoder = importlib.import_module("typed_stdlib.json.decoder")
    for options in ({}, {"strict": False}, {"parse_float": str}, {"object_pairs_hook": list}):
        yield lambda options=options: given(decoder.JSONDecoder(**options))


HEADERS = [
    "text/plain",
    "TEXT/HTML; charset=utf-8",
    "nonsense",
    "",
    "a/b/c",
    ";" * 500,
    "text/plain; " + "; ".join(f"p{n}=v{n}" for n in range(300)),
    'attachment; filename="' + "f" * 3000 + '"',
    "attachment; filename*=utf-8''" + "%e2%82%ac" * 500,
    "attachment; " + "; ".join(f"filename*{n}*=%20part{n}" for n in range(200)),
    "attachment; filename=" + '"a\\"b;c" ' * 200,
    'text/plain; name="' + "\u20ac" * 1000 + '"',
    *texts((1, 1000)),
]


def _message(m: types.ModuleType) -> Callable[[str], Any]:
    def message(header: str) -> Any:
        made = m.Message()
        for number in range(len(header) % 30):
            made[f"X-{number}"] = "v"
        made["Content-Type"] = header
        made["Content-Disposition"] = header
        return made

    return message


@inputs_of("email.message:Message.get_content_type")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield lambda: given(m.Message())
    yield from on(_message(m), HEADERS)


@inputs_of("email.message:Message.get_filename")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield lambda: given(m.Message(), "none")
    yield from on(_message(m), HEADERS, (None, "", "default"))


FRACTIONS = [(1, 2), (0, 1), (-7, 3), (10, 1), (2**200, 3**200), (-(2**900), 1), (5, 2), (7, 2), (1, 10**400)]


@inputs_of("fractions:Fraction.__rpow__")
def _(m: types.ModuleType) -> Iterator[Make]:
    exponents = [(0, 1), (1, 1), (7, 1), (100, 1), (3000, 1), (-3, 1), (1, 2), (-1, 3), (10**6, 7)]
    yield from on(lambda pair: m.Fraction(*pair), exponents, [n for n in NUMBERS if n.bit_length() < 400])


@inputs_of("fractions:Fraction.__round__")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from on(lambda pair: m.Fraction(*pair), FRACTIONS * 8, (None, 0, 1, -1, 5, -20, 300, -300))


@inputs_of("heapq:heapreplace")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each(HEAPS * 4, NUMBERS)


@inputs_of("heapq:_heapreplace_max")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each([heap[::-1] for heap in HEAPS] * 4, NUMBERS)


NETWORKS = ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9", "192.168.1.0/24", "255.255.255.255/32"]
NETWORKS6 = [
    "::/0",
    "2001:db8::/32",
    "2001:db8::/64",
    "fe80::/10",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
]


@inputs_of("ipaddress:_BaseNetwork.compare_networks")
def _(m: types.ModuleType) -> Iterator[Make]:
    for one, other in itertools.product(NETWORKS + NETWORKS6, repeat=2):
        yield lambda one=one, other=other: given(m.ip_network(one), m.ip_network(other))
    for one in NETWORKS + NETWORKS6:
        yield lambda one=one: given(*[m.ip_network(one)] * 2)


@inputs_of("ipaddress:IPv4Interface.__init__")
def _(m: types.ModuleType) -> Iterator[Make]:
    addresses = [
        *NETWORKS,
        "1.2.3.4",
        "1.2.3.4/255.255.0.0",
        "1.2.3.4/0.0.255.255",
        "1.2.3.4/33",
        "256.1.1.1",
    ]
    addresses += [
        "01.2.3.4",
        "",
        "1.2.3.4/",
        "/" * 300,
        ".".join("1" * 300),
        "1.2.3." + "4" * 3000,
        *texts((1, 500)),
    ]
    yield from on(lambda _: m.IPv4Interface.__new__(m.IPv4Interface), [None], addresses)


PROSE = [
    *texts(),
    "The quick brown fox. Jumps over!  The lazy dog? Yes.\n\n" * 60,
    "word-with-hyphens and em--dashes " * 80,
    "x" * 3000,
    "a b " * 1000,
    "\t\n\v " * 300,
    " ".join("\U0001f600" * n for n in range(1, 60)),
    " ".join(distinct(str, 1000)),
]


@inputs_of("textwrap:TextWrapper.wrap")
def _(m: types.ModuleType) -> Iterator[Make]:
    options: list[dict[str, Any]] = [
        {},
        {"width": 1},
        {"width": 5000},
        {"fix_sentence_endings": True},
        {"break_long_words": False, "break_on_hyphens": False},
        {"initial_indent": "-" * 50, "subsequent_indent": " " * 40},
        {"max_lines": 3, "placeholder": " [...]"},
        {"drop_whitespace": False, "expand_tabs": False, "replace_whitespace": False},
        {"width": 0},
    ]
    yield from on(lambda chosen: m.TextWrapper(**chosen), options, PROSE)
    for text in PROSE[-8:]:
        yield from on(lambda chosen: m.TextWrapper(**chosen), options, [text])


@inputs_of("textwrap:TextWrapper._fix_sentence_endings")
def _(m: types.ModuleType) -> Iterator[Make]:
    chunks = [[], ["a."], ["foo.", " ", "Bar", " ", "baz!", " ", "x"], ["end.", " "] * 500, [" "] * 300]
    yield from on(
        lambda _: m.TextWrapper(fix_sentence_endings=True), [None], chunks + list(adversarial(list[str]))
    )


def _sorter(m: types.ModuleType) -> Callable[[tuple[str, int]], Any]:
    def sorter(shape: tuple[str, int]) -> Any:
        kind, size = shape
        names = distinct(str, size)
        graph: dict[str, list[str]] = {name: [] for name in names}
        if kind == "chain" or kind == "ring":
            graph |= {a: [b] for a, b in itertools.pairwise(names)}
        if kind == "ring" and size:
            graph[names[-1]] = [names[0]]
        if kind == "star":
            graph["centre"] = names
        if kind == "layers":
            graph |= {name: names[: number // 2][-8:] for number, name in enumerate(names)}
        return m.TopologicalSorter(graph)

    return sorter


GRAPHS = list(
    itertools.product(("free", "chain", "ring", "star", "layers"), (0, 1, 2, 5, 9, 19, 43, 171, 400))
)


@inputs_of("graphlib:TopologicalSorter.get_ready")
def _(m: types.ModuleType) -> Iterator[Make]:
    def prepared(shape: tuple[str, int]) -> Any:
        sorter = _sorter(m)(shape)
        if shape[0] != "ring" and shape[1] != 19:  # 19 is never prepared, which is an error
            sorter.prepare()
        return sorter

    yield from on(prepared, GRAPHS)


@inputs_of("graphlib:TopologicalSorter._find_cycle")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from on(_sorter(m), GRAPHS)


@inputs_of("posixpath:dirname")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each(PATHS)


@inputs_of("posixpath:relpath")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each(PATHS, (None, "/", "/a/b", "..", "\u20ac", "/x" * 300, ""))
    for path in PATHS[-8:]:
        yield lambda path=path: given(path, path)


@inputs_of("copyreg:add_extension")
def _(m: types.ModuleType) -> Iterator[Make]:
    def make(name: str, code: int, known: int) -> Any:
        for registry in (m._extension_registry, m._inverted_registry, m._extension_cache):
            registry.clear()
        for number in range(known):
            m._extension_registry["other", str(number)] = 10_000 + number
            m._inverted_registry[10_000 + number] = ("other", str(number))
        return given("module", name, code)

    for known in (*SIZES, 341, 342, 682, 683, 1365, 1366):
        yield lambda known=known: make("name", 7, known)
    for name, code in itertools.product(
        ("", "n" * 3000, "\U0001f600"), (1, 0, -1, 2**31 - 1, 2**31, 10**50, 10_000)
    ):
        yield lambda name=name, code=code: make(name, code, 5)


@inputs_of("copyreg:remove_extension")
def _(m: types.ModuleType) -> Iterator[Make]:
    def make(known: int, code: int, cached: bool) -> Any:
        for registry in (m._extension_registry, m._inverted_registry, m._extension_cache):
            registry.clear()
        for number in range(known):
            m._extension_registry["module", str(number)] = number
            m._inverted_registry[number] = ("module", str(number))
            if cached:
                m._extension_cache[number] = object
        return given("module", "0", code)

    for known, code, cached in itertools.product((0, 1, 6, 100), (0, 1, 10**30), BOOLS):
        yield lambda known=known, code=code, cached=cached: make(known, code, cached)


@inputs_of("codecs:getincrementaldecoder")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each(
        ("utf-8", "ascii", "latin-1", "utf-16", "cp1252", "idna", "rot13", "no-such", "hex", "", "x" * 300)
    )


@inputs_of("codecs:make_encoding_map")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each(adversarial(dict[int, int]))
    for size in MANY:
        yield lambda size=size: given({number: number * 3 for number in range(size)})
        yield lambda size=size: given(dict.fromkeys(range(size), 9))


@inputs_of("quopri:unhex")
def _(m: types.ModuleType) -> Iterator[Make]:
    digits = [b"", b"0", b"fF", b"zz", b"0" * 1000, b"f" * 5000, b"1aB" * 300, b"\xff"]
    yield from each(digits)


@inputs_of("quopri:needsquoting")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each([bytes([code]) for code in range(256)], BOOLS, BOOLS)
    yield from each([b"", b"ab" * 2000, b" \t"], BOOLS, BOOLS)


@inputs_of("calendar:HTMLCalendar.formatyear")
def _(m: types.ModuleType) -> Iterator[Make]:
    years = (1, 1970, 2024, 9999, 0, -5, 10_000, 2100)
    yield from on(m.HTMLCalendar, range(7), years, (1, 2, 3, 4, 5, 12, 13, 0, -3, 10**20))


@inputs_of("calendar:monthrange")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each((1, 1900, 2000, 2024, 9999, 10_000, 0, -400, 10**40), range(-1, 15))


FLAGS = [[], [False], [True], [False, True] * 300, [True] * 500, [False] * 500, [True, True, False] * 171]


@inputs_of("difflib:HtmlDiff._convert_flags")
def _(m: types.ModuleType) -> Iterator[Make]:
    def differ(prefix: str) -> Any:
        made = m.HtmlDiff()
        made._prefix = [prefix + "from", prefix + "to"]
        return made

    lines = [["<td>a</td>"] * size for size in (0, 3, 300)]
    yield from on(differ, ("", "p" * 1000, "\U0001f600"), lines, lines, FLAGS * 6, BOOLS, (0, 5, 1000))


@inputs_of("difflib:HtmlDiff.make_file")
def _(m: types.ModuleType) -> Iterator[Make]:
    texts_ = [
        [],
        ["a\n"],
        distinct(str, 30),
        shuffled(distinct(str, 30)),
        ["same\n"] * 40,
        ["\U0001f600 <&>\tx"] * 20,
    ]
    texts_.append(["x" * 2000, "\t" * 50])
    for one, other in itertools.product(texts_, repeat=2):
        for context, wrap in ((False, None), (True, 10)):
            yield lambda one=one, other=other, context=context, wrap=wrap: given(
                m.HtmlDiff(wrapcolumn=wrap), list(one), list(other), "from", "to\u20ac", context, 2
            )


@inputs_of("tokenize:_get_normal_name")
def _(m: types.ModuleType) -> Iterator[Make]:
    names = ["utf-8", "UTF_8-sig", "latin-1", "ISO_8859_1-unix", "iso-latin-1", "_" * 1000, "cp1252"]
    yield from each([*names, *texts()])


@inputs_of("urllib.parse:parse_qs")
def _(m: types.ModuleType) -> Iterator[Make]:
    queries = [
        "",
        "a=1&b=2&a=3",
        "&" * 500,
        "=" * 500,
        "a=&b",
        "%e2%82%ac=" + "%20" * 500,
        "+" * 300,
        "&".join(f"k{n}=v{n}" for n in range(400)),
        "&".join("k=v" for _ in range(400)),
        "x" * 3000 + "=" + "%" * 100,
        "a;b;c=1" * 60,
        *texts((1, 500)),
    ]
    for row, query in enumerate(queries):
        for blank, strict in itertools.product(BOOLS, BOOLS):
            most = (None, 3)[row % 2 and strict]
            yield lambda q=query, b=blank, s=strict, n=most: given(
                q, b, s, "utf-8", "replace", n, "&;"[s and b]
            )


@inputs_of("html.parser:HTMLParser.parse_starttag")
def _(m: types.ModuleType) -> Iterator[Make]:
    tags = [
        "<a>",
        "<A HREF='x' b=\"y&amp;z\" c=d e>",
        "<br/>",
        "<script>",
        "<a " + " ".join(f"n{n}=v{n}" for n in range(300)) + ">",
        "<a b='" + "&euro;" * 500 + "'>",
        "<a b='" + "\U0001f600" * 1000 + "'/>",
        "<" + "a" * 3000 + ">",
        "<a b=c",
        "<a$>",
        "<a =b ==c '>",
        "<" + "\u20ac" * 100 + ">",
    ]

    def parser(text: str) -> Any:
        made = m.HTMLParser()
        made.rawdata = text
        return made

    for tag in tags:
        yield lambda tag=tag: given(parser(tag), 0)
        yield lambda tag=tag: given(parser("text " * 100 + tag), 500)


@inputs_of("mailcap:parseline")
def _(m: types.ModuleType) -> Iterator[Make]:
    lines = [
        "image/*; xv %s",
        "text/html; lynx %s; needsterminal; test=[ -n x ]",
        ";" * 400,
        "\\" * 301,
        "a\\;b;c\\;d",
    ]
    lines += [
        ";".join(f"k{n}=v{n}" for n in range(400)),
        "t/x; v; " + "n" * 3000 + "=" + "\u20ac" * 2000,
        "a;b;" * 200,
    ]
    yield from each([*lines, *texts((1, 500))])


@inputs_of("pickle:_Unframer.readinto")
def _(m: types.ModuleType) -> Iterator[Make]:
    def unframer(shape: tuple[int, int | None]) -> Any:
        rest, frame = shape
        file = io.BytesIO(b"r" * rest)
        made = m._Unframer(file.read, file.readline)
        if frame is not None:
            made.current_frame = io.BytesIO(b"f" * frame)
        return made

    shapes = itertools.product((0, 10, 5000, 100_000), (None, 0, 3, 5000))
    buffers = [bytearray(size) for size in (0, 1, 10, 5000, 70_000)]
    yield from on(unframer, [*shapes] * 5, buffers)


@inputs_of("random:Random.choice")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from on(m.Random, (1, 2, 3), [distinct(int, size) for size in MANY] + [list(NUMBERS)])


@inputs_of("colorsys:hsv_to_rgb")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each(
        [n / 12 for n in range(-13, 14)] + list(FLOATS), (0.5, 0.0, 1.0, *FLOATS), (0.7, 0.0, *FLOATS)
    )


@inputs_of("enum:Flag.__and__")
def _(m: types.ModuleType) -> Iterator[Make]:
    few = m.Flag("Few", "a b c")
    many = m.IntFlag("Many", {f"f{n}": 1 << n for n in range(200)})
    for kind, values in ((few, (0, 1, 2, 3, 7)), (many, (0, 1, 2**40, 2**199, 2**200 - 1, 5))):
        for one, other in itertools.product(values, repeat=2):
            yield lambda kind=kind, one=one, other=other: given(kind(one), kind(other))
    yield lambda: given(few(1), many(1))
    for row in range(1000, 1020):  # a combination that is not known yet becomes a member
        yield lambda row=row: given(many(row), many(2**150 + row))


@inputs_of("contextlib:AbstractAsyncContextManager.__subclasshook__")
def _(m: types.ModuleType) -> Iterator[Make]:
    base = m.AbstractAsyncContextManager
    both = {"__aenter__": len, "__aexit__": len}
    kinds = [
        int,
        base,
        type("Both", (), both),
        type("One", (), {"__aenter__": len}),
        type("No", (), both | {"__aexit__": None}),
    ]
    deep: Any = object
    for number in range(30):
        deep = type(f"Deep{number}", (deep,), {})
    for cls, kind in itertools.product((base, m.AsyncExitStack), [*kinds, deep]):
        yield lambda cls=cls, kind=kind: given(cls, kind)


@inputs_of("base64:_b32decode")
def _(m: types.ModuleType) -> Iterator[Make]:
    import base64

    data = [b"", b"f", b"fo", b"foo", b"foob", b"fooba", b"x" * 1000, b"\xff" * 3333, bytes(10_000)]
    good = [base64.b32encode(item) for item in data]
    bad = [b"A", b"!" * 8, b"a" * 80, b"=" * 8, b"A=======", b"0189" * 80, b"AAAAAAA\xff"]
    yield from each(
        [m._b32alphabet], good + bad + [item.lower() for item in good], BOOLS, (None, b"I", b"L", b"xx")
    )


@inputs_of("csv:Dialect._validate")
def _(m: types.ModuleType) -> Iterator[Make]:
    for options in (
        {},
        {"delimiter": ";;"},
        {"delimiter": 7},
        {"quotechar": "\u20ac"},
        {"quoting": 99},
        {"lineterminator": None},
        {"quotechar": None, "quoting": 0},
        {"delimiter": "\U0001f600" * 500},
    ):

        def dialect(options: dict[str, Any] = options) -> Any:
            fields = {"delimiter": ",", "quotechar": '"', "lineterminator": "\n", "quoting": 0} | options
            kind = type("D", (m.Dialect,), fields)
            return given(kind.__new__(kind))

        yield dialect


@inputs_of("operator:indexOf")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each([[], *HEAPS, list(range(5000)), [2**4000] * 100], NUMBERS)
    yield lambda: given(list(range(5000)), 4999)


@inputs_of("collections:UserList.__add__")
def _(m: types.ModuleType) -> Iterator[Make]:
    lists = [distinct(int, size) for size in MANY]
    yield from on(m.UserList, lists, lists[::-1])
    for one, other in itertools.product((0, 3, 1000), repeat=2):
        yield lambda one=one, other=other: given(m.UserList(range(one)), list(range(other)))

    def alias(size: int) -> Any:
        numbers = m.UserList(range(size))
        return given(numbers, numbers.data)

    for size in MANY:
        yield lambda size=size: alias(size)


@inputs_of("configparser:MissingSectionHeaderError.__init__")
def _(m: types.ModuleType) -> Iterator[Make]:
    kind = m.MissingSectionHeaderError
    yield from on(
        lambda _: kind.__new__(kind), [None], texts((0, 1, 500)), NUMBERS, list(texts((0, 3, 4000)))[::-1]
    )


@inputs_of("stringprep:map_table_b2")
def _(m: types.ModuleType) -> Iterator[Make]:
    letters = [
        chr(code)
        for code in (*range(0x41, 0x5B), 0xDF, 0x130, 0x149, 0x1E9E, 0xFB03, 0x3392, 0x1D400, 0xFDFA)
    ]
    yield from each(
        [*letters, "A" * 500, "\ufdfa" * 200, "\u1e9e" * 500, "\U0001d400" * 500, *texts((1, 500))]
    )


@inputs_of("bisect:bisect_right")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each([*HEAPS, list(range(100_000))], NUMBERS, (0, 0, 1, -1), (None, None, 0, 1))
    for heap in HEAPS:
        yield lambda heap=heap: (([*heap], 2**2000), {"key": lambda number: number * 2**1000})
        yield lambda heap=heap: (([*heap], 0), {"key": abs, "hi": len(heap)})


@inputs_of("shlex:shlex.__next__")
def _(m: types.ModuleType) -> Iterator[Make]:
    lines = [
        "",
        "a b c",
        "'quoted text' rest",
        '"esc\\"aped"',
        "# comment\nx",
        "a" * 3000,
        "'unclosed",
        "\n" * 300,
    ]
    lines += [" " * 1000 + "x", "\u20ac" * 500, "''", "#" * 300, "a'b'\"c\"" * 100]
    for line, posix, punctuation in itertools.product(lines, BOOLS, BOOLS):
        yield lambda args=(line, None, posix, punctuation): given(m.shlex(*args))


@inputs_of("statistics:median_grouped")
def _(m: types.ModuleType) -> Iterator[Make]:
    lists = [shuffled(distinct(float, size)) for size in (*MANY, 4097)] + [[1.0] * 1000, [0.5, -0.5] * 300]
    yield from each(lists * 2, (1.0, 0.0, 1e-300, float("inf")))


@inputs_of("gettext:GNUTranslations.gettext")
def _(m: types.ModuleType) -> Iterator[Make]:
    def translations(size: int) -> Any:
        made = m.GNUTranslations()
        made._catalog = {name: name.upper() for name in distinct(str, size)}
        made._catalog["plural", 0] = "one"
        made.plural = lambda n: int(n != 1)
        if size % 2:
            made.add_fallback(m.NullTranslations())
        return made

    yield from on(translations, (0, 1, 10, 43, 400), ["k0", "k1", "plural", "missing", *texts((0, 1000))])


@inputs_of("hmac:HMAC.copy")
def _(m: types.ModuleType) -> Iterator[Make]:
    for digest, size in itertools.product(("sha256", "md5", "sha512", "blake2b"), (0, 1, 100, 5000)):
        yield lambda digest=digest, size=size: given(m.HMAC(b"k" * size, b"m" * size, digest))


@inputs_of("_markupbase:ParserBase.parse_comment")
def _(m: types.ModuleType) -> Iterator[Make]:
    class Parser(m.ParserBase):
        def handle_comment(self, data: str) -> None:
            pass

    def parser(text: str) -> Any:
        made = Parser()
        made.reset()
        made.rawdata = text
        return made

    bodies = ["", "x", "-" * 500, "a" * 5000, "\u20ac" * 500, "\U0001f600" * 5000]
    raws = [f"<!--{body}{end}" for body in bodies for end in ("-->", "-- >", "", "--\n>")]
    yield from on(parser, [*raws, "no comment", ""] * 2, (0,), BOOLS)
    yield lambda: given(parser("x" * 500 + raws[-4]), 500)


@inputs_of("fnmatch:filter")
def _(m: types.ModuleType) -> Iterator[Make]:
    names = [list(value) for value in adversarial(list[str])][:60]
    patterns = ["*", "?", "k*", "[abc]*", "[!k]*", "*" * 50, "\U0001f600*", "k1", "[", "*.[ch]", "a" * 500]
    yield from each(names, patterns)
    yield from each([[f"file{n}.c" for n in range(size)] for size in MANY], ("*.c", "*.h", "file1*"))


@inputs_of("xml.etree.ElementTree:_escape_attrib")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each(
        [*texts(), *(mark * 1000 for mark in '&<>"\r\n\t'), '&<>"\r\n\t\U0001f600' * 200, "&\u20ac" * 500]
    )


@inputs_of("json.decoder:JSONDecoder.raw_decode")
def _(m: types.ModuleType) -> Iterator[Make]:
    documents = [
        "",
        "null",
        "[1, 2, 3]",
        '{"a": {"b": [true, false, null]}}',
        "1" * 4000,
        "1" * 4301,
        "-1.5e300",
        '"' + "x" * 3000 + '"',
        '"' + "\\u20ac" * 500 + '"',
        '"' + "\U0001f600" * 500 + '"',
        "[" * 300 + "]" * 300,
        "[" * 3000,
        "{" + ",".join(f'"k{n}": {n}' for n in range(400)) + "}",
        "{" + ",".join(f'"k": {n}' for n in range(400)) + "}",
        "[" + ",".join("0" * 0 + str(n * 1000) for n in range(1000)) + "]",
        "[" + ",".join('"ab"' for _ in range(1000)) + "]",
        "[1,",
        "tru",
        "NaN",
        *texts((1, 500)),
    ]
    yield from on(lambda _: m.JSONDecoder(), [None], documents, (0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 10**20))
    yield from on(lambda _: m.JSONDecoder(), [None], documents)


# -- PyPI
@inputs_of("platformdirs:user_state_path")
def _(m: types.ModuleType) -> Iterator[Make]:
    names = [None, "", "app", "a/b", "\U0001f600" * 100, "x" * 5000]
    yield from each(names, (None, False, "author"), (None, "1.0", "v" * 2000), BOOLS, (False,), BOOLS)


@inputs_of("outcome._impl:Error.unwrap")
def _(m: types.ModuleType) -> Iterator[Make]:
    def failed(depth: int) -> Any:
        def fail(left: int) -> None:
            if left:
                fail(left - 1)
            raise ValueError("x" * 100)

        try:
            fail(depth)
        except ValueError as error:
            return m.Error(error)

    yield from on(failed, (0, 1, 10, 200))
    yield lambda: given(m.Error(KeyError("k" * 5000)))

    def used() -> Any:
        error = m.Error(ValueError())
        try:
            error.unwrap()
        except ValueError:
            return given(error)

    yield used


@inputs_of("h11._state:ConnectionState.__init__")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield lambda: given(m.ConnectionState.__new__(m.ConnectionState))
    yield lambda: given(m.ConnectionState())


@inputs_of("yarl._quoting_py:_Unquoter.__init__")
def _(m: types.ModuleType) -> Iterator[Make]:
    new = m._Unquoter.__new__
    for ignore in ("", "/", "+", "%", "/%+", "%" * 1000, "a", "\u20ac", "/" * 500 + "a"):
        for qs, plus, invalid in itertools.product(BOOLS, repeat=3):
            yield lambda i=ignore, q=qs, p=plus, r=invalid: (
                (new(m._Unquoter),),
                {"ignore": i, "qs": q, "plus": p, "replace_invalid": r},
            )


@inputs_of("mdurl._decode:get_decode_cache")
def _(m: types.ModuleType) -> Iterator[Make]:
    def make(exclude: str, known: int) -> Any:
        m.decode_cache.clear()
        for number in range(known):
            m.decode_cache[f"known{number}"] = []
        return given(exclude)

    for exclude, known in itertools.product(
        ("", ";/?:@&=+$,#", "%" * 3000, "".join(map(chr, range(128))), "\u20ac"), SIZES
    ):
        yield lambda exclude=exclude, known=known: make(exclude, known)
    yield lambda: make("known0", 5)


@inputs_of("uritemplate.variable:URIVariable.__init__")
def _(m: types.ModuleType) -> Iterator[Make]:
    variables = ["x", "+x", "#x,y", ".x*", "/x:3", ";x=def,y", "?q,lang", "&a", "", "x:" + "9" * 4000, "x:n"]
    variables += [",".join(distinct(str, size)) for size in MANY] + ["," * 300, "a=b" * 300, *texts((1, 500))]
    yield from on(lambda _: m.URIVariable.__new__(m.URIVariable), [None], variables)


@inputs_of("werkzeug.datastructures.structures:MultiDict.popitem")
def _(m: types.ModuleType) -> Iterator[Make]:
    for size, values in itertools.product(MANY, (1, 2, 100)):
        yield lambda size=size, values=values: given(
            m.MultiDict({k: distinct(str, values) for k in distinct(str, size)})
        )

    def empty() -> Any:
        made = m.MultiDict()
        dict.__setitem__(made, "k" * 5000, [])
        return given(made)

    yield empty


@inputs_of("rich.filesize:pick_unit_and_suffix")
def _(m: types.ModuleType) -> Iterator[Make]:
    suffixes = [["B"], ["B", "kB", "MB"], distinct(str, 300), [], ["\U0001f600"] * 50]
    yield from each([*NUMBERS, 10**400], suffixes * 4, (1000, 1024, 2, 1, 10**50))


@inputs_of("pluggy._result:Result.excinfo")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield lambda: given(m.Result(7, None))
    yield lambda: given(m.Result(None, ValueError("x")))


@inputs_of("tomli._re:match_to_datetime")
def _(m: types.ModuleType) -> Iterator[Make]:
    stamps = ["1979-05-27T07:32:00Z", "1979-05-27", "1979-05-27T00:32:00.999999-07:00", "0001-01-01 00:00:00"]
    stamps += [
        "2024-02-30",
        "9999-12-31T23:59:59.9Z",
        "1979-05-27T07:32",
        "2024-01-01T00:00:00+23:59",
        "2023-02-29T10:00:00",
    ]
    for stamp in stamps:
        if m.RE_DATETIME.match(stamp):
            yield lambda stamp=stamp: given(m.RE_DATETIME.match(stamp))
    for minute in range(0, 60, 7):
        yield lambda minute=minute: given(m.RE_DATETIME.match(f"2024-01-01T00:00:00+11:{minute:02}"))


@inputs_of("jinja2.nodes:TemplateData.as_const")
def _(m: types.ModuleType) -> Iterator[Make]:
    environments = importlib.import_module("jinja2")

    def node(shape: tuple[str, bool]) -> Any:
        text, escaped = shape
        environment = environments.Environment(autoescape=escaped)
        return m.TemplateData(text, environment=environment)

    yield from on(node, itertools.product(texts((0, 1, 3000)), BOOLS))
    yield lambda: given(node(("x", True)), m.EvalContext(environments.Environment(autoescape=True)))

    def volatile() -> Any:
        context = m.EvalContext(environments.Environment())
        context.volatile = True
        return given(node(("x" * 100, True)), context)

    yield volatile


@inputs_of("iniconfig.exceptions:ParseError.__init__")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from on(
        lambda _: m.ParseError.__new__(m.ParseError), [None], texts((0, 1, 500)), NUMBERS, texts((0, 3000))
    )


@inputs_of("h2.windows:WindowManager.window_opened")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from on(m.WindowManager, (0, 1, 65535, 2**31 - 1), (0, 1, 256, 65535, 2**31 - 1, 2**40, -5, 10**50))


@inputs_of("starlette.datastructures:MutableHeaders.__or__")
def _(m: types.ModuleType) -> Iterator[Make]:
    def headers(size: int) -> Any:
        return m.MutableHeaders(raw=[(name.encode(), b"v" * 20) for name in distinct(str, size)])

    others = [dict.fromkeys(distinct(str, size), "value") for size in (0, 1, 3, 20, 100)]
    others += [{"Big": "x" * 5000}, {"bad": "\u20ac"}, {f"N{n}": "v" for n in range(100)}]
    for size, other in itertools.product((0, 1, 4, 9, 100), others):
        yield lambda size=size, other=other: given(headers(size), dict(other))
    yield lambda: given(headers(1), [("a", "b")])


@inputs_of("itsdangerous.signer:Signer.derive_key")
def _(m: types.ModuleType) -> Iterator[Make]:
    kinds = ("concat", "django-concat", "hmac", "none", "unknown")
    keys = (None, "key", b"bytes", "\U0001f600" * 1000, b"k" * 20_000, "", "\ud800")
    for kind, key in itertools.product(kinds, keys):
        yield lambda kind=kind, key=key: given(
            m.Signer(b"secret" * 10, b"salt" * 20, key_derivation=kind), key
        )


@inputs_of("prettytable.prettytable:PrettyTable._get_formatted_latex_string")
def _(m: types.ModuleType) -> Iterator[Make]:
    def table(rows: int, columns: int, cell: str) -> Any:
        made = m.PrettyTable([f"F{number}" for number in range(columns)])
        made.add_rows([[f"{cell}{row}-{column}" for column in range(columns)] for row in range(rows)])
        return made

    for rows, columns, cell in itertools.product((0, 1, 9, 60), (1, 3, 12), ("c", "\u20ac" * 20, "x\ny")):
        for options in (
            {},
            {"border": True, "hrules": m.HRuleStyle.ALL},
            {"header": False, "fields": ["F0"]},
        ):

            def make(
                rows: int = rows, columns: int = columns, cell: str = cell, options: Any = options
            ) -> Any:
                made = table(rows, columns, cell)
                return given(made, made._get_options(dict(options)))

            yield make


@inputs_of("multidict._abc:MultiMapping.to_dict")
def _(m: types.ModuleType) -> Iterator[Make]:
    plain = importlib.import_module("multidict._multidict_py")
    for size, repeats in itertools.product((0, 1, 5, 6, 10, 11, 43, 171), (1, 2, 9)):
        pairs = [(name, f"v{turn}") for turn in range(repeats) for name in distinct(str, size)]
        yield lambda pairs=pairs: given(plain.MultiDict(pairs))


@inputs_of("urllib3.util.url:_remove_path_dot_segments")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from each([*PATHS, "/a/b/c/./../../g", "/..", "/.", "..", "/../" * 300, "a/" * 1000 + "../" * 1000])


@inputs_of("hyperframe.frame:PingFrame.serialize_body")
def _(m: types.ModuleType) -> Iterator[Make]:
    def frame(data: bytes) -> Any:
        made = m.PingFrame(0)
        made.opaque_data = data
        return made

    yield from on(frame, [b"x" * size for size in (0, 1, 7, 8, 9, 100, 5000)])


@inputs_of("prompt_toolkit.document:Document.find_previous_word_beginning")
def _(m: types.ModuleType) -> Iterator[Make]:
    lines = [
        "",
        "hello world",
        "a.b,c " * 200,
        " " * 1000,
        "x" * 5000,
        "\u20ac \U0001f600 " * 200,
        *texts((1, 500)),
    ]
    yield from on(m.Document, lines, (1, 0, 2, -1, 5, 1000, 10**20), BOOLS)
    for line in lines[:6]:
        for count in (1, 3, 500, -2):
            yield lambda line=line, count=count: given(m.Document(line, len(line) // 2), count)


@inputs_of("semver.version:Version.bump_prerelease")
def _(m: types.ModuleType) -> Iterator[Make]:
    versions = [
        "1.2.3",
        "1.2.3-rc.1",
        "0.0.0-alpha",
        "1.0.0-rc.9",
        "1.2.3-a." + "9" * 300,
        "9" * 400 + ".1.1+build",
    ]
    versions += ["1.2.3-" + ".".join(distinct(str, 200)), "1.0.0-rc.99"]
    tokens = ("rc", "", None, "alpha", "b" * 2000, "x.y.z", "\u20ac", "01")
    for version, token, empty in itertools.product(versions, tokens, BOOLS):
        yield lambda version=version, token=token, empty=empty: given(m.Version.parse(version), token, empty)


@inputs_of("inflect:engine.group1sub")
def _(m: types.ModuleType) -> Iterator[Make]:
    def made(shape: tuple[str, str]) -> Any:
        engine = m.engine()
        engine._number_args = {"one": shape[1], "zero": "zero" + shape[1]}
        return engine

    for digit, word in itertools.product("0123456789", ("one", "\U0001f600" * 500)):
        yield lambda digit=digit, word=word: given(made((digit, word)), re.match(r"(\d)", digit))


@inputs_of("wsproto.frame_protocol:Buffer.__init__")
def _(m: types.ModuleType) -> Iterator[Make]:
    yield from on(lambda _: m.Buffer.__new__(m.Buffer), [None], [None, *adversarial(bytes)])


@inputs_of("dns.name:Name.__init__")
def _(m: types.ModuleType) -> Iterator[Make]:
    labels = [
        [],
        [b""],
        ["www", "example", "com", ""],
        [b"a"] * 120,
        ["a"] * 130,
        [b"x" * 63] * 3,
        [b"x" * 64],
        [b"", b"a"],
    ]
    labels += [["\u20ac"], ["a" * 5000], distinct(str, 60), distinct(bytes, 60), ["\U0001f600" * 10, ""]]
    for row in labels:
        yield lambda row=row: given(m.Name.__new__(m.Name), list(row))
        yield lambda row=row: given(m.Name.__new__(m.Name), tuple(row))


@inputs_of("humanize.time:_rounding_by_fmt")
def _(m: types.ModuleType) -> Iterator[Make]:
    formats = (
        "%d",
        "%.2f",
        "%i",
        "%0.0f",
        "%s",
        "%.300f",
        "%100d",
        "%e",
        "%x",
        "%5000d",
        "%",
        "%d%d",
        "\u20ac%d",
    )
    yield from each(formats * 12, (*FLOATS, 3, 10**300))


@inputs_of("trio._dtls:encode_handshake_fragment")
def _(m: types.ModuleType) -> Iterator[Make]:
    def fragment(shape: tuple[int, int]) -> Any:
        size, length = shape
        return m.HandshakeFragment(m.HandshakeType.client_hello, length, size % 65536, 0, size, b"f" * size)

    yield from on(
        fragment,
        [(0, 0), (1, 5), (100, 2**24 - 1), (1400, 70_000), (16_384, 1), (70_000, 70_000), (5, 2**24)],
    )


@inputs_of("idna.core:encode")
def _(m: types.ModuleType) -> Iterator[Make]:
    names = [
        "example.com",
        "ex\xe4mple.de",
        "\u65e5\u672c\u8a9e.jp",
        "",
        ".",
        "a..b",
        "xn--nxasmq6b",
        "a" * 64 + ".com",
    ]
    names += [
        ".".join("ab" * 60),
        "\u3002".join(["x"] * 50),
        "A.B",
        "\u05d0\u05d1",
        b"bytes.example",
        b"\xff",
        "x." * 2000,
    ]
    names += [
        bytearray(b"buffer.org"),
        "\u0660\u0661",
        "stra\xdfe.de",
        "\U00020000" * 20,
        "-a.b",
        *texts((1, 60, 3000)),
    ]
    yield from each(names * 2, BOOLS, (False, True, True), BOOLS, (False,))


@inputs_of("isort.wrap_modes:_add_syntax")
def _(m: types.ModuleType) -> Iterator[Make]:
    statements = [
        "import a",
        "import a  # note",
        "x\ny # z",
        "#",
        "",
        "a" * 3000 + " # " + "\u20ac" * 500,
        "a\n" * 300,
    ]
    yield from each([*statements, *texts((1, 500))], (",", ")", "\U0001f600", "s" * 1000), ("\n", "\r\n", ""))


@inputs_of("pyparsing.exceptions:ParseBaseException.__str__")
def _(m: types.ModuleType) -> Iterator[Make]:
    strings = ["", "abc", "line\n" * 200, "x" * 3000, "\U0001f600" * 100, "tab\tand\\slash"]
    for string, place, message in itertools.product(
        strings, (0, 1, 50, 10**6), ("expected x", "", "m" * 3000, None)
    ):
        yield lambda s=string, p=place, t=message: given(m.ParseException(s, p, t))


@inputs_of("typeguard._transformer:TransformMemo.get_unused_name")
def _(m: types.ModuleType) -> Iterator[Make]:
    import ast

    def memo(shape: tuple[int, int]) -> Any:
        depth, taken = shape
        made = m.TransformMemo(None, None, ())
        for _ in range(depth):
            made = m.TransformMemo(ast.parse(""), made, ())
        made.local_names = {"name" + "_" * number for number in range(taken)} | set(distinct(str, taken))
        return made

    yield from on(
        memo, itertools.product((0, 1, 20), (0, 1, 5, 9, 19, 38, 77, 154)), ("name", "other", "n" * 500, "")
    )
