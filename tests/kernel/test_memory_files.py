"""The file system in memory: paths, links, renames, what a full one does, and that bytes come back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardtack.kernel import abi
from hardtack.kernel.open_disk_files import open_disk
from hardtack.kernel.params import DISK_SIZE, MAX_FILE, MAX_LINKS, PAGE, PATH_MAX
from hardtack.lab.machine.driver import KIB, MIB, READ, ROOT, WRITE, Machine, tree

CREATE = abi.O_CREAT


@pytest.fixture(params=["memory", "disk"])
def machine(request, tmp_path):
    """A machine whose root is in memory, or durable: all that takes this holds for both."""
    with Machine(root=None if request.param == "memory" else disk_root(tmp_path / "fs.db")) as made:
        yield made


def disk_root(path):
    return lambda system: open_disk(system, "/", str(path), DISK_SIZE, MIB)


def heap_of(machine):
    return machine.system.disks[0].heap if machine.system.disks else machine.system.files.heap


def make(hand, path, data=b""):
    fd = hand.open(path, CREATE)
    assert fd >= 0
    assert hand.write_all(fd, data) == len(data)
    assert hand.close(fd) == 0


def content(hand, path):
    fd = hand.open(path, rights=READ)
    if fd < 0:
        return fd
    data = bytearray()
    while piece := hand.read(fd, 65536):
        data += piece
    hand.close(fd)
    return bytes(data)


# -- paths
def test_a_file_is_found_by_every_spelling_of_its_path(hand):
    hand.mkdir(b"a")
    hand.mkdir(b"a/b")
    make(hand, b"a/b/c", b"x")
    for path in (b"a/b/c", b"./a//b/./c", b"a/../a/b/c", b"a/b/../b/c", b"././a/b/c"):
        assert hand.stat(path).size == 1


@pytest.mark.parametrize(
    ("path", "errno"),
    [
        (b"", abi.ENOENT),
        (b"/", abi.EPERM),
        (b"/file", abi.EPERM),
        (b"..", abi.EPERM),
        (b"directory/../..", abi.EPERM),
        (b"directory/../../file", abi.EPERM),
        (b"nothing", abi.ENOENT),
        (b"nothing/file", abi.ENOENT),
        (b"file/", abi.ENOTDIR),
        (b"file/x", abi.ENOTDIR),
        (b"file/..", abi.ENOTDIR),
        (b"n" * 256, abi.ENAMETOOLONG),
        (b"n" * 256 + b"/x", abi.ENAMETOOLONG),
        (b"./" * (PATH_MAX // 2) + b".", abi.ENAMETOOLONG),
        (b"a\0b", abi.EINVAL),
        (b"\xff", abi.EILSEQ),
        (b"a\xc3", abi.EILSEQ),
        (b"a" * 200 + b"\x80" * 10, abi.EILSEQ),
        (b"/".join([b"\xc3\xa4" * 100] * 5) + b"\xc3", abi.EILSEQ),
    ],
)
def test_a_path_that_leads_nowhere_has_its_errno(hand, path, errno):
    hand.mkdir(b"directory")
    make(hand, b"file")
    assert hand.stat(path) == -errno


@given(
    text=st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=700)
)
@settings(max_examples=60, deadline=None)
def test_every_utf8_name_is_taken_however_it_falls_into_pieces(text):
    from hardtack.kernel.calls import _is_utf8

    path = text.encode()
    assert _is_utf8(path)
    assert _is_utf8(path * 3)
    cut = path[:-1]
    try:
        cut.decode()
    except UnicodeDecodeError:
        assert not _is_utf8(cut)
    else:
        assert _is_utf8(cut)


@given(path=st.binary(max_size=600))
@settings(max_examples=100, deadline=None)
def test_what_is_not_utf8_is_refused(path):
    from hardtack.kernel.calls import _is_utf8

    try:
        path.decode()
    except UnicodeDecodeError:
        assert not _is_utf8(path)
    else:
        assert _is_utf8(path)


# -- links
def test_a_link_leads_to_its_target(hand):
    hand.mkdir(b"a")
    make(hand, b"a/file", b"1")
    assert hand.symlink(b"a/file", b"link") == 0
    assert content(hand, b"link") == b"1"
    assert hand.stat(b"link", follow=False).filetype == abi.SYMBOLIC_LINK
    assert hand.readlink(b"link") == b"a/file"


def test_a_link_is_relative_to_where_it_stands(hand):
    hand.mkdir(b"a")
    make(hand, b"file", b"up")
    make(hand, b"a/file", b"here")
    hand.symlink(b"file", b"a/near")
    hand.symlink(b"../file", b"a/far")
    assert content(hand, b"a/near") == b"here"
    assert content(hand, b"a/far") == b"up"


def test_dot_dot_after_a_link_is_the_parent_of_where_it_led(hand):
    hand.mkdir(b"a")
    hand.mkdir(b"a/b")
    make(hand, b"a/file", b"x")
    hand.symlink(b"a/b", b"link")
    assert content(hand, b"link/../file") == b"x"


def test_a_link_cannot_lead_above_the_start(hand):
    hand.mkdir(b"a")
    hand.symlink(b"../..", b"a/out")
    make(hand, b"file")
    inside = hand.open_directory(b"a")
    assert hand.stat(b"a/out") == -abi.EPERM
    hand.symlink(b"../file", b"a/one")
    assert hand.stat(b"one", at=inside) == -abi.EPERM
    assert hand.stat(b"a/one").size == 0


def test_a_link_to_an_absolute_path_is_refused(hand):
    assert hand.symlink(b"/etc/passwd", b"link") == abi.EPERM


def test_links_are_followed_forty_times(hand):
    make(hand, b"0", b"end")
    for number in range(1, MAX_LINKS + 2):
        hand.symlink(b"%d" % (number - 1), b"%d" % number)
    assert hand.stat(b"%d" % MAX_LINKS).size == 3
    assert hand.stat(b"%d" % (MAX_LINKS + 1)) == -abi.ELOOP


def test_a_link_to_itself_is_a_loop(hand):
    hand.symlink(b"self", b"self")
    assert hand.stat(b"self") == -abi.ELOOP
    assert hand.stat(b"self/x") == -abi.ELOOP
    assert hand.open(b"self") == -abi.ELOOP


def test_a_link_that_expands_beyond_the_longest_path_is_refused(hand):
    hand.symlink(b"./" * 1000 + b"x", b"long")
    assert hand.stat(b"long/" + b"./" * 1100) == -abi.ENAMETOOLONG


def test_a_plain_link_at_the_end_is_not_followed_by_those_that_change_names(hand):
    make(hand, b"file", b"x")
    hand.symlink(b"file", b"link")
    assert hand.rename(b"link", b"moved") == 0
    assert hand.readlink(b"moved") == b"file"
    assert hand.unlink(b"moved") == 0
    assert content(hand, b"file") == b"x"


# -- making and removing
def test_making_what_is_there_is_refused(hand):
    make(hand, b"file")
    hand.mkdir(b"directory")
    assert hand.mkdir(b"file") == abi.EEXIST
    assert hand.mkdir(b"directory") == abi.EEXIST
    assert hand.mkdir(b".") == abi.EEXIST
    assert hand.symlink(b"x", b"file") == abi.EEXIST
    assert hand.link(b"file", b"directory") == abi.EEXIST
    assert hand.open(b"file", CREATE | abi.O_EXCL) == -abi.EEXIST


def test_removing_wants_the_right_kind(hand):
    make(hand, b"file")
    hand.mkdir(b"directory")
    make(hand, b"directory/file")
    assert hand.unlink(b"directory") == abi.EISDIR
    assert hand.rmdir(b"file") == abi.ENOTDIR
    assert hand.rmdir(b"directory") == abi.ENOTEMPTY
    assert hand.rmdir(b".") == abi.EINVAL
    assert hand.unlink(b"file/") == abi.ENOTDIR
    assert hand.unlink(b"nothing") == abi.ENOENT
    assert hand.unlink(b"directory/file") == 0
    assert hand.rmdir(b"directory") == 0


def test_a_file_lives_until_its_last_name_is_gone(hand):
    make(hand, b"one", b"x")
    assert hand.link(b"one", b"two") == 0
    assert hand.stat(b"one").links == 2
    hand.unlink(b"one")
    assert content(hand, b"two") == b"x"
    assert hand.stat(b"two").links == 1


def test_directories_have_one_name(hand):
    hand.mkdir(b"directory")
    assert hand.link(b"directory", b"other") == abi.EPERM


@pytest.mark.parametrize("what", ["open", "mkdir", "symlink", "link", "rename"])
def test_nothing_is_made_in_a_directory_that_was_removed(hand, what):
    make(hand, b"file")
    hand.mkdir(b"gone")
    gone = hand.open_directory(b"gone")
    hand.rmdir(b"gone")
    answer = {
        "open": lambda: -hand.open(b"x", CREATE, at=gone),
        "mkdir": lambda: hand.mkdir(b"x", at=gone),
        "symlink": lambda: hand.symlink(b"t", b"x", at=gone),
        "link": lambda: hand.link(b"file", b"x", to=gone),
        "rename": lambda: hand.rename(b"file", b"x", to=gone),
    }[what]()
    assert answer == abi.ENOENT
    assert hand.list(gone) == []
    assert hand.stat(b"file").links == 1


# -- rename
def test_a_renamed_file_keeps_its_content_and_number(hand):
    make(hand, b"old", b"x")
    number = hand.stat(b"old").inode
    hand.mkdir(b"d")
    assert hand.rename(b"old", b"d/new") == 0
    assert content(hand, b"d/new") == b"x"
    assert hand.stat(b"d/new").inode == number
    assert hand.stat(b"old") == -abi.ENOENT


def test_a_rename_replaces_a_file(hand):
    make(hand, b"old", b"new content")
    make(hand, b"new", b"lost")
    assert hand.rename(b"old", b"new") == 0
    assert content(hand, b"new") == b"new content"
    assert hand.list(ROOT) == [b"new"]


def test_a_file_that_was_replaced_can_still_be_read_by_who_had_it_open(hand):
    make(hand, b"old", b"1")
    make(hand, b"new", b"2")
    fd = hand.open(b"new")
    hand.rename(b"old", b"new")
    assert hand.read(fd, 10) == b"2"


@pytest.mark.parametrize(
    ("old", "new", "errno"),
    [
        (b"nothing", b"x", abi.ENOENT),
        (b"file", b"full", abi.EISDIR),
        (b"file", b"empty", abi.EISDIR),
        (b"empty", b"file", abi.ENOTDIR),
        (b"empty", b"full", abi.ENOTEMPTY),
        (b"empty", b"empty/x", abi.EINVAL),
        (b"full", b"full/inner/x", abi.EINVAL),
        (b".", b"x", abi.EBUSY),
        (b"file", b".", abi.EBUSY),
        (b"file", b"x/", abi.ENOTDIR),
        (b"file/", b"x", abi.ENOTDIR),
        (b"file", b"nothing/x", abi.ENOENT),
        (b"file", b"file2/x", abi.ENOTDIR),
        (b"file", b"..", abi.EPERM),
    ],
)
def test_a_rename_that_makes_no_sense_changes_nothing(hand, old, new, errno):
    make(hand, b"file", b"1")
    make(hand, b"file2", b"22")
    for path in (b"empty", b"full", b"full/inner"):
        hand.mkdir(path)
    before = tree(hand)
    assert hand.rename(old, new) == errno
    assert tree(hand) == before


def test_renames_that_change_nothing_succeed(hand):
    make(hand, b"file")
    hand.link(b"file", b"same")
    hand.mkdir(b"d")
    before = tree(hand)
    for old, new in ((b"file", b"file"), (b"file", b"same"), (b"d", b"d"), (b"d/", b"d")):
        assert hand.rename(old, new) == 0
    assert tree(hand) == before


def test_a_directory_moves_with_all_below_it(hand):
    for path in (b"a", b"a/b", b"a/b/c", b"z", b"z/empty"):
        hand.mkdir(path)
    make(hand, b"a/b/file", b"x")
    assert hand.rename(b"a/b", b"z/empty") == 0
    assert content(hand, b"z/empty/file") == b"x"
    assert hand.stat(b"z/empty/c/..").inode == hand.stat(b"z/empty").inode
    assert hand.stat(b"z/empty/../..").filetype == abi.DIRECTORY
    assert hand.rmdir(b"a") == 0


# -- opening
def test_opening_to_create_and_to_cut(hand):
    assert hand.open(b"file") == -abi.ENOENT
    make(hand, b"file", b"content")
    make(hand, b"file", b"new")
    assert content(hand, b"file") == b"newtent"
    hand.close(hand.open(b"file", abi.O_TRUNC))
    assert content(hand, b"file") == b""


def test_appending_goes_to_the_end(hand):
    make(hand, b"file", b"one")
    fd = hand.open(b"file", flags=abi.FDFLAG_APPEND)
    other = hand.open(b"file", flags=abi.FDFLAG_APPEND)
    hand.write(fd, b"two")
    hand.write(other, b"three")
    hand.write(fd, b"four")
    assert content(hand, b"file") == b"onetwothreefour"


def test_rights_are_kept(hand):
    make(hand, b"file", b"x")
    reading = hand.open(b"file", rights=READ)
    writing = hand.open(b"file", rights=WRITE)
    assert hand.write(reading, b"y") == -abi.EBADF
    assert hand.read(writing, 1) == -abi.EBADF
    assert hand.write(writing, b"y") == 1


def test_a_directory_cannot_be_written_to(hand):
    hand.mkdir(b"d")
    assert hand.open(b"d", rights=WRITE) == -abi.EISDIR
    assert hand.open(b"d", CREATE) == -abi.EISDIR
    assert hand.open(b"d", abi.O_TRUNC, rights=READ) == -abi.EISDIR


def test_an_unlinked_file_lives_on_while_it_is_open(machine, hand):
    fd = hand.open(b"file", CREATE)
    hand.write_all(fd, b"x" * 100_000)
    held = heap_of(machine).live
    assert hand.unlink(b"file") == 0
    assert heap_of(machine).live > held - PAGE
    hand.seek(fd, 0)
    assert hand.read(fd, 5) == b"xxxxx"
    assert hand.fstat(fd).links == 0
    hand.close(fd)
    assert heap_of(machine).live < held - 100_000


def test_positions_are_shared_by_those_who_share_a_description(machine, hand):
    answers = []

    def child(calls):
        answers.append((yield from calls.read(0, 3)))

    make(hand, b"file", b"abcdef")
    fd = hand.open(b"file")
    machine.program(b"child", child)
    hand.spawn(b"child", descriptors=[(0, fd)])
    hand.waitpid()
    assert answers == [b"abc"]
    assert hand.read(fd, 3) == b"def"


# -- sizes
def test_a_hole_reads_as_zeros(hand):
    fd = hand.open(b"file", CREATE)
    hand.seek(fd, 10 * PAGE)
    hand.write(fd, b"end")
    assert hand.fstat(fd).size == 10 * PAGE + 3
    assert hand.read(fd, 10, 5 * PAGE) == bytes(10)


def test_writing_nothing_beyond_the_end_does_not_lengthen(hand):
    fd = hand.open(b"file", CREATE)
    for written in (b"", b"abc"):
        hand.write(fd, written, 0)
        for position in (50, 100, 5 * PAGE):
            assert hand.write(fd, b"", position) == 0
            assert hand.fstat(fd).size == len(written)


def test_a_file_ends_somewhere(hand):
    fd = hand.open(b"file", CREATE)
    assert hand.write(fd, b"x", MAX_FILE) == -abi.EFBIG
    assert hand.write(fd, b"xx", MAX_FILE - 1) == -abi.EFBIG
    assert hand.truncate(fd, MAX_FILE + 1) == abi.EFBIG
    assert hand.truncate(fd, MAX_FILE) == 0
    assert hand.write(fd, b"x", MAX_FILE - 1) == 1


def test_seeking_stays_within_numbers(hand):
    fd = hand.open(b"file", CREATE)
    hand.write(fd, b"12345")
    assert hand.seek(fd, -1, abi.SEEK_SET) == -abi.EINVAL
    assert hand.seek(fd, -6, abi.SEEK_END) == -abi.EINVAL
    assert hand.seek(fd, -2, abi.SEEK_END) == 3
    assert hand.seek(fd, 1, abi.SEEK_CUR) == 4
    assert hand.seek(fd, 1, 3) == -abi.EINVAL
    assert hand.seek(fd, (1 << 63) - 1) == (1 << 63) - 1
    assert hand.seek(fd, 1, abi.SEEK_CUR) == -abi.EINVAL


# -- listing
def test_a_listing_with_a_small_buffer_gives_every_name_once(hand):
    names = {b"%d" % number * 10 for number in range(200)}
    for name in names:
        make(hand, name)
    for size in (100, 300, 4096, 65536):
        found = hand.list(ROOT, size)
        assert len(found) == 200
        assert set(found) == names


def test_names_that_come_and_go_do_not_disturb_a_listing(hand):
    names = {b"stay%d" % number for number in range(200)}
    for name in names:
        make(hand, name)
    found = []
    cookie = count = 0
    while entries := hand.readdir(ROOT, 400, cookie):
        found += [name for _, _, _, name in entries]
        cookie = entries[-1][0]
        for _ in range(20):
            make(hand, b"new%d" % count)
            count += 1
            hand.unlink(b"new%d" % (count - 15)) if count > 15 else None
    assert len(found) == len(set(found))
    assert names <= set(found)


def test_dot_and_dot_dot_come_first(hand):
    hand.mkdir(b"d")
    fd = hand.open_directory(b"d")
    assert [(number, name) for _, number, _, name in hand.readdir(fd)] == [
        (hand.stat(b"d").inode, b"."),
        (hand.stat(b".").inode, b".."),
    ]


# -- bytes come back
def fill(hand, path=b"filler"):
    """Write until there is no space; return how many bytes went in."""
    fd = hand.open(path, CREATE)
    done = 0
    while (count := hand.write(fd, bytes(65536))) > 0:
        done += count
    assert count == -abi.ENOSPC
    hand.close(fd)
    return done


def test_everything_that_is_removed_gives_its_bytes_back():
    with Machine() as machine:
        hand = machine.hand()
        owner = hand.process.group.owner
        lives = []
        for _ in range(3):
            for number in range(1, 300):
                make(hand, b"file%d" % number, bytes(number * 50))
                hand.mkdir(b"d%d" % number)
                hand.symlink(b"x" * number, b"d%d/link" % number)
                hand.link(b"file%d" % number, b"d%d/other" % number)
            assert owner.held > 300 * 100
            for number in range(1, 300):
                hand.unlink(b"file%d" % number)
                hand.unlink(b"d%d/link" % number)
                hand.unlink(b"d%d/other" % number)
                hand.rmdir(b"d%d" % number)
            assert owner.held == 0
            lives.append((machine.live(), machine.system.files.heap.live))
        assert lives[1] == lives[2]  # to the byte; the first time some numbers become large


def test_a_full_file_system_is_enospc_and_works_again_when_something_is_removed():
    with Machine(4 * MIB, 1 * MIB) as machine:
        hand = machine.hand()
        for _ in range(3):
            assert fill(hand) > 700_000
            assert hand.unlink(b"filler") == 0
        assert machine.system.files.heap.peak <= 1 * MIB


@pytest.mark.parametrize("what", ["open", "mkdir", "symlink", "link", "write"])
def test_what_found_no_space_changed_nothing(what):
    with Machine(4 * MIB, 512 * KIB) as machine:
        hand = machine.hand()
        make(hand, b"file", b"x" * 126)
        count = 0
        while hand.mkdir(b"%d" % count) == 0:
            count += 1
        before = tree(hand)
        fd = hand.open(b"file")
        answer = {
            "open": lambda: -hand.open(b"new", CREATE),
            "mkdir": lambda: hand.mkdir(b"new"),
            "symlink": lambda: hand.symlink(b"t", b"new"),
            "link": lambda: hand.link(b"file", b"new"),
            "write": lambda: -hand.write(fd, b"y" * 5000, 100),
        }[what]()
        assert answer == abi.ENOSPC
        assert tree(hand) == before
        assert content(hand, b"file") == b"x" * 126


def test_everything_can_be_removed_from_a_full_file_system():
    with Machine(4 * MIB, 512 * KIB) as machine:
        hand = machine.hand()
        fill(hand)
        count = 0
        while hand.mkdir(b"%d" % count) == 0:
            count += 1
        for number in range(count):
            assert hand.rmdir(b"%d" % number) == 0
        assert hand.unlink(b"filler") == 0
        assert hand.list(ROOT) == []


def test_the_last_eighth_is_for_those_who_hold_little():
    with Machine(8 * MIB, 4 * MIB) as machine:
        hog = machine.hand("hog")
        small = machine.hand("small")
        fill(hog)
        free = machine.system.files.heap.free
        assert 4 * MIB // 8 - 65536 <= free <= 4 * MIB // 8 + 65536
        while hog.mkdir(b"%d" % machine.scheduler.turns) == 0:
            pass
        assert machine.system.files.heap.free >= 4 * MIB // 8
        make(small, b"small", b"x" * 60_000)
        assert small.mkdir(b"directory") == 0
        assert small.write(small.open(b"big", CREATE), bytes(65536)) > 0
        held = 60_000 + 65536
        while (count := small.write(small.open(b"big", flags=abi.FDFLAG_APPEND), bytes(65536))) > 0:
            held += count
        assert 4 * MIB // 8 // 4 - 65536 <= held <= 4 * MIB // 8 // 4


def test_the_last_eighth_is_not_for_a_hog_of_empty_files():
    with Machine(8 * MIB, 1 * MIB) as machine:
        hog = machine.hand("hog")
        small = machine.hand("small")
        count = 0
        while hog.open(b"%d" % count, CREATE) >= 0:
            hog.close(4)
            count += 1
        make(small, b"small", b"x" * 4000)


def test_a_hog_of_links_cannot_take_the_last_eighth():
    with Machine(8 * MIB, 1 * MIB) as machine:
        hog = machine.hand("hog")
        small = machine.hand("small")
        make(hog, b"file")
        count = 0
        while hog.link(b"file", b"%d" % count) == 0:
            count += 1
        make(small, b"small", b"x" * 4000)


# -- whose a file is
def limited(machine, limit, name="limited"):
    hand = machine.hand(name)
    hand.process.group.owner.limit = limit
    return hand


def test_who_makes_a_file_of_the_hosts_grow_pays_for_what_it_grows_by():
    with Machine(16 * MIB, 8 * MIB) as machine:
        machine.host.write_file("/given", bytes(MIB))
        hand = limited(machine, MIB)
        before = machine.system.files.heap.live
        fd = hand.open(b"given", flags=abi.FDFLAG_APPEND)
        while hand.write(fd, bytes(65536)) > 0:
            pass
        grown = machine.system.files.heap.live - before
        assert MIB // 2 < grown <= MIB
        owner = hand.process.group.owner
        assert owner.refused
        assert owner.held <= MIB
        hand.close(fd)
        assert hand.unlink(b"given") == 0
        assert owner.held == 0


def test_what_another_group_holds_passes_to_who_makes_it_grow():
    with Machine(16 * MIB, 8 * MIB) as machine:
        first, second = limited(machine, MIB, "first"), limited(machine, MIB, "second")
        make(first, b"file", bytes(MIB // 2))
        held = first.process.group.owner.held
        assert held > MIB // 2
        fd = second.open(b"file", flags=abi.FDFLAG_APPEND)
        assert second.write(fd, b"x" * 20_000) == 20_000
        assert first.process.group.owner.held == 0
        assert second.process.group.owner.held > held
        small = limited(machine, MIB // 4, "small")
        fd = small.open(b"file", flags=abi.FDFLAG_APPEND)
        assert small.write(fd, b"x" * 20_000) == -abi.ENOSPC  # it would be too much for it
        assert small.process.group.owner.held == 0


def test_what_a_group_that_has_ended_made_counts_as_given():
    with Machine(16 * MIB, 8 * MIB) as machine:
        first = machine.hand("first")
        make(first, b"log", bytes(MIB))
        first.exit()
        second = limited(machine, MIB // 4)
        fd = second.open(b"log", flags=abi.FDFLAG_APPEND)
        assert second.write(fd, b"x" * 20_000) == 20_000
        assert second.process.group.owner.held < MIB // 4


@pytest.mark.parametrize("what", ["links", "targets"])
def test_names_and_what_they_hold_are_counted(what):
    with Machine(16 * MIB, 8 * MIB) as machine:
        machine.host.write_file("/given", b"biscuit")
        hand = limited(machine, MIB)
        before = machine.system.files.heap.live
        count = 0
        while (
            hand.link(b"given", b"%d" % count) if what == "links" else hand.symlink(LONG, b"%d" % count)
        ) == 0:
            count += 1
        assert count > 100
        assert machine.system.files.heap.live - before <= MIB
        for number in range(count):
            assert hand.unlink(b"%d" % number) == 0
        assert hand.process.group.owner.held <= 640  # of the host's file, which is its now


LONG = (b"y" * 200 + b"/") * 20


# -- numbers that files keep
def test_times_cannot_fill_the_file_system():
    with Machine(4 * MIB, 512 * KIB) as machine:
        hand = machine.hand()
        count = 0
        while hand.open(b"%d" % count, CREATE) >= 0:
            hand.close(4)
            count += 1
        assert count > 200
        for number in range(count):
            start, size = hand.put(0x1000, b"%d" % number)
            errno = hand.call(
                "path_filestat_set_times", ROOT, 0, start, size, 10**18 + number, 10**18 - number, 5
            )
            assert errno in {0, abi.ENOSPC}
        for number in range(count):
            machine.clock.now += 1_000_000
            fd = hand.open(b"%d" % number)
            assert hand.truncate(fd, 1000 + number) in {0, abi.ENOSPC}
            hand.close(fd)
        for number in range(count):
            assert hand.unlink(b"%d" % number) == 0


def test_what_guests_keep_is_not_charged_to_the_scheduler():
    with Machine(8 * MIB, 4 * MIB) as machine:
        hand = machine.hand()
        heap = machine.system.scheduler_heap
        for round_ in range(2):
            for number in range(500):
                fd = hand.open(b"%d-%d" % (round_, number), CREATE)
                assert hand.truncate(fd, 1_000_000 + number) == 0
                hand.seek(fd, 2_000_000 + number)
                hand.call("fd_filestat_set_times", fd, 10**18 + number, 10**17 + number, 5)
            machine.live()
            if round_ == 0:
                before = heap.live
        assert heap.live <= before + 1000
