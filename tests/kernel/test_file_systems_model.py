"""Every file system against a model of it: dicts and bytearrays. Hypothesis finds the calls."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hardtack.kernel import abi
from hardtack.kernel.host_directories import open_host_directory
from hardtack.kernel.open_disk_files import open_disk
from hardtack.kernel.params import DISK_PAGE, DISK_SIZE, LEAST_CACHE_BYTES, PAGE
from hardtack.lab.machine.driver import MIB, READ, ROOT, WRITE, Machine

NAMES = (b"a", b"b", b"c")
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)
POSITIONS = st.one_of(st.integers(0, 300), st.sampled_from([DISK_PAGE - 1, DISK_PAGE, PAGE, 5 * PAGE]))
SIZES = st.one_of(st.integers(0, 300), st.sampled_from([512, 2049, DISK_PAGE, DISK_PAGE + 1, PAGE, 65_536]))


class ModelFile:
    """A file of the model: its bytes and how many names it has."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.links = 1


class FileSystem(RuleBasedStateMachine):
    """The same calls on a file system and on the model. A directory of the model is a dict."""

    storage = ""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.top: dict = {}
        self.start()

    def start(self) -> None:
        self.opened: dict[int, ModelFile] = {}
        if self.storage == "host":
            (self.folder / "root").mkdir(exist_ok=True)
        self.machine = Machine(
            8 * MIB, root={"memory": None, "host": self.on_host, "disk": self.on_disk}[self.storage]
        )
        self.hand = self.machine.hand()

    def on_host(self, system):
        return open_host_directory(system, "/", self.folder / "root")

    def on_disk(self, system):
        return open_disk(system, "/", str(self.folder / "fs.db"), DISK_SIZE, LEAST_CACHE_BYTES)

    def teardown(self) -> None:
        self.machine.close()
        shutil.rmtree(self.folder)

    # -- the model
    def directory(self, names):
        """The model's directory that holds the last of the names, or None."""
        here = self.top
        for name in names[:-1]:
            here = here.get(name)
            if not isinstance(here, dict):
                return None
        return here

    def found(self, names):
        above = self.directory(names)
        return None if above is None else above.get(names[-1])

    # -- files
    @rule(names=PATHS, oflags=st.sampled_from([0, abi.O_CREAT, abi.O_CREAT | abi.O_EXCL, abi.O_TRUNC]))
    def open(self, names, oflags):
        above, old = self.directory(names), self.found(names)
        fd = self.hand.open(b"/".join(names), oflags, READ | WRITE)
        may = isinstance(old, ModelFile) and not oflags & abi.O_EXCL
        made = above is not None and old is None and oflags & abi.O_CREAT
        assert (fd >= 0) == bool(may or made), fd
        if made:
            above[names[-1]] = ModelFile()
        elif may and oflags & abi.O_TRUNC:
            old.data.clear()
        if fd >= 0:
            self.opened[fd] = above[names[-1]]

    @precondition(lambda self: self.opened)
    @rule(data=st.data(), position=POSITIONS, size=SIZES, fill=st.integers(1, 255))
    def write(self, data, position, size, fill):
        fd = data.draw(st.sampled_from(sorted(self.opened)))
        content = self.opened[fd].data
        assert self.hand.write(fd, bytes([fill]) * size, position) == size
        if size:
            content.extend(bytes(max(0, position + size - len(content))))
            content[position : position + size] = bytes([fill]) * size

    @precondition(lambda self: self.opened)
    @rule(data=st.data(), position=POSITIONS, size=SIZES)
    def read(self, data, position, size):
        fd = data.draw(st.sampled_from(sorted(self.opened)))
        assert self.hand.read(fd, size, position) == bytes(self.opened[fd].data[position : position + size])

    @precondition(lambda self: self.opened)
    @rule(data=st.data(), size=st.one_of(POSITIONS, SIZES))
    def truncate(self, data, size):
        fd = data.draw(st.sampled_from(sorted(self.opened)))
        content = self.opened[fd].data
        assert self.hand.truncate(fd, size) == 0
        del content[size:]
        content.extend(bytes(size - len(content)))

    @precondition(lambda self: self.opened)
    @rule(data=st.data())
    def close(self, data):
        fd = data.draw(st.sampled_from(sorted(self.opened)))
        assert self.hand.close(fd) == 0
        del self.opened[fd]

    @precondition(lambda self: self.opened)
    @rule(data=st.data())
    def sync(self, data):
        assert self.hand.call("fd_sync", data.draw(st.sampled_from(sorted(self.opened)))) == 0

    # -- names
    @rule(names=PATHS)
    def mkdir(self, names):
        above, old = self.directory(names), self.found(names)
        may = above is not None and old is None
        assert (self.hand.mkdir(b"/".join(names)) == 0) == may
        if may:
            above[names[-1]] = {}

    @rule(names=PATHS)
    def rmdir(self, names):
        may = self.found(names) == {}
        assert (self.hand.rmdir(b"/".join(names)) == 0) == may
        if may:
            del self.directory(names)[names[-1]]

    @rule(names=PATHS)
    def unlink(self, names):
        old = self.found(names)
        assert (self.hand.unlink(b"/".join(names)) == 0) == isinstance(old, ModelFile)
        if isinstance(old, ModelFile):
            del self.directory(names)[names[-1]]
            old.links -= 1

    @rule(names=PATHS, new=PATHS)
    def link(self, names, new):
        file, above = self.found(names), self.directory(new)
        may = isinstance(file, ModelFile) and above is not None and self.found(new) is None
        assert (self.hand.link(b"/".join(names), b"/".join(new)) == 0) == may
        if may:
            above[new[-1]] = file
            file.links += 1

    @rule(names=PATHS, new=PATHS)
    def rename(self, names, new):
        thing, above, old = self.found(names), self.directory(new), self.found(new)
        may = thing is not None and above is not None
        if isinstance(thing, dict):
            may = (
                may
                and (old is None or old is thing or old == {})
                and (new == names or new[: len(names)] != names)
            )
        else:
            may = may and not isinstance(old, dict)
        assert (self.hand.rename(b"/".join(names), b"/".join(new)) == 0) == may
        if may and old is not thing:
            del self.directory(names)[names[-1]]
            above[new[-1]] = thing
            if isinstance(old, ModelFile):
                old.links -= 1

    # -- the whole
    @precondition(lambda self: self.storage != "memory")
    @rule()
    def end_the_kernel_and_start_another(self):
        self.machine.close()
        self.start()

    @rule()
    def drop_what_is_cached(self):
        for files in self.machine.system.disks:
            files.flush()
            files.cache.clear()

    @rule()
    def everything_is_as_in_the_model(self):
        self.compare(ROOT, self.top)

    def compare(self, at, model):
        assert sorted(self.hand.list(at)) == sorted(model)
        for name, thing in model.items():
            status = self.hand.stat(name, at=at)
            if isinstance(thing, dict):
                below = self.hand.open_directory(name, at=at)
                self.compare(below, thing)
                self.hand.close(below)
            else:
                assert (status.size, status.links) == (len(thing.data), thing.links)

    @invariant()
    def books_hold(self):
        assert self.machine.system.check() == []


@pytest.mark.parametrize("storage", ["memory", "host", "disk"])
def test_a_file_system_does_what_the_model_does(storage):
    kind = type(storage, (FileSystem,), {"storage": storage})
    run_state_machine_as_test(kind, settings=settings(deadline=None, max_examples=25, stateful_step_count=40))
