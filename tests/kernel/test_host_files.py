"""Directories of the host: nothing leads out, nothing blocks, no descriptor is left."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardtack.errors import KernelError
from hardtack.kernel import abi, death, host_paths
from hardtack.kernel.host_directories import open_host_directory
from hardtack.kernel.host_paths import LAST, MAX_DEPTH
from hardtack.kernel.params import MAX_HOST_FILES
from hardtack.lab.machine.driver import PATH, READ, WRITE, Machine

HOST = 4
CREATE = abi.O_CREAT
SECRET = b"secret of the host"


@pytest.fixture
def outside(tmp_path):
    """A directory with a file that no guest may see."""
    path = tmp_path / "outside"
    path.mkdir()
    (path / "secret").write_bytes(SECRET)
    return path


@pytest.fixture
def inside(tmp_path):
    path = tmp_path / "inside"
    path.mkdir()
    (path / "file").write_bytes(b"content")
    (path / "directory").mkdir()
    return path


def host_descriptors():
    return sorted(os.listdir("/proc/self/fd"))


@contextlib.contextmanager
def opened(inside: Path) -> Iterator[tuple[Machine, object]]:
    """A machine with a hand and the directory; at its end the host has as many descriptors as before."""
    before = host_descriptors()
    with Machine() as machine:
        machine.preopen(open_host_directory(machine.system, "/host", inside))
        yield machine, machine.hand()
    assert host_descriptors() == before
    assert machine.system.host_files.used == 0


@pytest.fixture
def machine_and_hand(inside):
    with opened(inside) as pair:
        yield pair


@pytest.fixture
def hand(machine_and_hand):
    return machine_and_hand[1]


def content(hand, path):
    fd = hand.open(path, rights=READ, at=HOST)
    if fd < 0:
        return fd
    data = hand.read(fd, 65536)
    hand.close(fd)
    return data


# -- confinement
ESCAPES = [
    b"..",
    b"../outside/secret",
    b"./../outside/secret",
    b"directory/../../outside/secret",
    b"directory/../directory/../../outside/secret",
    b"absolute",
    b"absolute/secret",
    b"relative",
    b"relative/secret",
    b"directory/up/outside/secret",
    b"chain/secret",
    b"slashes/secret",
    b"up/outside/secret",
    b"file_link",
]


@pytest.fixture
def hostile(inside, outside):
    """Links that lead out in every way there is, made by the host, since a guest could not."""
    (inside / "absolute").symlink_to(outside)
    (inside / "relative").symlink_to("../outside")
    (inside / "directory" / "up").symlink_to("../..")
    (inside / "chain").symlink_to("relative")
    (inside / "slashes").symlink_to(".//../outside//")
    (inside / "up").symlink_to("..")
    (inside / "file_link").symlink_to("../outside/secret")


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("path", [*ESCAPES, b"/", b"/etc/passwd", b"//etc/passwd"])
def test_no_path_leads_out(hand, path):
    for oflags in (0, CREATE, abi.O_DIRECTORY, abi.O_TRUNC):
        for rights in (READ, READ | WRITE):
            assert hand.open(path, oflags, rights, at=HOST) == -abi.EPERM
    assert hand.stat(path, at=HOST) == -abi.EPERM
    start, size = hand.put(0x1000, path)
    assert hand.call("path_filestat_set_times", HOST, 1, start, size, 1, 1, 5) == abi.EPERM


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("path", [b"../outside/new", b"relative/new", b"absolute/new", b"directory/up/new"])
def test_nothing_is_made_moved_or_removed_outside(hand, outside, path):
    assert hand.mkdir(path, at=HOST) == abi.EPERM
    assert hand.symlink(b"x", path, at=HOST) == abi.EPERM
    assert hand.link(b"file", path, HOST, HOST) == abi.EPERM
    assert hand.rename(b"file", path, HOST, HOST) == abi.EPERM
    secret = path.replace(b"new", b"secret")
    for answer in (
        hand.unlink(secret, at=HOST),
        hand.rmdir(secret, at=HOST),
        hand.link(secret, b"mine", HOST, HOST),
        hand.rename(secret, b"mine", HOST, HOST),
    ):
        assert answer in {abi.EPERM, abi.ENOENT}
    assert [path.name for path in outside.iterdir()] == ["secret"]


@pytest.mark.usefixtures("hostile")
def test_a_link_out_can_be_looked_at_and_removed(hand):
    assert hand.readlink(b"relative", at=HOST) == b"../outside"
    assert hand.stat(b"relative", at=HOST, follow=False).filetype == abi.SYMBOLIC_LINK
    assert hand.unlink(b"relative", at=HOST) == 0


def test_a_guest_cannot_make_a_link_that_leads_out(hand, outside):
    assert hand.symlink(os.fsencode(outside), b"link", at=HOST) == abi.EPERM
    hand.mkdir(b"sub", at=HOST)
    for target in (b"../outside/secret", b"a/../../outside", b".."):
        assert hand.symlink(target, b"link", at=HOST) == abi.EPERM
        assert hand.symlink(b"../" + target, b"sub/link", at=HOST) == abi.EPERM
    assert hand.symlink(b"../file", b"sub/inside", at=HOST) == 0


def test_a_guest_cannot_reach_out_by_moving_the_directory_it_stands_in(hand, inside):
    """`..` goes back the way that was come, not to where the parent is by now."""
    hand.mkdir(b"a", at=HOST)
    hand.mkdir(b"a/b", at=HOST)
    deep = hand.open_directory(b"a/b", at=HOST)
    assert hand.rename(b"a/b", b"moved", HOST, HOST) == 0
    for path in (b"..", b"../..", b"../../outside/secret", b"x/../../outside"):
        assert hand.stat(path, at=deep) in {-abi.EPERM, -abi.ENOENT}
    assert (inside / "moved").is_dir()


@pytest.mark.parametrize("moment", range(6))
def test_a_link_that_is_swapped_in_between_leads_nowhere(
    machine_and_hand, inside, outside, moment, monkeypatch
):
    """Somebody on the host replaces a directory by a link out while the path is walked."""
    _, hand = machine_and_hand
    (inside / "directory" / "secret").write_bytes(b"harmless")
    directory = inside / "directory"
    count = 0

    def swap():
        nonlocal count
        if count == moment:
            directory.rename(inside / "gone")
            directory.symlink_to(outside)
        count += 1

    for name in ("open", "readlink", "stat"):
        original = getattr(os, name)

        def racing(*arguments, original=original, **keywords):
            if keywords.get("dir_fd") is not None:
                swap()
                result = original(*arguments, **keywords)
                swap()
                return result
            return original(*arguments, **keywords)

        monkeypatch.setattr(host_paths.os, name, racing)
    found = content(hand, b"directory/secret")
    monkeypatch.undo()
    assert found in {b"harmless", -abi.ENOTDIR, -abi.ELOOP, -abi.ENOENT, -abi.EPERM}


def test_a_rename_between_two_directories_of_the_host_stays_inside(inside, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with opened(inside) as (machine, _):
        machine.preopen(open_host_directory(machine.system, "/other", other))
        hand = machine.hand()
        assert hand.rename(b"file", b"moved", HOST, HOST + 1) == 0
        assert (other / "moved").read_bytes() == b"content"
        assert hand.rename(b"moved", b"x", HOST + 1, 3) == abi.EXDEV
        assert hand.link(b"moved", b"x", HOST + 1, 3) == abi.EXDEV
        assert hand.rename(b"x", b"moved", 3, HOST) == abi.EXDEV


HOSTILE_ROUNDS = 3000


@contextlib.contextmanager
def swapping(inside, outside):
    """Somebody on the host, a process of its own, puts a link out in a directory's place, and back, all the time."""
    child = os.fork()
    if child == 0:
        try:
            while True:
                os.rename(inside / "directory", inside / "gone")
                os.symlink(outside, inside / "directory")
                os.unlink(inside / "directory")
                os.rename(inside / "gone", inside / "directory")
        finally:
            os._exit(1)
    try:
        yield
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def everything_by(hand, path):
    """Make every call with a path; return what was read, if anything was."""
    read = []
    for oflags, rights in ((0, READ), (CREATE, READ | WRITE), (abi.O_TRUNC, WRITE)):
        fd = hand.open(path, oflags, rights, at=HOST)
        if fd >= 0:
            read.append(hand.read(fd, 100))
            hand.write(fd, b"overwritten")
            hand.truncate(fd, 3)
            hand.close(fd)
    hand.stat(path, at=HOST)
    read.append(hand.readlink(path, at=HOST))
    hand.call("path_filestat_set_times", HOST, 1, *hand.put(PATH, path), 1, 1, 5)
    hand.link(path, b"linked", HOST, HOST)
    hand.rename(path, b"moved", HOST, HOST)
    hand.rename(b"file", path, HOST, HOST)
    hand.symlink(b"file", path, at=HOST)
    hand.mkdir(path, at=HOST)
    hand.rmdir(path, at=HOST)
    hand.unlink(path, at=HOST)
    for name in (b"linked", b"moved"):
        read.append(content(hand, name))
        hand.unlink(name, at=HOST)
    return read


