"""Programs: read, checked, compiled once, and ready to start.

`ModuleCache.load` turns a file's bytes into an `Image`. A program is checked against what the engine
offers before it is run: its imports, its `_start`, its memory against the budget. Compiled code is kept in
memory (the programs used last) and on disk, by content; `Programs` finds the built-in ones.

Refused: to load compiled code that another user could have written; wasmtime runs it as it is.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hardtack.errors import ProgramError
from hardtack.units import format_bytes
from hardtack.wasm.binary import (
    COMPONENT,
    MAGIC,
    MODULE,
    WASM_PAGE,
    FormatError,
    Outline,
    Signature,
    compile_cost,
    read_outline,
)
from hardtack.wasm.code_cache import CodeCache
from hardtack.wasm.compilation import Compilation, CompileLimits, Uncompiled, invalid
from hardtack.wasm.endings import printable
from hardtack.wasm.guests import ELEMENT_BYTES, FORKED, MAX_TABLES, Plan
from hardtack.wasm.known_files import KnownFiles
from hardtack.wasm.settings import FIBER_BYTES

if TYPE_CHECKING:
    from hardtack.wasm.binary import Import
    from hardtack.wasm.engine import Code, Engine
    from hardtack.wasm.guests import Guest
    from hardtack.wasm.memories import MemoryOwner

MAX_PROGRAM_BYTES: Final = 256 << 20
HEAD_BYTES: Final = 4096  # of a file, by which it is judged before the rest is read
MAX_NAMED: Final = 5  # imports that an error names
MODULES_IN_MEMORY: Final = 32
MAX_TABLE_ELEMENTS: Final = 1 << 22  # in all tables of a program
STORE_BYTES: Final = 16 * 1024  # a store, the shim's instance in it, the linker
FUNCTION_BYTES: Final = 32  # of an instance, for a function that a table may hold
GLOBAL_BYTES: Final = 16
DEFAULT_LIMITS: Final = CompileLimits()
CHEAP_COST: Final = 30_000_000  # up to which a program is compiled in this process: 100 MB, half a second
CHEAP_BYTES: Final = 256 * 1024  # likewise
BUILT_IN: Final = Path(__file__).parent.parent / "programs"


@dataclass(frozen=True, slots=True)
class CompiledModule:
    """A program's compiled code and its outline; images of several names may share it."""

    code: Code
    outline: Outline
    digest: str


class Image:
    """A program that was checked and compiled and can be started any number of times.

    Implements `kernel.guest.Image`.

    Attributes:
        name: for people.
        user_bytes: user memory that a start takes: stack, tables, instance, initial linear memory.
        overhead_bytes: of those, what is not linear memory.
        forkable: whether its guests can be copied while they run.
    """

    def __init__(self, engine: Engine, module: CompiledModule, name: str) -> None:
        """Check a module against an engine.

        Raises:
            ProgramError: it can't run there.
        """
        outline = module.outline
        _check_imports(engine, outline.imports, name)
        _check_exports(outline, name)
        fixed = (
            FIBER_BYTES
            + STORE_BYTES
            + FUNCTION_BYTES * (outline.functions + len(outline.imports))
            + GLOBAL_BYTES * outline.globals
        )
        self.forkable = outline.exported_function(FORKED) == Signature((), ()) and not outline.has_start
        self._plan = Plan(
            module.code,
            tuple(sorted({wanted.module.encode() for wanted in outline.imports})),
            outline.has_start,
            self.forkable,
            fixed,
            tuple(outline.tables),
        )
        table_elements = self._plan.table_elements()
        if len(table_elements) > MAX_TABLES or sum(table_elements) > MAX_TABLE_ELEMENTS:
            raise ProgramError(f"{name} has too large tables: at most {MAX_TABLE_ELEMENTS} elements in all")
        self.name = name
        self.overhead_bytes = fixed + ELEMENT_BYTES * sum(table_elements)
        self.user_bytes = self.overhead_bytes + WASM_PAGE * outline.memories[0].minimum
        capacity = engine.user_memory.capacity
        if self.user_bytes > capacity:
            raise ProgramError(
                f"{name} needs {format_bytes(self.user_bytes)} ({self.user_bytes} bytes) of user memory to "
                f"start, more than there is: {format_bytes(capacity)} ({capacity} bytes)"
            )
        self._engine = engine

    def start(self, process: MemoryOwner) -> Guest:
        """Make a guest for process; it has not run yet. See `kernel.guest.Image.start`."""
        return self._engine.start(self._plan, process)


