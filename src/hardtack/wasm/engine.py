"""The engine: what all guests of a kernel share, and how one of them is started.

wasmtime's engine with its settings, the host functions as callbacks (made once, not once a guest), the shim
compiled and linked to them. It knows no system call and no file format of programs.

An exception that a host function or a growth of memory raises, be it from outside (KeyboardInterrupt), ends
the guest or is a refusal; then the `start` or `resume` under way raises it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import wasmtime

from hardtack.errors import InternalError, ProgramError
from hardtack.kernel.guest import StartFailed
from hardtack.kernel.params import QUANTUM
from hardtack.wasm import capi
from hardtack.wasm.code_cache import CodeCache
from hardtack.wasm.guests import EXIT, Guest
from hardtack.wasm.memories import PageMemory
from hardtack.wasm.settings import RESERVATION, SETTINGS
from hardtack.wasm.shim import END, ENGINE_MODULE, HOST_MODULE, SUSPEND, shim_text
from hardtack.wasm.switch import Switch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from hardtack.kernel.guest import UserMemory
    from hardtack.wasm.guests import Plan
    from hardtack.wasm.imports import CallPage, EntrySpec
    from hardtack.wasm.memories import MemoryOwner

__all__ = ["EXIT", "Code", "Engine", "make_trap"]

_shims: dict[str, bytes] = {}  # machine code by engine and text: the second kernel of a process starts faster


def make_trap(message: bytes) -> int:
    """Return a trap for a host function to return; it ends the guest. With EXIT that is no failure."""
    return capi.trap_new(message, len(message)) or 0


class Code:
    """A compiled module."""

    __slots__ = ("address",)

    def __init__(self, address: int) -> None:
        self.address = address

    def serialize(self) -> bytes:
        """Return its machine code, for `Engine.load_code`."""
        return capi.serialize_module(self.address)

    def __del__(self) -> None:
        address, self.address = self.address, 0
        if address:
            capi.module_delete(address)


class Engine:
    """Compiles programs and starts guests. One thread at a time.

    Attributes:
        user_memory: what guests' stacks and memories are taken from.
        quantum: fuel, about as many instructions, after which a guest yields.
        code_cache: compiled code on disk.
        settings: wasmtime's.
        fingerprint: differs between engines that can't load each other's compiled code.
        address: of the wasm_engine_t. For guests, as is all that follows.
        callbacks: what wasmtime calls.
        shim_memory: the call page, as every shim's memory.
        switch: who is running.
        slots: the call page's.
        shim: the shim, linked to the host functions.
    """

    __slots__ = (
        "__weakref__",
        "_entries",
        "_host_functions",
        "_shim_code",
        "address",
        "callbacks",
        "code_cache",
        "fingerprint",
        "quantum",
        "settings",
        "shim",
        "shim_memory",
        "slots",
        "switch",
        "user_memory",
    )

    def __init__(
        self,
        entries: Iterable[EntrySpec],
        user_memory: UserMemory,
        *,
        page: CallPage,
        quantum: int = QUANTUM,
        reservation: int = RESERVATION,
        cache_directory: Path | None = None,
    ) -> None:
        """Make an engine.

        Args:
            entries: the host functions.
            user_memory: the budget for guests' stacks and memories.
            page: the call page that the entries read.
            quantum: fuel of a turn.
            reservation: bytes of address space to reserve for each memory. With less than RESERVATION a
                memory can't grow beyond it and each access is checked, which is for hosts that limit
                address space.
            cache_directory: where to keep compiled code; else `CodeCache` finds a place.
        """
        self.address = 0
        self.shim = 0
        self._entries = {(entry.module, entry.name): entry for entry in entries}
        if len({name for _, name in self._entries}) < len(self._entries):
            raise InternalError("two entries of an engine share a name")
        self.user_memory = user_memory
        self.quantum = quantum
        self.slots = page.slots
        self.switch = Switch()
        self.callbacks = capi.new_callbacks(self.switch.new_memory)
        self.shim_memory = PageMemory(self.callbacks, page)
        self.settings: Mapping[str, int] = {**SETTINGS, "memory_reservation": reservation}
        self.fingerprint = hashlib.sha256(repr((capi.LIBRARY_BYTES, self.settings)).encode()).hexdigest()[:16]
        self.code_cache = CodeCache(self.fingerprint, cache_directory)
        self.address = capi.new_engine(dict(self.settings), self.callbacks)
        self._host_functions = functions = capi.HostFunctions(self.address, self.callbacks)
        for entry in self._entries.values():
            functions.define(HOST_MODULE, entry.name, entry.callback)
        functions.define(ENGINE_MODULE, END, lambda: make_trap(EXIT))
        functions.define_wait(ENGINE_MODULE, SUSPEND)
        self._shim_code = self._load_shim()
        self.shim = functions.prepare(self._shim_code.address)

    def _load_shim(self) -> Code:
        text = shim_text(list(self._entries.values()))
        digest = hashlib.sha256(text.encode()).hexdigest()
        known = _shims.get(self.fingerprint + digest)
        if known is not None:
            return Code(capi.read_module(self.address, known))
        code = self.code_cache.load(self, digest)
        if code is None:
            code = Code(capi.compile_module(self.address, bytes(wasmtime.wat2wasm(text))))
            self.code_cache.save(code, digest)
        _shims[self.fingerprint + digest] = code.serialize()
        return code

    @property
    def entries(self) -> Mapping[tuple[str, str], EntrySpec]:
        """The host functions, by module and name."""
        return self._entries

    @property
    def errors(self) -> list[str]:
        """What went wrong in callbacks that must not, the last few: bugs of ours."""
        return list(self.switch.errors)

    def compile(self, data: bytes) -> Code:
        """Compile a program; other threads go on meanwhile.

        Raises:
            ProgramError: it is not valid; the message is wasmtime's.
        """
        try:
            return Code(capi.compile_module(self.address, data))
        except capi.WasmtimeError as error:
            raise ProgramError(str(error)) from None

    def load_code(self, path: bytes) -> Code:
        """Load what `Code.serialize` returned from a file. It must be trusted: what it says is run.

        Raises:
            ProgramError: it is not of this version and these settings, or damaged at its beginning.
        """
        try:
            return Code(capi.load_module(self.address, path))
        except capi.WasmtimeError as error:
            raise ProgramError(str(error)) from None

    def start(self, plan: Plan, process: MemoryOwner) -> Guest:
        """Make a guest and show its memory to process; it has not run yet.

        Raises:
            StartFailed: there is no user memory, or its data does not fit; nothing of it remains.
        """
        guest = Guest(self, process)
        try:
            guest.prepare(plan)
        except capi.WasmtimeError as error:
            guest.close()
            raise StartFailed(str(error)) from None
        except BaseException:
            guest.close()
            raise
        return guest

    def no_answer(self, index: int) -> str:
        """Keep and return the message about a host function that raised, or answered nothing."""
        module, name = list(self._entries)[index]
        text = f"internal error: {module}.{name} gave no answer"
        self.switch.errors.append(text)
        return text

    def close(self) -> None:
        """Free what the engine holds. A second call does nothing.

        Raises:
            InternalError: guests are not closed yet.
        """
        if self.address and self.switch.guests:
            raise InternalError(f"an engine is closed while {self.switch.guests} of its guests are not")
        self._free()

    def _free(self) -> None:
        shim, self.shim = self.shim, 0
        if shim:
            capi.prepared_delete(shim)
            self._host_functions.close()
        address, self.address = self.address, 0
        if address:
            capi.engine_delete(address)

    def __del__(self) -> None:
        self._free()  # guests that are collected with it can still be closed, if not resumed
