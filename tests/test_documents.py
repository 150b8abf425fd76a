"""Commands in the documents are run, and print what the documents say.

A ```console block holds commands behind "$ ", each followed by its output. "[137]" on a line of its own is
the exit status, if it is not 0. Numbers and the width of columns may differ; "..." stands for any lines.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
    pattern = re.escape(plain(expected)).replace(re.escape("..."), "(.|\n)*")
    assert re.fullmatch(pattern, plain(found)), f"{document} says:\n{expected}\nfound:\n{found}"


def test_pages_made_from_the_code_are_not_stale() -> None:
    make = [sys.executable, str(ROOT / "docs" / "make_pages.py"), "--check"]
    done = subprocess.run(make, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_each_link_of_the_built_book_leads_somewhere(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(ROOT / "docs" / "build_book.py"), str(tmp_path / "docs")], check=True)
    pages = sorted((tmp_path / "docs").rglob("*.html"))
    broken = []
    for page in pages:
        for link in re.findall(r'(?:href|src)="(?!https?:|data:)([^"]*)"', page.read_text()):
            file, _, name = link.partition("#")
            target = (page.parent / file).resolve() if file else page
            if not target.is_file() or (name and f'id="{name}"' not in target.read_text()):
                broken.append(f"{page.name}: {link}")
    assert (len(pages), broken) == (len(PAGES), [])


def test_the_makefile_says_each_target_once() -> None:
    done = subprocess.run(["make", "--dry-run", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
