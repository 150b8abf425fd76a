"""The command line: one file a subcommand, imported when it is called for.

`main` alone decides on exit statuses: a subcommand returns its status or raises, and whatever ends it comes
out as a status and at most one line on standard error.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, cast

import click

from hardtack.errors import HardtackError

if TYPE_CHECKING:
    from collections.abc import Sequence

SUBCOMMANDS: Final = ("run", "demo", "bench")
OWN_ERROR: Final = 1
INTERRUPTED: Final = 128 + 2


class _Subcommands(click.Group):
    """Finds a subcommand's module by its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List all, in the order of their use."""
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand's module and return its `command`."""
        if cmd_name not in SUBCOMMANDS:
            return None
        return cast(click.Command, importlib.import_module(f"hardtack.cli.{cmd_name}").command)


@click.group(
    cls=_Subcommands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Each has a --help of its own, with examples and exit statuses.",
)
@click.version_option(version("hardtack"), prog_name="hardtack")
def hardtack() -> None:
    r"""Run WebAssembly programs under a kernel heap that cannot run out inside a system call.

    \b
    Example:
      hardtack run --heap 16MiB --dir . program.wasm input.txt
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    Args:
        arguments: without the program's name; sys.argv's if not given.

    Example:
        >>> main(["run", "--heap", "16MiB", "/bin/true"])
        0
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        status = hardtack.main(given, "hardtack", standalone_mode=False, obj=given)
        sys.stdout.flush()
    except click.ClickException as error:
        _show(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except HardtackError as error:
        click.echo(f"hardtack: {error}", err=True)
        return OWN_ERROR
    except BrokenPipeError:  # nobody reads our output any more, which is no error to speak of
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains when it flushes at exit
        return OWN_ERROR
    return status if isinstance(status, int) else 0


def _show(error: click.ClickException) -> None:
    """Say in one line what was wrong with the use; without any arguments, show the help."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context is not None else "hardtack"
    click.echo(f"{path}: {error.format_message().rstrip('.')} (see '{path} --help')", err=True)
