"""Write the pages that are made from the code: `make docs`. With --check, say which are stale."""

from __future__ import annotations

import sys
from pathlib import Path

from hardtack.kernel.system_calls import LIMITS, TABLE

HERE = Path(__file__).parent


def system_calls() -> str:
    """Return the page of system calls, from THE table."""
    lines = [
        "# System calls",
        "",
        "Made from `src/hardtack/kernel/system_calls.py` by `make docs`.",
        "",
        "A bound is the most bytes that the call can have allocated at any one moment, over its arguments.",
        "`transfer` is what a read or write moves, `inherited` the parent's environment. The border",
        "tries the largest value first. Names in capitals:",
        ", ".join(f"{name} is {value:,}" for name, value in LIMITS.items()) + ".",
        "",
        "| | call | arguments | bound | largest | missing |",
        "|---|---|---|---|---|---|",
    ]
    for row in TABLE:
        arguments = ", ".join(parameter.split(":")[0] for parameter in row.parameters.split())
        bound = "set aside" if row.always else f"`{row.expression}`"
        largest = "" if row.always else f"{row.maximum:,}"
        name = f"`{row.module}.{row.name}`" if row.module == "posix" else f"`{row.name}`"
        lines.append(f"| {row.number} | {name} | {arguments} | {bound} | {largest} | {row.missing} |")
    return "\n".join(lines) + "\n"


PAGES = {"system-calls.md": system_calls}


def main() -> int:
    """Write or check the pages; return the exit status."""
    stale = [name for name, make in PAGES.items() if _read(HERE / name) != make()]
    if "--check" in sys.argv[1:]:
        for name in stale:
            sys.stderr.write(f"docs/{name} is stale: run `make docs`\n")
        return int(bool(stale))
    for name in stale:
        (HERE / name).write_text(PAGES[name]())
    return 0


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
