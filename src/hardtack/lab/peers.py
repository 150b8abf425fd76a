"""The attacks under hardtack, wasmtime-py and node:wasi, side by side: `make peers`.

Each runs in a child process that is watched: how much memory it takes, how many descriptors, how long, how
much it writes. One that takes more than this machine should give is ended, and that is said.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from hardtack.lab.attacks import ATTACKS, Attack
from hardtack.lab.peers_child import arguments_of
from hardtack.lab.rows import machine

HOSTS: Final = ("hardtack", "wasmtime", "node")
PATIENCE_SECONDS: Final = 15.0
MOST_MEMORY: Final = 3 << 30  # bytes of a child
MOST_OUTPUT: Final = 2 << 30  # bytes of one file
MOST_DESCRIPTORS: Final = 20_000
LOOK_SECONDS: Final = 0.01

_NODE: Final = """
const { readFileSync, openSync, mkdirSync } = require('node:fs');
const { WASI } = require('node:wasi');
const [file, directory, count, text] = process.argv.slice(2);
mkdirSync(directory + '/files');
const wasi = new WASI({ version: 'preview1', args: ['attack', ...Array(Number(count)).fill(text)],
  preopens: { '/': directory + '/files' }, stdout: openSync(directory + '/output', 'w'),
  returnOnExit: true });
const compiled = new WebAssembly.Module(readFileSync(file));
const began = Date.now();
const instance = new WebAssembly.Instance(compiled, wasi.getImportObject());
const code = wasi.start(instance);
console.error(((Date.now() - began) / 1000).toFixed(3) + ' exit ' + code);
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attack did to its host.

    Attributes:
        attack: its name.
        host: the host's.
        ended: how it ended, in words.
        seconds: from the program's start to its end, or to the child's.
        memory: the most bytes of memory that the child had.
        descriptors: the most that it had open.
        output: bytes of what the program wrote to standard output.
    """

    attack: str
    host: str
    ended: str
    seconds: float
    memory: int
    descriptors: int
    output: int


def run(attack: Attack, host: str, directory: Path) -> Outcome:
    """Run an attack under a host in a child process, and watch it; blocks."""
    resource_limits = ((resource.RLIMIT_NOFILE, MOST_DESCRIPTORS), (resource.RLIMIT_FSIZE, MOST_OUTPUT))

    def limit() -> None:
        for kind, most in resource_limits:
            _, hard = resource.getrlimit(kind)
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (most, most))

    began = time.monotonic()
    with (directory / "errors").open("wb") as errors:
        child = subprocess.Popen(
            _command(attack, host, directory),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            preexec_fn=limit,
        )
        try:
            stopped, memory, descriptors = _watch(child, began)
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
    output = directory / "output"
    seconds, ended = _ending(child.returncode, (directory / "errors").read_text(errors="replace"))
    return Outcome(
        attack.name,
        host,
        stopped or ended,
        time.monotonic() - began if stopped or seconds is None else seconds,
        memory,
        descriptors,
        output.stat().st_size if output.exists() else 0,
    )


def _command(attack: Attack, host: str, directory: Path) -> list[str]:
    if host != "node":
        return [sys.executable, "-m", "hardtack.lab.peers_child", host, attack.name, str(directory)]
    module, script = directory / "attack.wasm", directory / "host.cjs"
    module.write_bytes(attack.module())
    script.write_text(_NODE)
    words = arguments_of(attack)
    about = [str(module), str(directory), str(len(words)), words[0] if words else ""]
    return [shutil.which("node") or "node", "--no-warnings", str(script), *about]


def _watch(child: subprocess.Popen[bytes], began: float) -> tuple[str, int, int]:
    """Look at a child until it ends or takes too much; return why it is to be stopped, and its peaks."""
    memory = descriptors = 0
    place = Path(f"/proc/{child.pid}")
    page = os.sysconf("SC_PAGE_SIZE")
    while child.poll() is None:
        with contextlib.suppress(OSError, IndexError, ValueError):  # it has just ended
            memory = max(memory, int((place / "statm").read_text().split()[1]) * page)
            descriptors = max(descriptors, len(os.listdir(place / "fd")))
        if memory > MOST_MEMORY:
            return "had no end: stopped at 3 GiB of memory", memory, descriptors
        if time.monotonic() - began > PATIENCE_SECONDS:
            return f"had no end: stopped after {PATIENCE_SECONDS:g} s", memory, descriptors
        time.sleep(LOOK_SECONDS)
    return "", memory, descriptors


def _ending(status: int, errors: str) -> tuple[float | None, str]:
    lines = errors.strip().splitlines()
    if status < 0:
        return None, f"**the host died of {signal.Signals(-status).name}**"
    seconds, _, ended = lines[-1].partition(" ") if lines else ("", "", "")
    try:
        return float(seconds), ended
    except ValueError:
        detail = next((line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "")
        return None, f"the host raised: {detail.strip()[:200]}"


def main() -> None:
    """Run every attack under every host, and write what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    parser.add_argument("--attack", choices=list(ATTACKS), action="append")
    given = parser.parse_args()
    if shutil.which("node") is None:
        sys.exit("node is needed: apt-get install nodejs")
    rows = []
    for name in given.attack or ATTACKS:
        for host in HOSTS:
            with tempfile.TemporaryDirectory() as directory:
                outcome = run(ATTACKS[name], host, Path(directory))
            rows.append(asdict(outcome))
            print(  # noqa: T201 - a script
                f"{name:12} {host:9} {outcome.seconds:6.2f} s {outcome.memory >> 20:5} MiB "
                f"{outcome.descriptors:6} fds {outcome.output:11} B  {outcome.ended}"
            )
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    given.json.write_text(json.dumps({"machine": machine() | {"node": node}, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
