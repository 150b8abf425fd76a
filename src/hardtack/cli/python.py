"""`hardtack python`: Python code under a kernel of its own, with this process's streams.

Its options are those of `hardtack run`, which does the work.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from hardtack.cli import run
from hardtack.errors import KernelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOT_OURS: Final = frozenset({"policy", "signs_fd", "program", "args"})  # run's alone
_WITH_VALUE: Final = frozenset("cmWX")  # options of python's that take one
_LONG: Final = ("--check-hash-based-pycs", "--help", "--version")
_LAST: Final = frozenset("cm")  # those that end the options, and need no script


def _python(
    python: str | None, mounts: tuple[tuple[str, str], ...], args: tuple[str, ...], **options: object
) -> object:
    """Run Python with ARGS: its own options, -c CODE, -m MODULE or SCRIPT, and what the code is to get.

    SCRIPT is a file of the host. It is run where it is, if it is in a --dir; else it alone is copied, and
    modules beside it are not found.
    """
    for option in args[:1]:
        if option.startswith("--") and not option.startswith(_LONG):
            raise click.NoSuchOption(option, ctx=click.get_current_context())
    from hardtack.runtime.interpreter import find_interpreter

    interpreter = find_interpreter(python)
    files: dict[str, bytes] = {}
    given = list(args)
    place = script_place(given)
    if place is not None:
        given[place] = _guest_path(given[place], mounts, files)
    assert run.command.callback is not None
    return run.command.callback(
        **options,
        mounts=mounts,
        policy="reserve",
        signs_fd=None,
        program=interpreter,
        args=("-B", *given),
        files=files,
    )


def script_place(args: Sequence[str]) -> int | None:
    """Return which of Python's arguments is the script, or None if there is none.

    Example:
        >>> script_place(["-X", "dev", "-u", "tool.py", "-c"]), script_place(["-uc", "pass", "x"])
        (3, None)
    """
    place = 0
    while place < len(args):
        option = args[place]
        if option == "-" or option[:1] != "-":
            return None if option == "-" else place
        place += 1
        if option.startswith("--"):
            place += option == "--check-hash-based-pycs"
            continue
        for letter, rest in zip(option[1:], [option[i:] for i in range(2, len(option) + 1)], strict=True):
            if letter in _LAST:
                return None
            if letter in _WITH_VALUE:
                place += not rest
                break
    return None


def _guest_path(script: str, mounts: Sequence[tuple[str, str]], files: dict[str, bytes]) -> str:
    """Return the name that a script has for the guest; put it into files if it is in no directory of its."""
    path = os.path.realpath(script)
    for guest, host in mounts:
        below = os.path.relpath(path, os.path.realpath(host))
        if not below.startswith(".."):
            return os.path.join(guest, below)
    try:
        content = Path(script).read_bytes()
    except OSError as error:
        raise KernelError(f"{script or repr(script)}: {error.strerror}") from None
    name = "/" + os.path.basename(path)
    files[name] = content
    return name


_EPILOG: Final = """\b
Examples:
  hardtack python -c 'print(6 * 7)'
  hardtack python --timeout 10 --dir data::/data script.py /data/input
  echo 'print(1)' | hardtack python

\b
Exit status: Python's own, or
  137  it was killed: the heap was full, its time was over
  134  it trapped
  130  Ctrl-C
    2  wrong use
    1  an error of hardtack's: there is no interpreter, no such script

The interpreter is the one of pip install 'hardtack[python]', or the one that is named. Its first run on a
machine compiles it, which takes half a minute."""


def _options() -> Mapping[str, click.Parameter]:
    return {option.name or "": option for option in run.command.params if option.name not in _NOT_OURS}


command = click.Command(
    "python",
    callback=_python,
    params=[
        *_options().values(),
        click.Option(
            ["--python"],
            metavar="FILE",
            help="The interpreter, a python.wasm.  [default: $HARDTACK_PYTHON, or hardtack[python]'s]",
        ),
        click.Argument(["args"], nargs=-1, type=click.UNPROCESSED),
    ],
    help=_python.__doc__,
    epilog=_EPILOG,
    context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True},
)
