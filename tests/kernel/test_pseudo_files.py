"""/proc, /dev and /bin: what programs learn and do through files that nobody keeps."""

from __future__ import annotations

import os

import pytest

from hardtack.kernel import abi, death
from hardtack.kernel.pseudo_files import BIN, DEV, PROC, open_pseudo
from hardtack.kernel.streams import HostStream, Null
from hardtack.lab.machine.driver import BLOCKED_CALL, PATH, READ, WRITE, Machine, on_read, on_write

DEVICES, PROCESSES, PROGRAMS = 4, 5, 6  # their descriptors
READ_EVENT, WRITE_EVENT = abi.EVENT_READ, abi.EVENT_WRITE


@pytest.fixture
def machine():
    with Machine() as made:
        for kind in (DEV, PROC, BIN):
            made.preopen(open_pseudo(made.system, kind))
        made.program(b"/bin/rest", rest)
        made.program(b"/bin/seven", exit_seven)
        yield made


def rest(calls):
    yield None


def exit_seven(calls):
    yield from calls.exit(7)


def text(hand, path, at=PROCESSES):
    fd = hand.open(path, rights=READ, at=at)
    assert fd >= 0, fd
    found = hand.read(fd, 65536)
    hand.close(fd)
    return found


def fields(status):
    return dict(line.split(b":\t") for line in status.splitlines())


# -- names
def test_the_directories_list_what_is_in_them(machine, hand):
    child = hand.spawn(b"/bin/rest")
    assert hand.list(DEVICES) == [b"fd", b"null", b"pipe", b"random", b"tty", b"urandom", b"zero"]
    assert hand.list(PROCESSES) == [
        b"heap", b"kill", b"meminfo", b"self", b"%d" % hand.process.pid, b"%d" % child
    ]  # fmt: skip
    assert hand.list(PROGRAMS) == [b"rest", b"seven"]
    assert hand.list(hand.open_directory(b"self", at=PROCESSES)) == [
        b"cmdline", b"cwd", b"environ", b"fd", b"status"
    ]  # fmt: skip
    assert hand.list(hand.open_directory(b"self/fd", at=PROCESSES)) == [b"%d" % fd for fd in range(9)]


@pytest.mark.parametrize("size", [24, 30, 50, 100, 4096])
def test_a_listing_goes_on_by_cookie_whatever_the_buffer(hand, size):
    for _ in range(20):
        hand.spawn(b"/bin/rest")
    found, cookie = [], 0
    while entries := hand.readdir(PROCESSES, size + 24, cookie):
        found += [name for _, _, _, name in entries]
        cookie = entries[-1][0]
    assert found[:2] == [b".", b".."]
    assert len(found) == len(set(found)) == 2 + 4 + 21


def test_only_processes_of_ones_own_tree_are_there(machine, hand):
    other = machine.hand("other")
    pid = b"%d" % other.process.pid
    assert other.getcwd() == b"/"
    assert pid not in hand.list(PROCESSES)
    assert hand.open(pid + b"/status", rights=READ, at=PROCESSES) == -abi.ENOENT
    assert hand.stat(pid, at=PROCESSES) == -abi.ENOENT
    kill = hand.open(b"kill", rights=WRITE, at=PROCESSES)
    assert hand.write(kill, pid) == -abi.ESRCH


@pytest.mark.parametrize(
    ("path", "errno"),
    [
        (b"none", abi.ENOENT),
        (b"self/none", abi.ENOENT),
        (b"0", abi.ENOENT),
        (b"01", abi.ENOENT),
        (b"99999999999999999999", abi.ENOENT),
        (b"self/fd/77", abi.ENOENT),
        (b"self/fd/x", abi.ENOENT),
        (b"meminfo/x", abi.ENOTDIR),
        (b"meminfo/", abi.ENOTDIR),
        (b"self/../..", abi.EPERM),
        (b"self/cwd/x", abi.EPERM),
    ],
)
def test_what_is_not_there_is_not_found(hand, path, errno):
    assert hand.open(path, rights=READ, at=PROCESSES) == -errno
    assert hand.stat(path, at=PROCESSES) == -errno


def test_a_walk_does_not_leave_the_directory_that_was_opened(hand):
    fd = hand.open_directory(b"self/fd", at=PROCESSES)
    assert hand.stat(b"..", at=fd) == -abi.EPERM
    fd = hand.open_directory(b"self", at=PROCESSES)
    assert hand.stat(b"fd/../status", at=fd).filetype == abi.REGULAR_FILE
    assert hand.stat(b"fd/../..", at=fd) == -abi.EPERM