def _check_imports(engine: Engine, imports: list[Import], name: str) -> None:
    unknown, wrong = [], []
    for wanted in imports:
        entry = engine.entries.get((wanted.module, wanted.name))
        title = f"{wanted.module}.{wanted.name}"
        if entry is None or wanted.signature is None:
            unknown.append(title if wanted.signature is not None else f"{title} (a {wanted.kind})")
            continue
        offered = Signature(entry.parameter_types, entry.result_types)
        if wanted.signature != offered:
            wrong.append(f"{title} is {offered}, not {wanted.signature}")
    if unknown:
        raise ProgramError(
            f"hardtack has no import {_some(unknown)}; {name} was built for another host: "
            "build it for wasm32-wasi (preview 1)"
        )
    if wrong:
        raise ProgramError(f"{name} expects other functions than hardtack has: {_some(wrong)}")


def _some(titles: list[str]) -> str:
    more = len(titles) - MAX_NAMED
    return printable(", ".join(titles[:MAX_NAMED])) + (f" and {more} more" if more > 0 else "")


def _check_exports(outline: Outline, name: str) -> None:
    start = outline.exported_function("_start")
    if start is None:
        kind = "a reactor: it has _initialize" if "_initialize" in outline.exports else "a library"
        raise ProgramError(
            f"{name} has no _start, so it is no program but {kind}; build it with a main function"
        )
    if start != Signature((), ()):
        raise ProgramError(f"{name} is no program: its _start is {start}, not () -> ()")
    kind, _ = outline.exports.get("memory", ("", 0))
    if kind != "memory":
        raise ProgramError(f"{name} exports no memory, so no system call could reach its data")


