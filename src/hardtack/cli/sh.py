"""`hardtack sh`: the built-in shell on the terminal, in a kernel of its own."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Final

import click

from hardtack.cli.output import complain
from hardtack.cli.parameters import directories, mount, size
from hardtack.cli.run import command as run
from hardtack.cli.run import kernel_name, tell_status

if TYPE_CHECKING:
    from hardtack.runtime import Kernel, Process
    from hardtack.runtime.terminal import Terminal

# Options of run's that limit the shell with all that it runs, and what `Limits` calls them.
_LIMITS: Final = {
    "timeout": "wall",
    "cpu": "cpu",
    "descriptors": "descriptors",
    "processes": "processes",
    "table_elements": "table_elements",
    "output": "output",
    "disk_limit": "disk",
}


@click.command(
    epilog="""\b
Examples:
  hardtack sh
  hardtack sh --dir .::/work
  echo 'yes | head -n 3' | hardtack sh

\b
Ctrl-C ends the program that runs, Ctrl-D or exit the shell.
Exit status: the shell's own, that of the last command."""
)
@click.option(
    "--heap",
    type=size,
    metavar="SIZE",
    default="64MiB",
    show_default=True,
    help="Capacity of the kernel's heap.",
)
@click.option(
    "--memory", type=size, metavar="SIZE", default="1GiB", show_default=True, help="Capacity of user memory."
)
@click.option(
    "--dir",
    "mounts",
    type=mount,
    metavar="HOST[::GUEST]",
    multiple=True,
    help="Give it a directory of the host, under another name if one is given. Repeatable. "
    "Called . or / it is all that programs see of files: what is in memory, /proc and /dev are hidden.",
)
def command(heap: int, memory: int, mounts: tuple[tuple[str, str], ...], **given: object) -> int:
    """Run the built-in shell: pipelines, redirection, files in memory, some forty small programs.

    Whatever runs in it, it cannot take more than the kernel's heap and user memory; the limits are of the
    shell with all that it runs.
    """
    from hardtack.limits import Limits
    from hardtack.runtime import Kernel
    from hardtack.runtime.terminal import Terminal

    terminal = Terminal() if sys.stdin.isatty() else None
    limits = Limits(**{_LIMITS[name]: value for name, value in given.items()})  # type: ignore[arg-type]
    with Kernel(
        heap, memory, dirs=directories(mounts), limits=limits, outside=terminal, name=kernel_name("sh")
    ) as kernel:
        while True:
            shell = kernel.spawn("/bin/sh", stdin=0, stdout=1, stderr=2, protected=True)
            if terminal is None:
                return tell_status("sh", shell.wait())
            with _Interrupts(kernel, terminal, shell):
                result = shell.wait()
            if result.killed is None or result.limit in {"wall", "cpu"}:
                return tell_status("sh", result)
            terminal.stuck = False
            complain(f"hardtack: the shell was killed: {result.killed}; here is another, with the same files")


command.params.extend(option for option in run.params if option.name in _LIMITS)


class _Interrupts:
    """Inside this `with`, Ctrl-C ends what the shell runs."""

    def __init__(self, kernel: Kernel, terminal: Terminal, shell: Process) -> None:
        self._kernel = kernel
        self._terminal = terminal
        self._shell = shell
        self._before: object = None

    def _interrupt(self, *_: object) -> None:
        self._terminal.interrupt(self._kernel, self._shell.pid)
        if self._terminal.stuck:
            self._shell.kill("it was busy itself when it was interrupted")

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGINT, self._interrupt)

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type] # what it was
