"""A durable file system after a crash: it opens, what was synced is there, and no change is there by half.

Each test compares what is found with what the file system was like after every single step of a random program,
as a file system in memory tells: it must be one of these, none before the last sync that was completed. The
number of moments is HARDTACK_CRASHES for each test; `make crashes` takes many.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import crashing
import pytest

MOMENTS = int(os.environ.get("HARDTACK_CRASHES", "25"))
STEPS = 250
ENTRY = struct.Struct("<IIIIQ")
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def states() -> dict[int, list[str]]:
    return {seed: crashing.states(seed, STEPS) for seed in (1, 2)}


def assert_is_possible(folder: Path, marks: bytes, states: list[str]) -> None:
    synced, begun = crashing.possible(marks)
    found = crashing.state_on_disk(folder)
    assert found in states[synced : begun + 1], (
        f"of the steps {synced} to {begun}, as after {states.index(found)}"
    )


# -- the process is killed
@pytest.mark.parametrize("seed", [1, 2])
def test_a_process_that_is_killed_at_any_moment(seed: int, states, tmp_path: Path) -> None:
    pick = random.Random(seed)
    begun = time.monotonic()
    _run_in_child(tmp_path / "whole", seed, None)
    whole = time.monotonic() - begun
    for moment in range(MOMENTS):
        folder = tmp_path / str(moment)
        _run_in_child(folder, seed, pick.uniform(0, 1.1 * whole))
        assert_is_possible(
            folder, (folder / "marks").read_bytes() if (folder / "marks").exists() else b"", states[seed]
        )
        shutil.rmtree(folder)


def _run_in_child(folder: Path, seed: int, seconds: float | None) -> None:
    """Run the random program in a process that is killed after so many seconds."""
    folder.mkdir()
    child = os.fork()
    if child == 0:
        try:
            crashing.run(folder, seed, STEPS)
        finally:
            os._exit(0)
    if seconds is not None:
        signal.sigtimedwait([], seconds)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


# -- the machine loses what was not synced
class Recording:
    """What a run of the random program did to its files."""

    def __init__(self, folder: Path, seed: int) -> None:
        files, self.entries = folder / "files", []
        files.mkdir(parents=True)
        library = folder / "recording.so"
        compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
        flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
        subprocess.run([compiler, *flags, "-o", library, HERE / "recording.c", "-ldl"], check=True)
        environment = os.environ | {
            "LD_PRELOAD": str(library),
            "RECORD_FOLDER": str(files),
            "RECORD_FILE": str(folder / "record"),
            "PYTHONPATH": str(HERE),
        }
        command = [sys.executable, str(HERE / "crashing.py"), str(files), str(seed), str(STEPS)]
        subprocess.run(command, env=environment, check=True)
        data = (folder / "record").read_bytes()
        at = 0
        while at < len(data):
            kind, name_bytes, data_bytes, _, offset = ENTRY.unpack_from(data, at)
            at += ENTRY.size
            name = data[at : at + name_bytes].decode()
            self.entries.append(
                (chr(kind), name, data[at + name_bytes : at + name_bytes + data_bytes], offset)
            )
            at += name_bytes + data_bytes


class File:
    """A file of the host's disk: what is durable of it, and what was done since it was synced."""

    def __init__(self) -> None:
        self.durable = bytearray()
        self.name_is_durable = False
        self.later: list[tuple[str, bytes, int]] = []

    def after_a_crash(self, pick: random.Random, mode: str) -> bytearray:
        """Return its content when some of what was not synced is lost, or cut at a sector."""
        content = bytearray(self.durable)
        for what in self.later:
            if mode == "lost" or (mode == "some" and pick.random() < 0.5):
                continue
            kind, data, offset = what
            if mode == "some" and pick.random() < 0.3:
                data = data[: pick.randrange(0, len(data) + 512, 512)]
            _apply(content, kind, data, offset)
        return content


def _apply(content: bytearray, kind: str, data: bytes, offset: int) -> None:
    if kind == "t":
        del content[offset:]
        content.extend(bytes(offset - len(content)))
    else:
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(data)] = data


def crash(entries, pick: random.Random, folder: Path) -> bytes:
    """Make in a folder what a disk may hold after these entries and a crash; return the marks."""
    marks = b""
    files: dict[str, File] = {}
    for kind, name, data, offset in entries:
        if name == "marks":
            marks += data
        elif kind == "c":
            files[name] = File()
        elif kind == "u":
            files.pop(name, None)
        elif kind == "s" and not name:
            for file in files.values():
                file.name_is_durable = True
        elif kind == "s":
            for what in files[name].later:
                _apply(files[name].durable, *what)
            files[name].later.clear()
        else:
            files[name].later.append((kind, data, offset))
    mode = pick.choice(("lost", "some", "some", "kept"))
    folder.mkdir()
    for name, file in files.items():
        if file.name_is_durable or pick.random() < 0.5:
            (folder / name).write_bytes(file.after_a_crash(pick, mode))
    return marks


@pytest.mark.parametrize("seed", [1, 2])
def test_a_machine_that_loses_what_was_not_synced(seed: int, states, tmp_path: Path) -> None:
    recording = Recording(tmp_path / "run", seed)
    kinds = {kind for kind, *_ in recording.entries}
    assert {"w", "s", "c", "u"} <= kinds
    pick = random.Random(seed)
    for moment in range(MOMENTS):
        folder = tmp_path / str(moment)
        until = pick.randrange(len(recording.entries) + 1)
        marks = crash(recording.entries[:until], pick, folder)
        assert_is_possible(folder, marks, states[seed])
        shutil.rmtree(folder)


def test_the_test_notices_a_disk_that_lies(states, tmp_path: Path) -> None:
    """With syncs that do nothing, what was synced gets lost, and this is seen."""
    recording = Recording(tmp_path / "run", 1)
    pick = random.Random(1)
    lying = [entry for entry in recording.entries if entry[0] != "s" or not entry[1]]
    seen = 0
    for moment in range(10):
        folder = tmp_path / str(moment)
        marks = crash(lying[: pick.randrange(len(lying) // 2, len(lying))], pick, folder)
        try:
            assert_is_possible(folder, marks, states[1])
        except Exception:
            seen += 1
    assert seen > 0
