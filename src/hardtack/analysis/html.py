"""Bounds as one self-contained page: the source with its bytes beside the lines, and an icicle of the chain.

The page loads nothing. Its symbols can be given values; then each size on it is evaluated for these, by the
small program in `_SCRIPT`. Without scripts the formulas stand alone.
"""

from __future__ import annotations

import json
import linecache
from html import escape
from typing import TYPE_CHECKING, Final

from hardtack.symbolic import ZERO, Size
from hardtack.symbolic import polynomials as polys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hardtack.analysis.results import Analysed, Link
    from hardtack.symbolic.polynomials import Polynomial

_AROUND: Final = 4  # lines of source shown before and after one that has something beside it


def page(bounds: Sequence[Analysed]) -> str:
    """Return the page for some bounds."""
    names = sorted({symbol for bound in bounds for size in _every_size(bound) for symbol in size.symbols()})
    index = {name: number for number, name in enumerate(names)}
    inputs = "".join(
        f"<label><code>{escape(name)}</code> "
        f'<input type="number" min="0" value="1000" data-symbol="{number}"></label>'
        for name, number in index.items()
    )
    entries = "".join(_entry(bound, index) for bound in bounds)
    controls = f'<form id="symbols"><p>Evaluate the sizes for</p>{inputs}</form>' if names else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>hardtack bound</title><style>{_STYLE}</style></head><body>"
        f"<h1>Bounds</h1>{controls}{entries}<script>{_SCRIPT}</script></body></html>\n"
    )


def _every_size(bound: Analysed) -> Iterator[Size]:
    if bound.peak is not None:
        yield bound.peak
    yield bound.returned
    yield from (size for _, size in bound.retained)
    yield from (link.share for link in bound.chain)
    yield from (loop.rounds for loop in bound.loops)


def _entry(bound: Analysed, index: dict[str, int]) -> str:
    parts = [f"<section><h2><code>{escape(bound.entry)}</code></h2>"]
    if bound.peak is None:
        parts.append("<p class=bad>No bound.</p>")
    else:
        rows = [("peak", bound.peak), ("returned", bound.returned)]
        rows += [(f"retained by {path}", size) for path, size in bound.retained]
        parts.append("<table>")
        parts += [f"<tr><th>{escape(name)}</th><td>{_size(size, index)}</td></tr>" for name, size in rows]
        parts.append("</table>")
        if bound.assumed:
            parts.append("<p class=bad>Assumed: there are findings, which were passed over.</p>")
        parts.append(_icicle(bound.chain, index))
    parts += [
        f"<p class=bad><code>{escape(finding.file)}:{finding.line}:{finding.column + 1}</code> "
        f"{escape(finding.kind)}: {escape(finding.message)}. {escape(finding.remedy)}</p>"
        for finding in bound.findings
    ]
    parts += [f"<p>Assumes: {escape(text)}</p>" for text in dict.fromkeys(a.text for a in bound.assumptions)]
    parts.append(_source(bound, index))
    parts.append("</section>")
    return "".join(parts)


def _size(size: Size, index: dict[str, int]) -> str:
    if size.is_top:
        return escape(str(size))
    code = escape(json.dumps(_javascript(size, index)), quote=True)
    return f'<span class=size data-size="{code}"><code>{escape(str(size))}</code></span>'


def _javascript(size: Size, index: dict[str, int]) -> str:
    """Return an expression over v[0], v[1], ... for a size."""
    terms = [_polynomial(p, index) for p in size.polynomials]
    return f"Math.max({', '.join(terms)})" if terms else "0"


def _polynomial(p: Polynomial, index: dict[str, int]) -> str:
    whole = polys.denominator(p)
    terms = []
    for monomial, coefficient in p:
        factors = [_factor(factor, index) for factor in monomial]
        terms.append("*".join([str(int(coefficient * whole)), *factors]))
    return f"Math.ceil(({' + '.join(terms) or '0'})/{whole})"


def _factor(factor: str, index: dict[str, int]) -> str:
    cap = polys.cap_of(factor)
    if cap:
        return f"Math.min({_polynomial(cap.inner, index)}, {cap.limit})"
    return f"v[{index[polys.symbol_of(factor)]}]"


def _icicle(chain: Sequence[Link], index: dict[str, int]) -> str:
    """Return nested bars: each function's share of the peak, with those that it calls below it."""
    calls: list[list[Link]] = []
    for link in chain:
        if calls and calls[-1][0].function == link.function:
            calls[-1].append(link)
        else:
            calls.append([link])
    if not calls:
        return ""
    return f'<div class="icicle">{_bars(calls, index)}</div>'


