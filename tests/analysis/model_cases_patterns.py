"""Calls of the methods of patterns and matches, on patterns that make the matcher's stack deep."""

from __future__ import annotations

import operator
import re

from model_cases import Given, calling, measured

PATTERNS = [r"a", r"a*", r"(a|b)*", r"(?:a|b)*c?", r"((a*)b*)*", r"(?:(?:a|b)+?)*", r"(\w+)\s*=\s*(\w*)", r"(?=(a*))", r"(a)(b)?"]
PATTERNS += [r"(?:ab|a){2,9}", r"\d{1,3}(\.\d{1,3}){3}", r"(?P<name>[a-z]+)(?P<rest>.*)", r"", r"(?:a(?:b(?:a?)*)*)*", r"(a*?b*?)+$"]
PATTERNS += [r"(?x) a+ # more (than ]that", r"(?i)AB", r"(?<=a)b", r"(?:(a)|(b)|(c))+", r"((?:(?=a)a|b))*", r"[ab]+?(?:c|$)", r"^(([a-z])+.)+[A-Z]([a-z])+$"]
TEXTS = ["", "a", "ab", "ab" * 9, "a" * 300, "ab" * 1500, "key = value", "1.2.3.44", "ж" * 90 + "ab" * 40, "ab\U00010000" * 90, "b" * 3000, "a" * 5000]
COMPILED = [re.compile(pattern) for pattern in PATTERNS]
BYTES = [re.compile(pattern.encode()) for pattern in PATTERNS]
CALLS = [(pattern, text) for pattern in COMPILED for text in TEXTS]
CALLS += [(pattern, text.encode()) for pattern in BYTES for text in TEXTS[1:9:2]]


def first(call):
    """Return what takes the first of an iterator's items, and holds both."""

    def begun(*args):
        made = call(*args)
        return made, next(made, None)

    return begun


for name in ("match", "search", "fullmatch", "findall", "split"):
    measured(f"re.Pattern.{name}", calling(name, 1), *CALLS)
    measured(f"re.{name}", getattr(re, name), *((pattern, text) for pattern in PATTERNS for text in TEXTS[::3]))
measured("re.Pattern.finditer", calling("finditer", 1), *CALLS)
measured("re.finditer", re.finditer, *((pattern, text) for pattern in PATTERNS for text in TEXTS[::3]))


def advanced(pattern, string):
    """Return an iterator that has made its first match."""
    made = pattern.finditer(string)
    next(made, None)
    return made


measured("re.Pattern.finditer", advanced, *CALLS)
measured("re.Pattern.match", re.Pattern.match, *((pattern, text, 1, 90) for pattern, text in CALLS[::5]))
SUBSTITUTES = ["", "x", "a longer one, of which there are many", "жж", r"\g<0>\g<0>"]
for by in SUBSTITUTES:
    given = [(pattern, by, text) for pattern, text in CALLS if isinstance(text, str) and len(text) < 3100]
    for name in ("sub", "subn"):
        measured(f"re.Pattern.{name}", calling(name, 2), *given[:: 3 if name == "subn" else 1])
        measured(f"re.{name}", getattr(re, name), *((pattern.pattern, by, text) for pattern, _, text in given[::4]))
measured("re.Pattern.sub", calling("sub", 2), *((pattern, b"xyz", text) for pattern, text in CALLS if isinstance(text, bytes)))
measured("re.compile", re.compile, *((pattern,) for pattern in PATTERNS), Given("ab", flags=re.I))
measured("re.Pattern.pattern", operator.attrgetter("pattern"), *((pattern,) for pattern in COMPILED))
measured("re.Pattern.groups", operator.attrgetter("groups"), *((pattern,) for pattern in COMPILED))
measured("re.Pattern.flags", operator.attrgetter("flags"), *((pattern,) for pattern in COMPILED))
MATCHES = [match for pattern, text in CALLS if (match := pattern.search(text)) is not None]
measured("re.Match.group", re.Match.group, *((match,) for match in MATCHES), *((match, 0, 0, 0) for match in MATCHES))
measured("re.Match.group", re.Match.group, *((match, match.re.groups) for match in MATCHES))
measured("re.Match.__getitem__", operator.getitem, *((match, 0) for match in MATCHES))
for name in ("groups", "groupdict", "start", "end", "span"):
    measured(f"re.Match.{name}", calling(name), *((match,) for match in MATCHES))
for name in ("start", "end", "span"):
    measured(f"re.Match.{name}", getattr(re.Match, name), *((match, match.re.groups) for match in MATCHES))
for name in ("pos", "endpos", "lastindex", "string"):
    measured(f"re.Match.{name}", operator.attrgetter(name), *((match,) for match in MATCHES))
measured("re.escape", re.escape, *((text,) for text in TEXTS), *((text.encode(),) for text in TEXTS), ("." * 3000,))
