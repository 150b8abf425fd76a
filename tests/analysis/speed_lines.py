"""How long `hardtack bound` takes for many lines, all functions of them its targets: `speed.py --lines 5000`.

The lines are the analysed programs of these tests, as packages of their own, as often as it takes. Seconds are
those of the clock, from the command's start to its end: the first time with no cache at all, mypy's included;
again as it is; again after a function was added, and after one line was.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS: Final = Path(__file__).parent / "programs"
COLD, WARM = 10.0, 2.0  # seconds, at most
_ADDED = "\n\ndef added(text: str) -> str:\n    return text + text\n"


def measure(lines: int) -> bool:
    """Print how long it takes; returns whether each of the four takes as long as it may, or less."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        packages = list(_packages(root, lines))
        targets = [target for package in packages for target in _targets(root, package)]
        written = sum(len(path.read_text().splitlines()) for one in packages for path in one.glob("*.py"))
        print(f"{written} lines, {len(targets)} targets, {len(os.sched_getaffinity(0))} processors")
        well = _timed("cold", root, targets, COLD)
        well &= _timed("unchanged", root, targets, WARM)
        changed = packages[0] / "text.py"
        changed.write_text(changed.read_text() + _ADDED)
        well &= _timed("one function added", root, targets, WARM)
        changed = packages[0] / "containers.py"
        before, line, after = changed.read_text().partition("    return")
        changed.write_text(f"{before}    pass\n{line}{after}")
        return well & _timed("one line added", root, targets, WARM)


def _packages(root: Path, lines: int) -> Iterator[Path]:
    """Write packages of the programs until there are so many lines, and iterate over them."""
    while lines > 0:
        number = len(list(root.iterdir()))
        package = root / f"copy{number}"
        package.mkdir()
        (package / "__init__.py").write_text("")
        for file in sorted(PROGRAMS.glob("*.py")):
            if lines <= 0:
                break
            if file.stem.endswith("_inputs") or file.stem == "__init__":
                continue
            text = file.read_text().replace("programs.", f"{package.name}.")
            text = text.replace("from programs", f"from {package.name}")
            (package / file.name).write_text(text)
            lines -= len(text.splitlines())
        yield package


def _targets(root: Path, package: Path) -> Iterator[str]:
    for file in sorted(package.glob("*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                yield f"{file.relative_to(root)}:{node.name}"


def _timed(what: str, root: Path, targets: list[str], most: float) -> bool:
    """Run the command; what it says of bounds that are not there is not the matter."""
    command = [str(Path(sys.executable).with_name("hardtack")), "bound", *targets]
    begun, worked = time.perf_counter(), _processors_time()
    done = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "HARDTACK_CACHE": str(root / ".cache")},
        check=False,
        stdout=subprocess.DEVNULL,
    )
    seconds, worked = time.perf_counter() - begun, _processors_time() - worked
    verdict = "within" if seconds <= most else "OVER"
    print(f"{what}: {seconds:.2f} s, {verdict} {most:.0f} s; {worked:.2f} s of processors", flush=True)
    return seconds <= most and done.returncode in {0, 1}


def _processors_time() -> float:
    times = os.times()
    return times.children_user + times.children_system