def _bars(calls: Sequence[Sequence[Link]], index: dict[str, int]) -> str:
    own, below = calls[0], calls[1:]
    all_of_it = sum((link.share for call in calls for link in call), ZERO)
    pieces = "".join(_bar(link.share, f"line {link.line}: {link.what}", "", index) for link in own)
    if below:
        pieces += _bar(
            sum((link.share for call in below for link in call), ZERO), "", _bars(below, index), index
        )
    return (
        f'<div class="call"><b>{escape(own[0].function)}</b> {_size(all_of_it, index)}</div>'
        f'<div class="row">{pieces}</div>'
    )


def _bar(share: Size, text: str, inside: str, index: dict[str, int]) -> str:
    grow = escape(json.dumps(_javascript(share, index)), quote=True)
    shown = inside or f"{escape(text)}<br>{_size(share, index)}"
    kind = "nest" if inside else "bar"
    return f'<div class="{kind}" data-grow="{grow}" title="{escape(text, quote=True)}">{shown}</div>'


def _source(bound: Analysed, index: dict[str, int]) -> str:
    """Return the lines of source that have something beside them, with a few around each."""
    beside: dict[tuple[str, int], list[str]] = {}
    for link in bound.chain:
        beside.setdefault((link.file, link.line), []).append(_size(link.share, index))
    for loop in bound.loops:
        count = "no bound on the" if loop.rounds.is_top else _size(loop.rounds, index)
        rounds = f"{count} rounds ({escape(loop.how)})"
        beside.setdefault((loop.file, loop.line), []).append(rounds)
    for finding in bound.findings:
        text = f"<span class=bad>{escape(finding.kind)}</span>"
        beside.setdefault((finding.file, finding.line), []).append(text)
    parts = []
    for file in dict.fromkeys(file for file, _ in beside):
        marked = sorted(line for other, line in beside if other == file)
        parts.append(f"<h3><code>{escape(file)}</code></h3><table class=source>")
        parts += _lines(file, marked, beside)
        parts.append("</table>")
    return "".join(parts)


def _lines(file: str, marked: Iterable[int], beside: dict[tuple[str, int], list[str]]) -> Iterator[str]:
    text = linecache.getlines(file)
    near = (line + offset for line in marked for offset in range(-_AROUND, _AROUND + 1))
    shown = sorted({line for line in near if 1 <= line <= len(text)})
    for previous, line in zip([0, *shown], shown, strict=False):
        if line > previous + 1:
            yield "<tr class=gap><td colspan=3>&#8942;</td></tr>"
        notes = "<br>".join(beside.get((file, line), ()))
        code = escape(text[line - 1])
        yield f"<tr><td class=number>{line}</td><td>{notes}</td><td><pre>{code}</pre></td></tr>"


_STYLE: Final = """
:root{color-scheme:light
dark;--ink:#1b1b1b;--paper:#fff;--soft:#eef1f4;--line:#c8ced6;--bar:#cfe3f7;--bad:#a3180d} @media(prefers-
color-scheme:dark){:root{--ink:#e6e6e6;--paper:#16181b;--soft:#22262b;--line:#3c434b;--bar:#234a6d;
--bad:#ff9184}} body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:1rem
auto;max-width:75rem; padding:0 1rem} code,pre{font:14px/1.4 ui-monospace,monospace}pre{margin:0;white-
space:pre} section{border-top:1px solid var(--line);margin-top:2rem;overflow-x:auto} th{text-
align:left;padding-right:1rem;font-weight:600}td{vertical-align:top;padding:0 .75rem 0 0}
#symbols{background:var(--soft);padding:.5rem 1rem;display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-
items:center} #symbols p{margin:0}input{width:7rem}.bad{color:var(--bad)}.number{text-align:right;opacity:.6}
.source{border-collapse:collapse;margin:.5rem 0}.gap td{opacity:.5;text-align:center}
.row{display:flex}.bar,.nest{flex:1 1 0;min-width:0;overflow:hidden}.bar{background:var(--bar); border:1px
solid var(--paper);padding:.25rem;font-size:13px}.call{background:var(--soft);padding:.15rem .35rem}
"""

_SCRIPT: Final = """
"use strict";
const inputs = [...document.querySelectorAll("[data-symbol]")];
const sizes = [...document.querySelectorAll("[data-size], [data-grow]")];
const compiled = new Map();
function evaluate(text, v) {
  if (!compiled.has(text)) compiled.set(text, new Function("v", "return " + text));
  return compiled.get(text)(v);
}
function show() {
  const v = inputs.map(input => Math.max(0, Number(input.value) || 0));
  for (const element of sizes) {
    if (element.dataset.grow) {
      element.style.flexGrow = Math.max(0.001, evaluate(JSON.parse(element.dataset.grow), v));
      continue;
    }
    const value = evaluate(JSON.parse(element.dataset.size), v).toLocaleString("en");
    let output = element.querySelector("output");
    if (!output) { output = document.createElement("output"); element.append(" = ", output); }
    output.textContent = value;
  }
}
for (const input of inputs) input.addEventListener("input", show);
show();
"""