class ModuleCache:
    """Loads programs for one engine; threads may share it."""

    def __init__(self, engine: Engine, directory: Path | None = None) -> None:
        """Make one that keeps compiled code in directory, or where the engine keeps its own."""
        self.engine = engine
        self.code_cache = engine.code_cache if directory is None else CodeCache(engine.fingerprint, directory)
        self._known = KnownFiles(self.code_cache.directory)
        self._modules: OrderedDict[str, CompiledModule] = OrderedDict()
        self._files: dict[tuple[int, int, int, int], CompiledModule] = {}  # by identity and time of change
        self._lock = threading.Lock()

    def load(
        self,
        source: bytes | Path,
        name: str | None = None,
        *,
        limits: CompileLimits = DEFAULT_LIMITS,
        may_compile: bool = True,
        trusted: bool = False,
        digest: str | None = None,
    ) -> Image:
        """Return the program in a file, or in its bytes.

        What is known is loaded in milliseconds. What is cheap to compile is compiled at once; all else in a
        child process, which takes about a second for 7 MB and a tenth to start. Blocks meanwhile.

        Args:
            source: a path, or a module's bytes.
            name: what to call it; else the file's name.
            limits: of a compilation in a child.
            may_compile: whether to compile in a child if need be.
            trusted: whether to compile it here whatever it is.
            digest: the SHA-256 that a file must have, in hex.

        Raises:
            ProgramError: it is no program that this engine can run; the message says why, in one line.
            OSError: the file can't be read.
            Uncompiled: a child would have to compile it.
        """
        if isinstance(source, Path):
            told = name if name is not None else source.name or str(source)  # in messages
            name = name if name is not None else source.stem or told
            status = source.stat()
            module = self._seen(source, told, status)
            data = _read(source, told) if module is None else b""
            _check_digest(source, digest, module, data)
        else:
            name = told = name if name is not None else "program"
            status, module, data = None, None, bytes(source)
        if module is None:
            try:
                module = self._module(data, told, trusted)
            except Uncompiled as missing:
                if not may_compile:
                    raise
                module = self.compile(self.compilation(missing, limits), missing)
            if status is not None and isinstance(source, Path):
                self._remember(source, status, module)
        return Image(self.engine, module, name)

    def _seen(self, path: Path, name: str, status: os.stat_result) -> CompiledModule | None:
        """Return a file's module, if that is known and the file was not written since."""
        if not stat.S_ISREG(status.st_mode):
            raise ProgramError(f"{name} is not a regular file but {_kind(status.st_mode)}")
        with self._lock:
            module = self._files.get(_identity(status))
            if module is not None and self._modules.get(module.digest) is module:
                self._modules.move_to_end(module.digest)
                return module
        digest = self._known.digest(status)
        code = self.code_cache.load(self.engine, digest) if digest is not None else None
        if digest is None or code is None:
            return None
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return self._keep(code, data, name, digest)

    def _remember(self, path: Path, status: os.stat_result, module: CompiledModule) -> None:
        self._known.remember(status, path.stat(), module.digest)
        with self._lock:
            if len(self._files) >= MODULES_IN_MEMORY:
                self._files.clear()
            self._files[_identity(status)] = module

    def _module(self, data: bytes, name: str, trusted: bool) -> CompiledModule:
        digest = hashlib.sha256(data).hexdigest()
        with self._lock:
            module = self._modules.get(digest)
            if module is not None:
                self._modules.move_to_end(digest)
                return module
        check_format(data, name)
        _check_size(len(data), name)
        code = self.code_cache.load(self.engine, digest)
        if code is None:
            if not trusted and not _is_cheap(data):
                raise Uncompiled(data, name, digest)
            try:
                code = self.engine.compile(data)
            except ProgramError as error:
                raise invalid(name, str(error)) from None
            self.code_cache.save(code, digest)
        return self._keep(code, data, name, digest)

    def compilation(self, missing: Uncompiled, limits: CompileLimits) -> Compilation:
        """Return the compilation of a program in a child; it has not begun."""
        return Compilation(self.engine, self.code_cache, missing, limits)

    def compile(self, compilation: Compilation, missing: Uncompiled) -> CompiledModule:
        """Run a compilation, so that `load` knows the program; as `Compilation.run`."""
        return self._keep(compilation.run(), missing.data, missing.name, missing.digest)

    def _keep(self, code: Code, data: bytes | mmap.mmap, name: str, digest: str) -> CompiledModule:
        try:
            made = CompiledModule(code, read_outline(data), digest)
        except FormatError as error:
            raise ProgramError(
                f"{name} is a WebAssembly module that hardtack does not understand: {error}"
            ) from None
        with self._lock:
            module = self._modules.setdefault(digest, made)  # another thread may have been faster
            self._modules.move_to_end(digest)
            if len(self._modules) > MODULES_IN_MEMORY:
                self._modules.popitem(last=False)
        return module

    def evict(self, keep: int = 0) -> int:
        """Drop compiled programs from memory, those used longest ago first; return how many.

        Images that exist keep theirs.
        """
        with self._lock:
            count = max(0, len(self._modules) - keep)
            self._files.clear()
            for _ in range(count):
                self._modules.popitem(last=False)
        return count


def _is_cheap(data: bytes) -> bool:
    """Tell whether compiling a program is cheap, whatever stands in it."""
    try:
        return len(data) <= CHEAP_BYTES and compile_cost(data) <= CHEAP_COST
    except FormatError:
        return False


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _check_digest(path: Path, wanted: str | None, module: CompiledModule | None, data: bytes) -> None:
    """Check that a file that is known, or that was read, is the one that is wanted."""
    if wanted is None:
        return
    found = module.digest if module is not None else hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise ProgramError(
            f"{path} is not the file that hardtack knows: its SHA-256 is {found}, not {wanted}"
        )


