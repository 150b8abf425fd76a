"""The command line: one file a subcommand, imported when it is called for.

`commands` has the group of them and decides on exit statuses; `main` first puts this process in order.
"""

from __future__ import annotations

import sys

from hardtack.cli.process import (
    exit_at_interrupt,
    ignore_interrupts,
    name_standard_output,
    open_standard_streams,
)

TYPE_CHECKING = False  # typing would be imported before Ctrl-C is seen to
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    Args:
        arguments: without the program's name. If not given, sys.argv's, and this process is the command's
            own: Ctrl-C ends it, and does nothing once this has returned.

    Example:
        >>> main(["run", "--heap", "16MiB", "/bin/true"])
        0
    """
    if arguments is None:
        exit_at_interrupt()
    open_standard_streams()
    if arguments is None:
        name_standard_output()
    from hardtack.cli.commands import execute

    status = execute(sys.argv[1:] if arguments is None else list(arguments))
    if arguments is None:
        ignore_interrupts()
    return status
