from __future__ import annotations

import itertools

from values import SIZES

from hardtack.lab.measuring import given
from programs.files import Files


def system(entries, size=0):
    files = Files()
    files.make_directory("/d")
    for row in range(entries):
        files.close(files.open(f"/f{row}", create=True))
    fd = files.open("/d/last", create=True)
    files.write(fd, b"x" * size)
    files.open_files[fd] = (files.open_files[fd][0], size // 2)
    return files, fd


COUNTS = (0, 1, 3, 4, 5, 9, 10, 20, 21, 42, 85, 170, 341)
PATHS = [
    "/d/last",
    "/d",
    "",
    "/",
    "/" * 300,
    "/a" * 200,
    "/d/./last",
    "/d/last/x",
    "/\U0001f600" * 100,
    "x" * 3000,
    "/d/new",
]


def on_paths(*rest):
    return [
        lambda count=count, path=path, more=more: given(system(count)[0], path, *more)
        for count, path, more in itertools.product(COUNTS, PATHS, itertools.product(*rest))
    ]


def with_fd(values, sizes=(0, 1, 500, 4000, 70_000)):
    def make(size, value):
        files, fd = system(3, size)
        return given(files, fd, *value)

    return [
        lambda size=size, value=value: make(size, value) for size, value in itertools.product(sizes, values)
    ]


def opened(count):
    files, fd = system(0)
    for _ in range(count):
        fd = files.open("/d/last")
    return given(files, fd)


INPUTS = {
    Files.walk: on_paths(),
    Files.parent: on_paths(),
    Files.make_directory: on_paths(),
    Files.open: on_paths((False, True)),
    Files.write: with_fd([(b"",), (b"y",), (b"y" * 511,), (b"y" * 70_000,)]),
    Files.read: with_fd([(0,), (1,), (511,), (10**6,), (-1,)]),
    Files.rename: on_paths(("/d/last", "/d/other", "/new" * 1, "/n" * 50)),
    Files.close: [lambda count=count: opened(count) for count in SIZES],
}