def _kind(mode: int) -> str:
    """Say what a file is that is not a regular one."""
    return {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}.get(
        stat.S_IFMT(mode), "a device"
    )


def _read(path: Path, name: str) -> bytes:
    """Return a file's bytes; a file that is no module or too large is not read."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        check_format(head, name)
        _check_size(os.fstat(file.fileno()).st_size, name)
        return head + file.read(MAX_PROGRAM_BYTES)


def _check_size(size: int, name: str) -> None:
    if size > MAX_PROGRAM_BYTES:
        raise ProgramError(
            f"{name} is too large for a program: it has {format_bytes(size)} ({size} bytes), the limit is "
            f"{format_bytes(MAX_PROGRAM_BYTES)} ({MAX_PROGRAM_BYTES} bytes)"
        )


def check_format(data: bytes, name: str) -> None:
    """Check the first bytes of a file.

    Raises:
        ProgramError: it is no module; says what it seems to be instead.
    """
    if data[:4] == MAGIC and data[4:8] == MODULE:
        return
    if data[:4] == MAGIC and data[4:8] == COMPONENT:
        raise ProgramError(
            f"{name} is a WebAssembly component (WASI 0.2); hardtack runs core modules: "
            "build it for wasm32-wasip1, or take the module out of it"
        )
    if data[:4] == MAGIC:
        raise ProgramError(
            f"{name} is not a WebAssembly module of version 1: its version is {data[4:8].hex(' ')}"
        )
    if data.lstrip()[:1] == b"(" or data.lstrip()[:2] == b";;":
        raise ProgramError(
            f"{name} is not a WebAssembly module: it is the text format; make a binary with wat2wasm"
        )
    if not data:
        raise ProgramError(f"{name} is not a WebAssembly module: it is empty")
    raise ProgramError(f"{name} is not a WebAssembly module: it begins with {data[:8]!r}, not with {MAGIC!r}")


class Programs:
    """Finds programs by path: the built-in ones in /bin, and what was added."""

    def __init__(self, cache: ModuleCache, directory: Path = BUILT_IN) -> None:
        self._cache = cache
        self._directory = directory
        self._images: dict[bytes, Image] = {}

    def add(self, path: str | bytes, image: Image) -> None:
        """Have path lead to image, whatever it led to before."""
        self._images[path.encode() if isinstance(path, str) else path] = image

    def find(self, path: bytes) -> Image | None:
        """Return the image at an absolute path, or None. A built-in program is loaded at its first use.

        Raises:
            ProgramError: a built-in program can't run on this engine.
        """
        image = self._images.get(path)
        if image is None and path.startswith(b"/bin/"):
            name = path[5:].decode(errors="replace")
            if name in self.built_in_names():
                image = self._cache.load(self._directory / f"{name}.wasm", trusted=True)
                self._images[bytes(memoryview(path))] = image  # a copy: what is given belongs to others
        return image

    def load(self, data: bytes, name: str) -> Image:
        """Return the program that a guest has as a file.

        Everybody waits for that, so a program is compiled only where that is cheap whatever stands in it;
        another must have been compiled before, for the host.

        Raises:
            ProgramError: it is none that this engine can run.
            Uncompiled: it would take long to compile.
        """
        return self._cache.load(data, name, may_compile=False)

    def built_in_names(self) -> list[str]:
        """Return the names of the built-in programs."""
        return sorted(file.stem for file in self._directory.glob("*.wasm"))

    def load_all(self) -> None:
        """Load every built-in program now, so that no `find` has to."""
        for name in self.built_in_names():
            self.find(f"/bin/{name}".encode())
