"""The group of subcommands, and the exit statuses.

`execute` alone decides on these: a subcommand returns its status or raises, and whatever ends it comes out as
a status and at most one line on standard error.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, cast

import click

from hardtack.cli.output import complain, flush_output
from hardtack.cli.process import INTERRUPTED, STANDARD_OUTPUT
from hardtack.errors import HardtackError, WrongSize

if TYPE_CHECKING:
    from collections.abc import Sequence

SUBCOMMANDS: Final = ("run", "python", "sh", "ps", "top", "replay", "bound", "demo", "lab", "bench")
OWN_ERROR: Final = 1
WRONG_USE: Final = 2


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand; say which there are if there is none of that name."""
        name = args[0]
        if name in SUBCOMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        way_out = f"there are {', '.join(SUBCOMMANDS)}"
        if name.endswith((".wasm", ".py")) or "/" in name:
            way_out = f"to run a program: hardtack {'python' if name.endswith('.py') else 'run'} {name}"
        raise click.UsageError(f"No such command {name!r}; {way_out}", ctx)


@click.group(
    cls=_Subcommands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Example:
  hardtack run --heap 16MiB --dir . program.wasm input.txt

Each has a --help of its own, with examples and exit statuses.""",
)
@click.version_option(package_name="hardtack", prog_name="hardtack")
def hardtack() -> None:
    """Run WebAssembly programs under a kernel heap that cannot run out inside a system call."""


def execute(arguments: list[str]) -> int:
    """Run the command line; return its exit status."""
    try:
        status = _execute(arguments)
    except OSError as error:
        unwritten = flush_output()
        if unwritten is None and error.filename == STANDARD_OUTPUT:
            unwritten = error  # what was longer than the buffer is not in it any more
        if not isinstance(
            unwritten, BrokenPipeError
        ):  # nobody reads our output any more: no error to speak of
            where = error.filename if unwritten is None else STANDARD_OUTPUT
            complain(f"hardtack: {where}: {error.strerror}" if where else f"hardtack: {error.strerror}")
        return OWN_ERROR
    return status if isinstance(status, int) else 0


def _execute(arguments: list[str]) -> object:
    try:
        status = hardtack.main(arguments, "hardtack", standalone_mode=False, obj=arguments)
    except click.ClickException as error:
        complain(_line(error, arguments))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except HardtackError as error:
        complain(f"hardtack: {error}")
        return WRONG_USE if isinstance(error, WrongSize) else OWN_ERROR
    unwritten = flush_output()
    if unwritten is not None:
        raise unwritten
    return status


def _line(error: click.ClickException, arguments: Sequence[str]) -> str:
    """Say in one line what was wrong with the use; without any arguments, return the help."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.format_message()
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        path = context.command_path
    else:  # one that click's parser raised
        path = " ".join(["hardtack", *(name for name in arguments[:1] if name in SUBCOMMANDS)])
    message = " ".join(error.format_message().split()).rstrip(".,")
    return f"{path}: {message} (see '{path} --help')"
