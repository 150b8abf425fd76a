"""What a program under `hardtack run` gets from outside: the host, a virtual one, or either of them recorded.

Names stand in a directory in the order of their hashes, which CPython keys anew for each process. So that
they stand in the same order each time, this process is replaced by one with a key that is known.
"""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hardtack.errors import KernelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hardtack.runtime.outside import Outside
    from hardtack.runtime.recording import Header

HASH_SEED: Final = "PYTHONHASHSEED"
HASH_SEEDS: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says of the outside.

    Attributes:
        seed: of a virtual one, or None for the host.
        record: the file to record into, or None.
        trace: the file, or descriptor, for a line a system call; or None.
    """

    seed: int | None
    record: str | None
    trace: Path | int | None

    @property
    def steady(self) -> bool:
        """Whether the same run must be possible again."""
        return self.seed is not None or self.record is not None

    @property
    def hash_seed(self) -> int:
        """Return the key of this process's hashes."""
        return (self.seed or 0) % HASH_SEEDS

    def make(self, header: Callable[[int], Header]) -> Outside:
        """Make the outside; a recording begins with the header, which is given its hash seed."""
        from hardtack.runtime.outside import Outside, Trace, Virtual

        outside = Outside() if self.seed is None else Virtual(self.seed)
        if self.record is None:
            outside.trace = None if self.trace is None else Trace(self.trace)
            return outside
        from hardtack.runtime.recording import Tape
        from hardtack.runtime.taped import Taped

        trace = Trace(self.trace)
        return Taped(Tape(Path(self.record), header(self.hash_seed), trace), outside)


def with_hash_seed(given: Sequence[str], seed: int) -> None:
    """Go on in a process whose hashes have this key: this one, or one in its place."""
    if os.environ.get(HASH_SEED) == str(seed):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    environment = {**os.environ, HASH_SEED: str(seed)}
    os.execve(sys.executable, [sys.executable, "-P", "-m", "hardtack", *given], environment)


def make_header(
    program: str | os.PathLike[str],
    args: Sequence[str],
    env: Mapping[str, str],
    files: Mapping[str, bytes],
    mounts: Sequence[str],
    listen: Sequence[str],
    sizes: tuple[int, int, int | None],
    limits: Mapping[str, float | None],
    hash_seed: int,
) -> Header:
    """Describe a run, so that it can be made again.

    Raises:
        KernelError: the program can't be read.
    """
    from hardtack.runtime.recording import Header
    from hardtack.wasm.modules import BUILT_IN

    path = os.fspath(program)
    built_in = path.startswith("/bin/") and (BUILT_IN / f"{path[5:]}.wasm").exists()
    return Header(
        program=path if built_in else os.path.abspath(path),
        sha256="" if built_in else _sha256(path),
        args=list(args),
        env=dict(env),
        files={name: base64.b64encode(content).decode() for name, content in files.items()},
        heap=sizes[0],
        memory=sizes[1],
        fs_size=sizes[2],
        mounts=list(mounts),
        listen=list(listen),
        limits=dict(limits),
        hash_seed=hash_seed,
        built_ins=built_ins(),
    )


def built_ins() -> str:
    """Return a digest of the programs that come with hardtack."""
    from hardtack.wasm.modules import BUILT_IN

    digest = hashlib.sha256()
    for path in sorted(BUILT_IN.glob("*.wasm")):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sha256(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise KernelError(f"{path}: {error.strerror}") from None
