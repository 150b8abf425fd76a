"""What spawn and exec load programs with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hardtack.annotations import assume_bound
from hardtack.errors import ProgramError
from hardtack.heap import Heap
from hardtack.wasm.compilation import Uncompiled
from hardtack.wasm.modules import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.kernel.guest import Image
    from hardtack.kernel.ranges import Name
    from hardtack.wasm.modules import Programs


def not_read(path: str, error: OSError) -> str:
    """Say why the host cannot have a program, and where one of that name might be."""
    text = f"{path or repr(path)}: {error.strerror}"
    if isinstance(error, FileNotFoundError):
        if "/" not in path and (BUILT_IN / f"{path}.wasm").exists():
            return f"{text}; the one that comes with hardtack is /bin/{path}"
        if path.startswith("/bin/"):
            return f"{text}; `hardtack run /bin/ls /bin` lists those that come with hardtack"
    return text


class Loader:
    """Finds programs for spawn, outside the kernel's heap: compiled modules are not the kernel's memory."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._heap = Heap(None, name="modules")
        self._names: tuple[Name, ...] = ()

    def find(self, path: bytes) -> Image | None:
        """Return the image at a guest's path; None if there is none, or none that could run here."""
        try:
            image: Image | None = self._heap.run(self._programs.find, path)
        except (ProgramError, OSError):
            return None
        return image

    def load(self, data: bytes, name: bytes) -> Image | None:
        """Make an image of a file's bytes, or return None if they are no program that could run here now."""
        try:
            image: Image | None = self._heap.run(self._programs.load, data, os.fsdecode(name))
        except (ProgramError, Uncompiled):
            return None
        return image

    def names(self) -> Sequence[bytes]:
        """Return the names of the built-in programs, always the same sequence."""
        if not self._names:
            self._list_aside()
        return self._names

    @assume_bound("0", returned="0", retained="0")
    def _list_aside(self) -> None:
        self._heap.run(self._list)

    def _list(self) -> None:
        self._names = tuple([name.encode() for name in self._programs.built_in_names()])
