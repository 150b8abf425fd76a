"""One attack under one host, in a process of its own that its parent watches: `python -m ... HOST NAME DIR`.

Each host is set up as a careful user of it would: for wasmtime-py a limit of 256 MB of memory and an epoch of
five seconds; for hardtack the same figures as `Limits`. Node has no such limits. What the program wrote goes
to the file `output` in DIR; the last line on standard error says how it ended.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import wasmtime

from hardtack.lab.attacks import ATTACKS, Attack

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS: Final = 5
MEMORY: Final = 256_000_000
LARGE_MEMORY: Final = 1 << 31  # for those attacks that need room for what they pass on
NEEDS_ROOM: Final = frozenset({"poll", "vectors", "path"})
ARGUMENT: Final = "x" * 16


def arguments_of(attack: Attack) -> list[str]:
    """Return an attack's arguments."""
    return [ARGUMENT] * attack.arguments


def under_hardtack(attack: Attack, directory: Path) -> Callable[[], str]:
    """Return what runs it under hardtack and says how it ended."""
    from hardtack import HardtackError, Kernel, Limits

    limits = Limits(
        memory=LARGE_MEMORY if attack.name in NEEDS_ROOM else MEMORY,
        wall=SECONDS,
        descriptors=1000,
        disk="16 MiB",
    )
    kernel = Kernel(heap="64 MiB", memory=LARGE_MEMORY)
    program, arguments = attack.module(), arguments_of(attack)

    def run() -> str:
        try:
            result = kernel.run(program, arguments, limits=limits)
        except HardtackError as error:
            return f"refused: {error}"
        (directory / "output").write_bytes(result.stdout)
        if result.killed or result.failure:
            return str(result.killed or result.failure)
        met = f", met its limit of {' and '.join(result.limits_met)}" if result.limits_met else ""
        return f"exit {result.exit_code}{met}"

    return run


def under_wasmtime(attack: Attack, directory: Path) -> Callable[[], str]:
    """Return what runs it under wasmtime-py and says how it ended."""
    config = wasmtime.Config()
    config.epoch_interruption = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    store.set_limits(memory_size=LARGE_MEMORY if attack.name in NEEDS_ROOM else MEMORY)
    store.set_epoch_deadline(1)
    wasi = wasmtime.WasiConfig()
    wasi.argv = ["attack", *arguments_of(attack)]
    wasi.stdout_file = str(directory / "output")
    files = directory / "files"
    files.mkdir()
    wasi.preopen_dir(str(files), "/")
    store.set_wasi(wasi)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    module = wasmtime.Module(engine, attack.module())

    def run() -> str:
        timer = threading.Timer(SECONDS, engine.increment_epoch)
        timer.daemon = True
        timer.start()
        try:
            start = linker.instantiate(store, module).exports(store)["_start"]
            assert isinstance(start, wasmtime.Func)
            start(store)
        except wasmtime.ExitTrap as end:
            return f"exit {end.code}"
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            return str(error).strip().splitlines()[-1].strip()
        return "returned"

    return run


def main() -> None:
    """Run what the command line names."""
    host, name = sys.argv[1:3]
    directory = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(tempfile.mkdtemp())
    run = {"hardtack": under_hardtack, "wasmtime": under_wasmtime}[host](ATTACKS[name], directory)
    began = time.monotonic()
    ended = run()
    print(f"{time.monotonic() - began:.3f} {ended}", file=sys.stderr)  # noqa: T201 - for the parent


if __name__ == "__main__":
    main()