def test_a_host_that_swaps_directories_for_links_all_the_time_lets_nobody_out(hand, inside, outside):
    (outside / "directory").mkdir()
    (outside / "hidden").touch()
    before = {path: path.stat().st_mtime_ns for path in outside.rglob("*")}
    listed = set()
    with swapping(inside, outside):
        for number in range(HOSTILE_ROUNDS // 10):
            (inside / "file").write_bytes(b"content")
            for path in (b"directory/secret", b"directory/new%d" % number, b"directory/directory/x"):
                assert SECRET not in everything_by(hand, path)
        opened = refused = 0
        for _ in range(
            HOSTILE_ROUNDS * 100
        ):  # until both were met: when who swaps has its turn is its host's
            fd = hand.open_directory(b"directory", at=HOST)
            if fd >= 0:
                listed |= set(hand.list(fd))
                hand.close(fd)
            opened, refused = opened + (fd >= 0), refused + (fd < 0)
            if opened + refused >= HOSTILE_ROUNDS and opened and refused:
                break
    assert opened
    assert refused
    assert b"hidden" not in listed
    assert {path: path.stat().st_mtime_ns for path in outside.rglob("*")} == before
    assert (outside / "secret").read_bytes() == SECRET
    assert (outside / "secret").stat().st_nlink == 1


def test_a_hard_link_is_made_of_what_the_guest_may_see_alone(hand, inside, outside):
    """A link that leads out is linked itself, never what it leads to."""
    (inside / "out").symlink_to(outside / "secret")
    hand.link(b"out", b"linked", HOST, HOST)
    assert (outside / "secret").stat().st_nlink == 1
    assert content(hand, b"linked") in {-abi.EPERM, -abi.ELOOP, -abi.ENOENT}


# -- what is opened
def test_a_fifo_is_not_even_opened_for_a_moment(hand, inside):
    """A writer on the host that waits for a reader goes on waiting."""
    os.mkfifo(inside / "fifo")
    writer = os.fork()
    if writer == 0:
        try:
            os.open(inside / "fifo", os.O_WRONLY)
        finally:
            os._exit(0)
    waiting = Path(f"/proc/{writer}/wchan"), Path(f"/proc/{writer}/stat")
    while waiting[1].read_text().rpartition(")")[2].split()[0] != "S":
        os.sched_yield()
    for _ in range(200):
        for oflags in (0, CREATE, abi.O_TRUNC):
            assert hand.open(b"fifo", oflags, READ, at=HOST) == -abi.ENOTSUP
    assert os.waitpid(writer, os.WNOHANG) == (0, 0)
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)


