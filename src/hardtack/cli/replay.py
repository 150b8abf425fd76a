"""`hardtack replay`: a recorded run once more, without the outside."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hardtack.cli.outsides import built_ins, with_hash_seed
from hardtack.cli.parameters import named, trace_option
from hardtack.cli.process import Interruptible
from hardtack.cli.run import tell_status
from hardtack.errors import ReplayDiverged

if TYPE_CHECKING:
    from hardtack.runtime.recording import Header


@click.command(
    epilog="""\b
Examples:
  hardtack run --record run.rec --dir data program.wasm data/input
  hardtack replay run.rec

\b
Exit status: the program's, as it was; 1 too if the replay differs from the recording.

The program itself is not in the recording: it is read from where it was, or from --program, and must be the
same."""
)
@click.option("--program", type=named, metavar="FILE", help="The program, if it is not where it was.")
@trace_option
@click.argument("recording", type=named, metavar="FILE")
@click.pass_obj
def command(given: list[str], recording: str, program: str | None, trace: Path | int | None) -> int:
    """Run what was recorded in FILE again: the same output, the same system calls in the same turns.

    Nothing is taken from outside: time, random bytes, input, and the files of directories are the recorded
    ones, and nothing but the output is written.
    """
    from hardtack.limits import Limits
    from hardtack.runtime import Kernel
    from hardtack.runtime.interpreter import Interpreter
    from hardtack.runtime.outside import Outside, Trace
    from hardtack.runtime.recording import Playback
    from hardtack.runtime.taped import Taped

    playback = Playback(Path(recording), Trace(trace))
    header = playback.header
    with_hash_seed(given, header.hash_seed)
    _check(header, recording)
    path = program or header.program
    outside = Taped(playback, Outside())
    kernel = Kernel(
        header.heap,
        header.memory,
        fs_size=header.fs_size,
        dirs=dict.fromkeys(header.mounts, ""),
        limits=Limits(**header.limits),  # type: ignore[arg-type]
        outside=outside,
    )
    with kernel, contextlib.closing(outside):
        process = kernel.spawn(
            Interpreter(Path(path), header.sha256) if header.sha256 else path,
            header.args,
            stdin=0,
            stdout=1,
            stderr=2,
            env=header.env,
            listen=header.listen,
            files={name: base64.b64decode(content) for name, content in header.files.items()},
        )
        with Interruptible():
            result = process.wait()
        playback.check(kernel.statistics().waits)
    return tell_status(Path(path).name, result)


def _check(header: Header, recording: str) -> None:
    """Check that the programs that come with hardtack are those that were there then."""
    if header.built_ins != built_ins():
        raise ReplayDiverged(
            f"{recording} was made by a hardtack ({header.hardtack}) with other built-in programs"
        )
