"""Commands in the documents are run, and print what the documents say.

A ```console block holds commands behind "$ ", each followed by its output. "[137]" on a line of its own is
the exit status, if it is not 0. Numbers and the width of columns may differ; "..." stands for any text, on a
line of its own for any lines or none.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from browsers import on_each_screen, screen

ROOT = Path(__file__).parents[1]
PAGES = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = ["README.md", "ARCHITECTURE.md", *PAGES]


def commands() -> list[tuple[str, str, str]]:
    found = []
    for document in DOCUMENTS:
        text = (ROOT / document).read_text()
        for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                found.append((document, command, output))
    return found


def plain(text: str) -> str:
    text = re.sub(r"\d+(\.\d+)?", "#", text)
    return re.sub(r"[ \t]+", " ", re.sub(r"-{3,}", "---", text)).strip()


@pytest.mark.parametrize(("document", "command", "expected"), commands())
def test_prints_what_it_says(document: str, command: str, expected: str, tmp_path: Path) -> None:
    # `make NAME` sets up and runs `hardtack NAME`; here it is set up already.
    command = re.sub(r"^make (demo)$", r"hardtack \1", command)
    shutil.copytree(ROOT / "docs" / "examples", tmp_path, dirs_exist_ok=True)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    status = f"[{done.returncode}]" if done.returncode else ""
    found = "\n".join(line for line in (done.stdout + done.stderr + status).splitlines())
    pattern = re.escape(plain(expected) + "\n")
    pattern = pattern.replace(re.escape("...\n"), "(.*\n)*").replace(re.escape("..."), "(.|\n)*")
    assert re.fullmatch(pattern, plain(found) + "\n"), f"{document} says:\n{expected}\nfound:\n{found}"


def test_the_makefile_defines_each_target_once() -> None:
    make = ["make", "--dry-run", "--directory", str(ROOT), "help"]
    assert subprocess.run(make, capture_output=True, text=True, check=True).stderr == ""


def test_pages_made_from_the_code_are_not_stale() -> None:
    make = [sys.executable, str(ROOT / "docs" / "make_pages.py"), "--check"]
    done = subprocess.run(make, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The pages of the book and the manuals."""
    folder = tmp_path_factory.mktemp("built") / "docs"
    subprocess.run([sys.executable, str(ROOT / "docs" / "build_book.py"), str(folder)], check=True)
    return sorted(folder.rglob("*.html"))


def test_each_link_of_the_built_book_leads_somewhere(built: list[Path]) -> None:
    broken = []
    for page in built:
        for link in re.findall(r'(?:href|src)="(?!https?:|data:)([^"]*)"', page.read_text()):
            file, _, name = link.partition("#")
            target = (page.parent / file).resolve() if file else page
            if not target.is_file() or (name and f'id="{name}"' not in target.read_text()):
                broken.append(f"{page.name}: {link}")
    assert (len(built), broken) == (len(PAGES), [])


@on_each_screen
def test_the_book_is_readable_in_a_browser(built: list[Path], scheme: str, width: int) -> None:
    with screen(width, scheme) as (shown, wrong):
        for page in built:
            shown.goto(page.as_uri())
            wrong += [f"{page.name}: {what}" for what in shown.evaluate(_LOOK)]
    assert wrong == []


# What is wider than the screen, a figure that is not drawn, and text that does not stand out: less than WCAG's 4.5.
_LOOK = """() => {
    const parts = colour => colour.match(/[0-9.]+/g).slice(0, 3).map(part => part / 255);
    const light = colour => parts(colour).map(part =>
        part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    ).reduce((sum, part, n) => sum + part * [0.2126, 0.7152, 0.0722][n], 0);
    const behind = element => {
        const colour = getComputedStyle(element).backgroundColor;
        return colour === "rgba(0, 0, 0, 0)" && element.parentElement ? behind(element.parentElement) : colour;
    };
    const found = [];
    if (document.documentElement.scrollWidth > innerWidth) found.push("wider than the screen");
    for (const image of document.images) if (!image.naturalWidth) found.push(`not drawn: ${image.src}`);
    for (const element of document.querySelectorAll("h1, h2, p, li, td, th, a, code, pre, pre span")) {
        const [less, more] = [getComputedStyle(element).color, behind(element)].map(light).sort((a, b) => a - b);
        const contrast = (more + 0.05) / (less + 0.05);
        if (contrast < 4.5) found.push(`${contrast.toFixed(1)}: ${element.className} ${element.textContent.slice(0, 30)}`);
    }
    return [...new Set(found)].slice(0, 5);
}"""
