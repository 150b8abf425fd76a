"""Files behind a checksum: whole or not there, and those read last stay longest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hardtack.disk_cache import DiskCache


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "cache", ".kept")


def test_what_was_kept_is_read(cache: DiskCache) -> None:
    cache.write_checked("one", b"a\nb\n", 1 << 20)
    assert cache.read_checked("one") == b"a\nb\n"
    assert cache.read_checked("other") is None


@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: data + b"x", lambda _: b""])
def test_a_file_that_is_not_whole_is_none(cache: DiskCache, spoil) -> None:
    cache.write_checked("one", b"content", 1 << 20)
    (path,) = cache.files("one")
    path.write_bytes(spoil(path.read_bytes()))
    assert cache.read_checked("one") is None


def test_to_read_a_file_is_to_use_it(cache: DiskCache) -> None:
    for age, name in enumerate(("newer", "older"), 1):
        cache.write_checked(name, bytes(100), 1 << 20)
        (path,) = cache.files(name)
        os.utime(path, (10**9 - age, 10**9 - age))
    assert cache.read_checked("older") is not None
    cache.write_checked("last", bytes(100), 400)  # room for two, with their checksums
    assert cache.read_checked("newer") is None
    assert cache.read_checked("older") is not None