def test_nothing_can_be_made_or_changed(hand):
    assert hand.open(b"new", abi.O_CREAT, at=PROCESSES) == -abi.EROFS
    assert hand.open(b"heap", abi.O_CREAT | abi.O_EXCL, at=PROCESSES) == -abi.EEXIST
    assert hand.open(b"heap", rights=WRITE, at=PROCESSES) == -abi.EACCES
    assert hand.mkdir(b"d", at=DEVICES) == abi.EROFS
    assert hand.mkdir(b"null", at=DEVICES) == abi.EEXIST
    assert hand.unlink(b"null", at=DEVICES) == abi.EROFS
    assert hand.rmdir(b"fd", at=DEVICES) == abi.EROFS
    assert hand.symlink(b"x", b"y", at=DEVICES) == abi.EROFS
    assert hand.rename(b"null", b"x", at=DEVICES) == abi.EXDEV
    assert hand.open(b"rest", rights=READ, at=PROGRAMS) == -abi.EACCES


def test_what_is_there_is_opened_as_what_it_is(hand):
    assert hand.open(b"self", rights=READ, at=PROCESSES) >= 0
    assert hand.open(b"self", rights=READ, at=PROCESSES, follow=False) == -abi.ELOOP
    assert hand.open(b"null", abi.O_DIRECTORY, rights=READ, at=DEVICES) == -abi.ENOTDIR
    assert hand.open(b"fd", rights=WRITE, at=DEVICES) == -abi.EISDIR
    assert hand.readlink(b"null", at=DEVICES) == -abi.EINVAL
    assert hand.link(b"null", b"x", at=DEVICES) == abi.EXDEV
    path, size = hand.put(PATH, b"null")
    assert hand.call("path_filestat_set_times", DEVICES, 0, path, size, 0, 0, abi.SET_MTIM_NOW) == abi.OK
    path, size = hand.put(PATH, b"none")
    assert hand.call("path_filestat_set_times", DEVICES, 0, path, size, 0, 0, abi.SET_MTIM_NOW) == abi.ENOENT
    assert hand.fstat(DEVICES).filetype == abi.DIRECTORY
    assert hand.fstat(hand.open(b"kill", rights=WRITE, at=PROCESSES)).size == 0


def test_a_file_has_one_number_by_name_and_by_listing(hand):
    numbers = {name: number for _, number, _, name in hand.readdir(DEVICES)}
    assert len(set(numbers.values())) == len(numbers)
    for name in (b"null", b"zero", b"fd"):
        assert hand.stat(name, at=DEVICES).inode == numbers[name]


# -- /proc
def test_self_is_whoever_asks(machine, hand):
    assert hand.readlink(b"self", at=PROCESSES) == b"%d" % hand.process.pid
    found = fields(text(hand, b"self/status"))
    assert (found[b"Name"], found[b"Pid"], found[b"PPid"]) == (b"hand", b"%d" % hand.process.pid, b"0")
    assert found[b"State"] == b"runnable"


def test_a_status_follows_its_process(machine, hand):
    pid = hand.spawn(b"/bin/rest")
    machine.settle()
    path = b"%d/status" % pid
    found = fields(text(hand, path))
    assert (found[b"State"], found[b"PPid"], found[b"Descriptors"]) == (
        b"blocked",
        b"%d" % hand.process.pid,
        b"7",
    )
    assert int(found[b"Heap"]) == machine.system.process(pid).heap.live
    hand.kill(pid, 15)
    found = fields(text(hand, path))
    assert (found[b"State"], found[b"Signal"], found[b"Descriptors"]) == (b"zombie", b"15", b"0")
    hand.waitpid(pid)
    assert hand.open(path, rights=READ, at=PROCESSES) == -abi.ENOENT


def test_arguments_environment_and_directory_are_told(machine):
    hand = machine.hand(arguments=["name", "an argument"], environment=["A=1"])
    assert text(hand, b"self/cmdline") == b"name\0an argument\0"
    assert text(hand, b"self/environ") == b"A=1\0"
    assert hand.readlink(b"self/cwd", at=PROCESSES) == b"/"


def test_a_text_is_made_when_it_is_opened_and_can_be_read_in_pieces(hand):
    fd = hand.open(b"self/status", rights=READ, at=PROCESSES)
    whole = hand.read(fd, 4096, 0)
    assert hand.fstat(fd).size == len(whole)
    assert hand.read(fd, 5) + hand.read(fd, 4096) == whole
    assert hand.seek(fd, 6) == 6
    assert hand.read(fd, 4) == b"hand"
    hand.chdir(b"/")
    assert hand.read(fd, 4096, 0) == whole