def test_a_fifo_is_not_opened_and_does_not_block(hand, inside):
    os.mkfifo(inside / "fifo")
    for rights in (READ, WRITE, READ | WRITE):
        assert hand.open(b"fifo", rights=rights, at=HOST) < 0
    assert hand.open(b"fifo", CREATE, at=HOST) == -abi.ENOTSUP
    assert hand.stat(b"fifo", at=HOST).filetype == abi.UNKNOWN


def test_a_socket_is_not_opened(hand, inside):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.fspath(inside / "socket"))
        assert hand.open(b"socket", at=HOST) < 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_not_opened(hand, inside):
    try:
        os.mknod(inside / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this host lets nobody make devices")
    assert hand.open(b"null", at=HOST) == -abi.ENOTSUP
    assert hand.stat(b"null", at=HOST).filetype == abi.CHARACTER_DEVICE


def test_files_are_read_written_and_cut(hand, inside):
    fd = hand.open(b"file", at=HOST)
    assert hand.read(fd, 3) == b"con"
    assert hand.write(fd, b"XYZ") == 3
    assert hand.read(fd, 10, 0) == b"conXYZt"
    assert hand.seek(fd, -1, abi.SEEK_END) == 6
    assert hand.write(fd, b"!", 0) == 1
    assert hand.truncate(fd, 4) == 0
    assert (inside / "file").read_bytes() == b"!onX"
    assert hand.fstat(fd).size == 4
    appending = hand.open(b"file", flags=abi.FDFLAG_APPEND, at=HOST)
    hand.seek(appending, 0)
    assert hand.write(appending, b"end") == 3
    assert (inside / "file").read_bytes() == b"!onXend"


def test_a_file_that_is_cut_when_opened_may_be_for_reading_alone(hand, inside):
    fd = hand.open(b"file", abi.O_TRUNC, READ, at=HOST)
    assert fd > 0
    assert hand.write(fd, b"x") == -abi.EBADF
    assert (inside / "file").read_bytes() == b""


def test_an_exclusive_open_does_not_go_through_a_link(hand, inside):
    hand.symlink(b"target", b"link", at=HOST)
    assert hand.open(b"link", CREATE | abi.O_EXCL, at=HOST) == -abi.EEXIST
    assert not (inside / "target").exists()


def test_rights_are_kept(hand):
    reading = hand.open(b"file", rights=READ, at=HOST)
    assert hand.write(reading, b"x") == -abi.EBADF
    writing = hand.open(b"file", rights=WRITE, at=HOST)
    assert hand.read(writing, 1) == -abi.EBADF


def test_an_error_of_the_hosts_is_an_errno_of_fstat_too(hand, machine_and_hand):
    fd = hand.open(b"file", rights=READ, at=HOST)
    machine = machine_and_hand[0]
    number = machine.system.host_files.number(LAST)
    kept = os.dup(number)
    os.close(number)  # behind the kernel's back
    assert hand.fstat(fd) == -abi.EBADF
    os.dup2(kept, number, inheritable=False)
    os.close(kept)
    assert hand.fstat(fd).size == len(b"content")


def test_times_are_set_of_the_link_itself(hand, inside):
    hand.symlink(b"file", b"link", at=HOST)
    before = (inside / "file").stat().st_mtime_ns
    start, size = hand.put(0x1000, b"link")
    assert hand.call("path_filestat_set_times", HOST, 0, start, size, 10**9, 2 * 10**9, 5) == 0
    assert (inside / "link").lstat().st_mtime_ns == 2 * 10**9
    assert (inside / "file").stat().st_mtime_ns == before


def test_a_directory_that_is_not_there_is_said(inside):
    with Machine() as machine, pytest.raises(KernelError, match="nothing"):
        open_host_directory(machine.system, "/x", inside / "nothing")


# -- descriptors of the host
def test_guests_hold_only_so_many_descriptors_of_the_host(hand, machine_and_hand):
    machine, _ = machine_and_hand
    opened_files = []
    while (fd := hand.open(b"file", at=HOST)) >= 0:
        opened_files.append(fd)
    assert fd == -abi.ENFILE
    assert machine.system.host_files.used == MAX_HOST_FILES
    hand.close(opened_files.pop())
    assert hand.open(b"file", at=HOST) >= 0


def test_listings_count_among_the_descriptors(hand, machine_and_hand):
    machine, _ = machine_and_hand
    before = len(host_descriptors())
    directories = []
    while (fd := hand.open_directory(b"directory/..", at=HOST)) >= 0:
        directories.append(fd)
        hand.readdir(fd, 60)
    assert fd == -abi.ENFILE
    assert len(host_descriptors()) - before <= MAX_HOST_FILES
    assert hand.readdir(HOST) == -abi.ENFILE
    assert machine.system.host_files.used == MAX_HOST_FILES


def test_a_failed_open_holds_no_descriptor(hand, machine_and_hand, inside):
    machine, _ = machine_and_hand
    os.mkfifo(inside / "fifo")
    before = host_descriptors()
    for path in (b"nothing", b"fifo", b"directory/x/y", b"file/x", b"directory/../.."):
        assert hand.open(path, at=HOST) < 0
    assert hand.open(b"directory", abi.O_TRUNC, at=HOST) == -abi.EISDIR
    assert host_descriptors() == before
    assert machine.system.host_files.used == 1


def test_a_killed_process_leaves_no_descriptor(machine_and_hand):
    machine, _ = machine_and_hand
    before = host_descriptors()

    def program(calls):
        for _ in range(20):
            yield from calls.open(b"file", at=HOST)
            fd = yield from calls.open_directory(b".", at=HOST)
            yield from calls.readdir(fd, 60)
        yield from calls.sleep(1 << 60)

    process = machine.start(program)
    machine.settle()
    assert len(host_descriptors()) == len(before) + 60
    death.end(machine.system, process, 137, "for this test")
    assert host_descriptors() == before


def test_a_path_may_be_so_deep_and_no_deeper(hand):
    for depth in range(1, MAX_DEPTH + 2):
        hand.mkdir(b"/".join([b"d"] * depth), at=HOST)
    assert hand.stat(b"/".join([b"d"] * (MAX_DEPTH + 1)), at=HOST).filetype == abi.DIRECTORY
    assert hand.stat(b"/".join([b"d"] * (MAX_DEPTH + 2)), at=HOST) == -abi.ENAMETOOLONG


# -- listing
def test_a_listing_gives_every_name_once_with_every_size_of_buffer(hand, inside):
    names = {b"%03d" % number + b"n" * 40 for number in range(100)}
    for name in names:
        (inside / os.fsdecode(name)).touch()
    for size in (70, 200, 4096, 65536):
        found = hand.list(HOST, size)
        assert len(found) == 102
        assert set(found) == names | {b"file", b"directory"}


def test_every_cookie_continues_where_it_was_given(hand, inside):
    for number in range(30):
        (inside / str(number)).touch()
    whole = hand.readdir(HOST, 65536)
    for place, (cookie, _, _, _) in enumerate(whole):
        assert [name for *_, name in hand.readdir(HOST, 65536, cookie)] == [
            name for *_, name in whole[place + 1 :]
        ]
    for place in (20, 5, 17, 3):
        cookie = whole[place][0]
        assert hand.readdir(HOST, 200, cookie)[0][3] == whole[place + 1][3]


def test_a_listing_from_the_start_shows_what_there_is_now(hand, inside):
    directory = hand.open_directory(b"directory", at=HOST)
    assert hand.list(directory) == []
    (inside / "directory" / "new").touch()
    assert hand.list(directory) == [b"new"]
    (inside / "directory" / "new").unlink()
    assert hand.list(directory) == []


def test_a_cookie_far_beyond_the_end_lists_nothing(hand):
    assert hand.readdir(HOST, 4096, 1 << 63) == []
    assert hand.readdir(HOST, 4096, (1 << 64) - 1) == []


def test_names_that_are_no_utf8_are_listed_as_they_are(hand, inside):
    (inside / os.fsdecode(b"\xff\xfe")).touch()
    assert b"\xff\xfe" in hand.list(HOST)


def test_a_program_of_the_host_is_found_from_the_root_by_its_relative_path(inside):
    (inside / "program").write_bytes(b"program")  # the bytes that Machine.load knows

    def end(calls):
        yield from calls.exit(7)

    with opened(inside) as (machine, hand):
        machine.program(b"program", end)
        assert hand.chdir(b"/") == abi.OK
        assert hand.waitpid(hand.spawn(b"host/program"))[1] == 7
