"""The host's side: files put in and taken out, programs started."""

from __future__ import annotations

import pytest

from hardtack.errors import KernelError
from hardtack.kernel import abi
from hardtack.kernel.params import MAX_ARGUMENT_BYTES, NAME_MAX, PAGE
from hardtack.lab.machine.driver import KIB, MIB, SECOND, Machine


@pytest.mark.parametrize("size", [0, 1, 127, 1023, 4095, PAGE, PAGE + 1, 200_000])
def test_a_file_comes_out_as_it_went_in(machine, size):
    data = bytes(i % 251 for i in range(size))
    machine.host.write_file("/a/b/file", data)
    assert machine.host.read_file("a//b/../b/./file") == data


def test_a_file_is_replaced(machine):
    machine.host.write_file("file", bytes(100_000))
    machine.host.write_file("/file", b"short")
    assert machine.host.read_file("file") == b"short"


def test_guests_see_what_the_host_wrote_and_the_other_way_round(machine):
    machine.host.write_file("/d/file", b"from the host")
    hand = machine.hand()
    fd = hand.open(b"d/file")
    assert hand.read(fd, 100) == b"from the host"
    hand.write(fd, b"!")
    assert machine.host.read_file("/d/file") == b"from the host!"


def test_a_file_that_does_not_fit_leaves_the_old_one(machine):
    machine.host.write_file("/file", b"precious")
    before = machine.live()
    with pytest.raises(KernelError, match="no space left"):
        machine.host.write_file("/file", bytes(64 * MIB))
    with pytest.raises(KernelError, match="no space left"):
        machine.host.write_file("/new", bytes(64 * MIB))
    assert machine.host.read_file("/file") == b"precious"
    with pytest.raises(KernelError, match="no such file"):
        machine.host.read_file("/new")
    assert machine.live() <= before + 100
    machine.check()


def test_a_file_that_a_guest_reads_stays_whole_when_it_is_replaced(machine):
    machine.host.write_file("/file", b"old content")
    hand = machine.hand()
    fd = hand.open(b"file")
    assert hand.read(fd, 3) == b"old"
    machine.host.write_file("/file", b"new")
    assert hand.read(fd, 20) == b" content"
    assert hand.read(hand.open(b"file"), 20) == b"new"


def test_a_file_that_is_replaced_has_new_times(machine):
    machine.host.write_file("/file", b"old")
    hand = machine.hand()
    before = hand.stat(b"file")
    machine.clock.now += 5 * SECOND
    machine.host.write_file("/file", b"new")
    assert hand.stat(b"file").mtime == before.mtime + 5 * SECOND


def test_a_removed_file_is_gone(machine):
    machine.host.write_file("/file", bytes(100_000))
    held = machine.system.files.heap.live
    machine.host.remove_file("/file")
    assert machine.system.files.heap.live < held - 100_000
    with pytest.raises(KernelError, match="no such file"):
        machine.host.read_file("/file")


def test_a_file_that_a_guest_has_open_lives_on(machine):
    machine.host.write_file("/file", b"content")
    hand = machine.hand()
    fd = hand.open(b"file")
    machine.host.remove_file("/file")
    assert hand.read(fd, 10) == b"content"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/", "no path"),
        ("", "no path"),
        ("a\0b", "no path"),
        ("n" * (NAME_MAX + 1), "no path"),
        ("/x/" * 3000, "no path"),
        ("/file/below", "not a directory"),
        ("/directory", "not a regular file"),
        ("/link/x", "not a directory"),
    ],
)
def test_a_path_that_cannot_be_written_is_said(machine, path, says):
    machine.host.write_file("/file", b"")
    machine.host.write_file("/directory/file", b"")
    machine.hand().symlink(b"file", b"link")
    before = machine.live()
    with pytest.raises(KernelError, match=says):
        machine.host.write_file(path, b"data")
    assert machine.live() <= before + 100


def test_paths_lead_through_links_and_not_out(machine):
    hand = machine.hand()
    hand.mkdir(b"d")
    hand.symlink(b"d", b"link")
    hand.symlink(b"..", b"out")
    machine.host.write_file("/link/file", b"x")
    assert machine.host.read_file("/d/file") == b"x"
    with pytest.raises(KernelError):
        machine.host.read_file("/out/file")


@pytest.mark.parametrize("what", ["read_file", "remove_file"])
def test_a_directory_is_no_file(machine, what):
    machine.host.write_file("/d/file", b"")
    with pytest.raises(KernelError, match=r"directory|regular"):
        getattr(machine.host, what)("/d")


def test_a_file_that_does_not_fit_is_taken_back():
    with Machine(4 * MIB, 1 * MIB) as machine:
        machine.host.write_file("/fits", bytes(300 * KIB))
        held = machine.system.files.heap.live
        with pytest.raises(KernelError, match="no space left"):
            machine.host.write_file("/file", bytes(1 * MIB))
        with pytest.raises(KernelError, match="no such file"):
            machine.host.read_file("/file")
        assert machine.system.files.heap.live <= held + 100
        machine.host.write_file("/file", bytes(100 * KIB))


def write_many(machine):
    for number in range(100):
        machine.host.write_file(f"/{number}", bytes(60 * KIB))


def test_the_host_is_refused_like_a_hog_when_it_holds_much():
    with Machine(4 * MIB, 1 * MIB) as machine:
        with pytest.raises(KernelError, match="no space"):
            write_many(machine)
        hand = machine.hand()
        assert hand.write(hand.open(b"small", abi.O_CREAT), b"x") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["x" * MAX_ARGUMENT_BYTES], "the most is"),
        (["a\0b"], "NUL"),
        (["ä" * (MAX_ARGUMENT_BYTES // 2)], "the most is"),
    ],
)
def test_arguments_that_cannot_be_are_said(machine, arguments, says):
    with pytest.raises(KernelError, match=says):
        machine.start(lambda calls: calls.close(0), arguments)


def test_writing_while_a_hog_holds_all_kills_the_hog():
    with Machine(2 * MIB, 1 * MIB) as machine:

        def hog(calls):
            while calls.process.system.heap.room > 8 * KIB:
                yield from calls.pipe()
            yield None

        process = machine.start(hog)
        machine.settle()
        machine.host.write_file("/file", bytes(500 * KIB))
        assert process.state == "gone"
        assert machine.host.read_file("/file") == bytes(500 * KIB)
