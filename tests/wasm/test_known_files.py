"""Files that were read before: known while nothing says that they may have changed."""

from __future__ import annotations

import os
import time

import pytest
from wasmtime import wat2wasm

from hardtack.errors import ProgramError
from hardtack.wasm import known_files
from hardtack.wasm.known_files import SETTLED_NS, KnownFiles
from hardtack.wasm.modules import ModuleCache

DIGEST = "5" * 64
ONE = bytes(wat2wasm('(module (memory (export "memory") 1) (func (export "_start")))'))
OTHER = bytes(wat2wasm('(module (memory (export "memory") 2) (func (export "_start")))'))


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "known"


@pytest.fixture
def known(directory):
    return KnownFiles(directory)


@pytest.fixture
def _later(monkeypatch):
    """Have every file be one that changed long ago."""
    monkeypatch.setattr(known_files.time, "time_ns", lambda now=time.time_ns: now() + 2 * SETTLED_NS)


def status(path, content=None):
    if content is not None:
        path.write_bytes(content)
    return path.stat()


@pytest.mark.usefixtures("_later")
def test_a_file_is_known_again(known, directory, tmp_path):
    now = status(tmp_path / "f", b"content")
    assert known.digest(now) is None
    known.remember(now, now, DIGEST)
    assert known.digest(now) == KnownFiles(directory).digest(now) == DIGEST


@pytest.mark.usefixtures("_later")
@pytest.mark.parametrize("how", ["write", "replace", "times", "mode"])
def test_a_file_that_changed_is_not(known, tmp_path, how):
    path = tmp_path / "f"
    before = status(path, b"content")
    known.remember(before, before, DIGEST)
    while time.time_ns() < before.st_ctime_ns + 20_000_000:  # a tick of the file system's clock
        os.sched_yield()
    if how == "write":
        path.write_bytes(b"another")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif how == "replace":
        (tmp_path / "g").write_bytes(b"another")
        (tmp_path / "g").rename(path)
    elif how == "times":
        os.utime(path)
    else:
        path.chmod(0o600)
    assert known.digest(path.stat()) is None


def test_a_file_that_changed_just_now_is_not_remembered(known, tmp_path):
    now = status(tmp_path / "f", b"content")
    known.remember(now, now, DIGEST)
    assert known.digest(now) is None


@pytest.mark.usefixtures("_later")
def test_a_file_that_changed_while_it_was_read_is_not_remembered(known, tmp_path):
    before = status(tmp_path / "f", b"content")
    after = status(tmp_path / "f", b"longer content")
    known.remember(before, after, DIGEST)
    assert (known.digest(before), known.digest(after)) == (None, None)


@pytest.mark.usefixtures("_later")
def test_what_is_no_digest_is_not_believed(known, directory, tmp_path):
    now = status(tmp_path / "f", b"content")
    known.remember(now, now, DIGEST)
    (file,) = directory.iterdir()
    for damaged in (b"", b"5" * 63, b"x" * 64, b"5" * 64 + b"\n"):
        file.write_bytes(damaged)
        assert known.digest(now) is None


@pytest.mark.usefixtures("_later")
def test_a_program_that_is_known_is_not_read_again(host, directory, tmp_path, monkeypatch):
    path = tmp_path / "p.wasm"
    path.write_bytes(ONE)
    first = ModuleCache(host.engine, directory).load(path)
    monkeypatch.delattr("hardtack.wasm.modules._read")
    again = ModuleCache(host.engine, directory).load(path)
    assert again.user_bytes == first.user_bytes


@pytest.mark.usefixtures("_later")
def test_a_program_that_was_replaced_is_the_new_one(host, directory, tmp_path):
    path = tmp_path / "p.wasm"
    path.write_bytes(ONE)
    first = ModuleCache(host.engine, directory).load(path)
    (tmp_path / "q.wasm").write_bytes(OTHER)
    (tmp_path / "q.wasm").rename(path)
    second = ModuleCache(host.engine, directory).load(path)
    assert second.user_bytes == first.user_bytes + 65536


@pytest.mark.usefixtures("_later")
@pytest.mark.parametrize("known_before", [False, True])
def test_a_program_of_another_digest_is_refused(host, directory, tmp_path, known_before):
    path = tmp_path / "p.wasm"
    path.write_bytes(ONE)
    cache = ModuleCache(host.engine, directory)
    if known_before:
        cache.load(path)
    for made in (cache, ModuleCache(host.engine, directory)):
        with pytest.raises(ProgramError, match=f"its SHA-256 is [0-9a-f]{{64}}, not {DIGEST}"):
            made.load(path, digest=DIGEST)