def test_a_text_has_a_position_an_end_and_no_room_to_write(hand):
    fd = hand.open(b"meminfo", rights=READ, at=PROCESSES)
    size = hand.fstat(fd).size
    assert [hand.seek(fd, -4, abi.SEEK_END), hand.seek(fd, 1, abi.SEEK_CUR)] == [size - 4, size - 3]
    assert hand.read(fd, 10) == b"kB\n"
    assert hand.read(fd, 10) == b""
    assert hand.poll(on_read(fd, 7)) == [(7, 0, READ_EVENT, 1, 0)]
    assert [hand.seek(fd, -1), hand.seek(fd, 0, 9), hand.seek(fd, (1 << 63) - 1, abi.SEEK_END)] == [
        -abi.EINVAL
    ] * 3
    assert hand.write(fd, b"x") == -abi.EBADF
    assert hand.call("fd_advise", fd, 0, 0, 0) == abi.OK


def test_long_arguments_are_cut(machine):
    hand = machine.hand(arguments=["x" * 100_000])
    assert text(hand, b"self/cmdline") == b"x" * 4096


def test_memory_and_heap_are_told(machine, hand):
    found = dict(line.split() for line in text(hand, b"heap").splitlines())
    assert int(found[b"capacity"]) == machine.system.heap.capacity
    assert int(found[b"processes"]) == 1
    total, free = (int(line.split()[1]) for line in text(hand, b"meminfo").splitlines()[:2])
    memory = machine.system.user_memory
    assert (total, free) == (memory.capacity // 1024, (memory.capacity - memory.used) // 1024)


@pytest.mark.parametrize(("written", "status"), [(b"%d", 143), (b"%d 9\n", 137), (b"  %d   2 ", 130)])
def test_writing_to_kill_ends_a_process(hand, written, status):
    pid = hand.spawn(b"/bin/rest")
    kill = hand.open(b"kill", rights=WRITE, at=PROCESSES)
    assert hand.write(kill, written % pid) == len(written % pid)
    assert hand.waitpid() == (pid, status)


def test_writing_ones_own_pid_to_kill_ends_oneself(machine):
    def program(calls):
        kill = yield from calls.open(b"kill", rights=WRITE, at=PROCESSES)
        yield from calls.write(kill, b"%d" % calls.pid)
        raise AssertionError("it goes on")

    process = machine.start(program)
    machine.run_until_ended(process)
    assert process.status == 143


@pytest.mark.parametrize("written", [b"", b"x", b"1 2 3", b"-1", b"1 17", b"1" * 65])
def test_what_is_no_pid_and_signal_is_refused(hand, written):
    kill = hand.open(b"kill", rights=WRITE, at=PROCESSES)
    assert hand.write(kill, written) == -abi.EINVAL


# -- /dev
def test_null_is_empty_and_takes_everything(hand):
    fd = hand.open(b"null", at=DEVICES)
    assert hand.write(fd, bytes(5000)) == 5000
    assert hand.read(fd, 10) == b""


def test_zero_and_random_give_what_is_asked_for(hand):
    fd = hand.open(b"zero", at=DEVICES)
    assert hand.read(fd, 65536) == bytes(65536)
    assert hand.write(fd, b"x") == 1
    for name in (b"random", b"urandom"):
        fd = hand.open(name, rights=READ, at=DEVICES)
        assert len(hand.read(fd, 100)) == 100
        assert hand.read(fd, 32) != hand.read(fd, 32)
        assert len(hand.read(fd, 65536)) == 8192


def test_random_bytes_are_those_of_the_outside(machine, hand):
    """A seed or a recording gives them: what did not come from there would be another at each run."""
    machine.system.random = lambda count: b"\x07" * count
    fd = hand.open(b"random", rights=READ, at=DEVICES)
    assert hand.read(fd, 3000) == b"\x07" * 3000


@pytest.mark.parametrize("name", [b"null", b"zero", b"random"])
def test_a_device_can_be_told_from_a_terminal_by_its_position(hand, name):
    fd = hand.open(name, at=DEVICES)
    assert hand.call("fd_fdstat_get", fd, 0) == 0
    filetype, _, rights, _ = abi.FDSTAT.unpack(hand.process.memory[:24])
    assert filetype == abi.CHARACTER_DEVICE
    assert rights & abi.RIGHT_SEEK  # which is what a guest's libc looks at
    assert [hand.seek(fd, 1234, whence) for whence in range(4)] == [0, 0, 0, -abi.EINVAL]
    assert hand.read(fd, 10, 1234) == b"" if name == b"null" else len(hand.read(fd, 10, 1234)) == 10
    assert hand.write(fd, b"biscuit", 1234) == 7


def test_a_pipe_gives_what_was_put_in_and_waits_for_it(machine, hand):
    fd = hand.open(b"pipe", at=DEVICES)
    assert hand.write(fd, b"biscuit") == 7
    assert hand.read(fd, 3) == b"bis"
    assert hand.read(fd, 10) == b"cuit"
    hand.begin("read", fd, 1)
    assert hand.finish() is BLOCKED_CALL
    death.end(machine.system, hand.process, 0)
    fd = machine.hand("other").open(b"pipe", flags=abi.FDFLAG_NONBLOCK, at=DEVICES)
    assert fd > 0


def test_a_pipe_that_does_not_block_says_so(hand):
    fd = hand.open(b"pipe", flags=abi.FDFLAG_NONBLOCK, at=DEVICES)
    assert hand.read(fd, 1) == -abi.EAGAIN


def test_a_pipe_is_polled_for_both_its_ends(machine, hand):
    fd = hand.open(b"pipe", at=DEVICES)
    hand.begin("poll", on_read(fd, 1))
    assert hand.finish() is BLOCKED_CALL
    death.end(machine.system, hand.process, 0)
    hand = machine.hand("other")
    fd = hand.open(b"pipe", at=DEVICES)
    hand.write(fd, b"12345")
    (reading, writing) = hand.poll(on_read(fd, 1), on_write(fd, 2))
    assert (reading[:4], writing[:3]) == ((1, 0, READ_EVENT, 5), (2, 0, WRITE_EVENT))


def test_two_openings_of_a_pipe_are_two_pipes(hand):
    first, second = hand.open(b"pipe", at=DEVICES), hand.open(b"pipe", flags=abi.FDFLAG_NONBLOCK, at=DEVICES)
    hand.write(first, b"x")
    assert hand.read(second, 1) == -abi.EAGAIN


def test_there_is_no_terminal_where_no_stream_is_one(hand):
    assert hand.open(b"tty", at=DEVICES) == -abi.ENXIO


@pytest.mark.parametrize("place", range(3))
def test_the_terminal_is_the_first_of_the_streams_that_is_one(place):
    master, slave = os.openpty()

    def streams(_):
        return [HostStream(slave) if number == place else Null() for number in range(3)]

    with Machine() as machine:
        machine.preopen(open_pseudo(machine.system, DEV))
        hand = machine.hand(streams=streams)
        fd = hand.open(b"tty", at=DEVICES)
        assert hand.fstat(fd).filetype == abi.CHARACTER_DEVICE
        assert hand.write(fd, b"prompt") == 6
        assert os.read(master, 10) == b"prompt"
        os.write(master, b"typed\n")
        assert hand.read(fd, 100) == b"typed\n"
    os.close(master)
    os.close(slave)


def test_a_descriptor_of_a_directory_is_no_way_into_it(hand):
    hand.mkdir(b"d")
    fd = hand.open_directory(b"d")
    assert hand.chdir(b"/proc/self/fd") == 0
    assert hand.chdir(b"/proc/self/fd/%d" % fd) == abi.ENOTDIR


@pytest.mark.parametrize("path", [(b"fd/%d", DEVICES), (b"self/fd/%d", PROCESSES)])
def test_opening_a_descriptors_name_makes_another_of_it(hand, path):
    name, at = path
    file = hand.open(b"file", abi.O_CREAT)
    hand.write(file, b"biscuit")
    again = hand.open(name % file, at=at)
    assert hand.seek(again, 0, abi.SEEK_CUR) == 7
    hand.close(file)
    assert hand.seek(again, 0) == 0
    assert hand.read(again, 7) == b"biscuit"


def test_other_processes_descriptors_are_listed_and_not_opened(machine, hand):
    pid = hand.spawn(b"/bin/rest")
    assert hand.list(hand.open_directory(b"%d/fd" % pid, at=PROCESSES)) == [b"%d" % fd for fd in range(7)]
    assert hand.open(b"%d/fd/0" % pid, at=PROCESSES) == -abi.EACCES
