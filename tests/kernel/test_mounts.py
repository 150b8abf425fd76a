"""/proc, /dev and /bin on the root in memory: who goes there, and who does not."""

from __future__ import annotations

import pytest

from hardtack.kernel import abi
from hardtack.kernel.descriptions import close
from hardtack.kernel.host_directories import open_host_directory
from hardtack.kernel.mounts import open_mounted_root
from hardtack.lab.machine.driver import READ, ROOT, Machine


@pytest.fixture
def hand():
    with Machine() as machine:
        close(machine.system.preopens[0])
        machine.system.preopens = ()
        machine.preopen(open_mounted_root(machine.system, b"/"))
        yield machine.hand()


@pytest.mark.parametrize("path", [b"proc/self/status", b"./proc/self/status", b"proc//./self/../self/status"])
def test_a_path_that_begins_with_a_mount_goes_there(hand, path):
    assert hand.stat(path).filetype == abi.REGULAR_FILE
    fd = hand.open(path, rights=READ)
    assert hand.read(fd, 10) == b"Name:\thand"


@pytest.mark.parametrize("path", [b"proc", b"proc/", b"dev", b"./bin/."])
def test_a_mount_is_a_directory(hand, path):
    assert hand.stat(path).filetype == abi.DIRECTORY
    assert hand.open_directory(path) > 0


def test_the_mounts_are_not_listed(hand):
    assert hand.list(ROOT) == []
    hand.mkdir(b"d")
    assert hand.list(ROOT) == [b"d"]
    root = hand.open_directory(b".")
    assert hand.list(root) == [b"d"]
    assert hand.stat(b"proc/self/status", at=root).filetype == abi.REGULAR_FILE


def test_what_else_was_opened_for_everybody_is_listed_under_its_name(tmp_path):
    with Machine() as machine:
        close(machine.system.preopens[0])
        machine.system.preopens = ()
        machine.preopen(open_mounted_root(machine.system, b"/"))
        for name in ("/data", "work", "/deep/er", "."):
            machine.preopen(open_host_directory(machine.system, name, str(tmp_path)))
        hand = machine.hand()
        assert hand.list(ROOT) == [b"data", b"work"]
        hand.mkdir(b"d")
        root = hand.open_directory(b".")
        for size in (30, 60, 4096):
            assert hand.list(root, size) == [b"d", b"data", b"work"]
        hand.mkdir(b"work")
        assert sorted(hand.list(ROOT)) == [b"d", b"data", b"work"]


def test_all_else_is_in_memory(hand):
    hand.mkdir(b"d")
    hand.close(hand.open(b"d/proc", abi.O_CREAT))
    assert hand.stat(b"d/proc").filetype == abi.REGULAR_FILE
    assert hand.stat(b"process") == -abi.ENOENT


def test_what_memory_has_by_that_name_comes_first(hand):
    machine = hand.machine
    machine.host.write_file("/dev/null", b"biscuit")
    assert hand.read(hand.open(b"dev/null", rights=READ), 10) == b"biscuit"
    assert hand.stat(b"dev/zero") == -abi.ENOENT
    assert hand.unlink(b"dev/null") == 0
    assert hand.rmdir(b"dev") == 0
    assert hand.stat(b"dev/zero").filetype == abi.CHARACTER_DEVICE


def test_a_mount_cannot_be_changed_or_left(hand):
    hand.close(hand.open(b"file", abi.O_CREAT))
    assert hand.mkdir(b"proc") == abi.EEXIST
    assert hand.mkdir(b"proc/new") == abi.EROFS
    assert hand.rmdir(b"proc") == abi.EROFS
    assert hand.unlink(b"dev/null") == abi.EROFS
    assert hand.symlink(b"x", b"dev/link") == abi.EROFS
    assert hand.rename(b"file", b"dev/file") == abi.EXDEV
    assert hand.rename(b"dev/null", b"file") == abi.EXDEV
    assert hand.link(b"dev/null", b"other") == abi.EXDEV
    assert hand.stat(b"proc/../file") == -abi.EPERM
    assert hand.readlink(b"proc/self") == b"%d" % hand.process.pid
