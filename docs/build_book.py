"""Build the book and the manuals as static HTML: `make docs`; build/docs/book/index.html is the beginning.

`build_book.py FOLDER` builds them there.
"""

from __future__ import annotations

import re
import shutil
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE: Final = Path(__file__).parent
OUT: Final = HERE.parent / "build" / "docs"
CHAPTERS: Final = (HERE / "book" / "README.md", *sorted((HERE / "book").glob("[0-9]*.md")))
MANUALS: Final = tuple(sorted(HERE.glob("*.md")))
LANGUAGES: Final = {"console": "console", "python": "python", "toml": "toml", "sh": "sh"}

STYLE: Final = """
:root { color-scheme: light dark; --paper: #fdfcf9; --ink: #22252a; --soft: #5d636d; --faint: #d5d3cb;
  --card: #f4f2ec; --link: #2166ac; --word: #8a2f6b; --text: #2c6a3b; --number: #8a4b12; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171a; --ink: #e4e3df; --soft: #a3a7ae;
  --faint: #3d4148; --card: #1c1f23; --link: #6cb2f2; --word: #e29bc9; --text: #8fcf9c; --number: #eab078; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1rem 4rem; max-width: 66rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, sans-serif; }
main { max-width: 46rem; min-width: 0; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: .5rem 0 1rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .4rem; }
a { color: var(--link); }
img { display: block; width: 100%; max-width: 36rem; margin: 1.2rem 0; }
code { background: var(--card); padding: .1em .25em; border-radius: 3px; font-size: .9em;
  overflow-wrap: anywhere; }
pre { overflow-x: auto; background: var(--card); padding: .7rem .9rem; border-radius: 4px; font-size: .85rem;
  line-height: 1.45; }
pre code { background: none; padding: 0; font-size: 1em; }
pre code, td code { overflow-wrap: normal; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--faint); }
nav { font-size: .92rem; }
nav ol, nav ul { margin: .3rem 0 1rem; padding-left: 1.4rem; }
nav [aria-current] { color: var(--ink); font-weight: 600; text-decoration: none; }
nav.contents { margin-top: 2rem; }
pre :is(.k, .kn, .kc, .kd, .ow) { color: var(--word); }
pre [class^="s"] { color: var(--text); }
pre [class^="m"] { color: var(--number); }
pre :is(.nf, .nc, .nd) { color: var(--link); }
pre :is([class^="c"], .go) { color: var(--soft); }
.turn { display: flex; justify-content: space-between; gap: 1rem; margin-top: 3rem; padding-top: 1rem;
  border-top: 1px solid var(--faint); }
@media (min-width: 60rem) { .page { display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 3rem; }
  main { grid-column: 2; } .to-contents { display: none; }
  nav.contents { grid-column: 1; grid-row: 1; margin-top: 0; position: sticky; top: 1rem; align-self: start;
    max-height: 95vh; overflow-y: auto; } }
"""


def title(page: Path) -> str:
    """Return a page's title, which is its first heading."""
    return page.read_text().split("\n", 1)[0].removeprefix("# ").replace("`", "")


def target(page: Path) -> Path:
    """Return where a page goes, relative to the folder that all are in."""
    found = page.relative_to(HERE)
    return found.with_name("index.html") if found.name == "README.md" else found.with_suffix(".html")


def between(page: Path, other: Path) -> str:
    """Return the link from one page to another."""
    return "../" * (len(target(page).parts) - 1) + target(other).as_posix()


def coloured(code: str, language: str, _attributes: str) -> str:
    """Return code with its parts marked, as markdown-it asks for it; "" is for text."""
    try:
        lexer = get_lexer_by_name(LANGUAGES[language])
    except (KeyError, ClassNotFound):
        return ""
    found: str = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return found


def body(page: Path) -> str:
    """Return a page's text as HTML, with the headings' ids and the links' endings that it has there."""
    options: dict[str, Any] = {"html": True, "highlight": coloured}
    found = MarkdownIt("commonmark", options).enable("table").render(page.read_text())
    found = re.sub(r"<h([23])>(.*?)</h\1>", _heading, found)
    found = re.sub(r'(href="(?!https?:)[^"#]*?)(README)?\.md(?=["#])', _link, found)
    return found.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")


def _heading(found: re.Match[str]) -> str:
    level, text = found.groups()
    words = re.sub(r"<[^>]*>|[^\w\s-]", "", text).strip().lower()
    name = re.sub(r"\s", "-", words)
    return f'<h{level} id="{name}">{text}</h{level}>'


def _link(found: re.Match[str]) -> str:
    return found[1] + ("index.html" if found[2] else ".html")


def contents(page: Path) -> str:
    """Return the table of contents, as it stands beside a page."""
    book, manuals = (_entries(page, pages) for pages in (CHAPTERS[1:], MANUALS))
    home = _entries(page, CHAPTERS[:1])
    return (
        f'<nav class="contents" id="contents"><ul>{home}</ul><ol>{book}</ol>'
        f"Manuals and figures<ul>{manuals}</ul></nav>"
    )


def _entries(page: Path, pages: Sequence[Path]) -> str:
    here = ' aria-current="page"'
    return "".join(
        f'<li><a href="{between(page, each)}"{here if each == page else ""}>'
        f"{escape(re.sub(r'^[0-9]+[.] ', '', title(each)))}</a></li>"
        for each in pages
    )


def turn(page: Path) -> str:
    """Return the links to the chapters before and after."""
    if page not in CHAPTERS:
        return ""
    at = CHAPTERS.index(page)
    links = [
        f'<a href="{between(page, other)}">{arrow}</a>'
        for other, arrow in (
            (CHAPTERS[at - 1] if at else None, "&larr; before"),
            (CHAPTERS[at + 1] if at + 1 < len(CHAPTERS) else None, "next &rarr;"),
        )
        if other is not None
    ]
    return f'<nav class="turn">{"".join(links)}</nav>'


def whole(page: Path) -> str:
    """Return a page of HTML."""
    style = "../" * (len(target(page).parts) - 1) + "style.css"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f'<title>{escape(title(page))}</title>\n<link rel="stylesheet" href="{style}">\n</head>\n'
        f'<body><a class="to-contents" href="#contents">Contents</a>\n<div class="page">\n'
        f"<main>\n{body(page)}{turn(page)}</main>\n{contents(page)}\n</div></body>\n</html>\n"
    )


def main(out: Path) -> None:
    """Build all pages in a folder, which is emptied first, and copy what they show."""
    shutil.rmtree(out, ignore_errors=True)
    for page in (*CHAPTERS, *MANUALS):
        file = out / target(page)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(whole(page))
    (out / "style.css").write_text(STYLE)
    shutil.copytree(HERE / "examples", out / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HERE / "figures", out / "figures", ignore=shutil.ignore_patterns("*.json"))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
