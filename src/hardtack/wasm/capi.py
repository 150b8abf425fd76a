"""The floor: wasmtime's C interface, the three system calls for memory, and a view of bytes at an address.

The only file that uses ctypes and wasmtime's private modules: whoever has read it has read every line that
could crash the interpreter. Its functions are those of wasmtime.h without the prefix; addresses are plain
integers, since ctypes' pointer types cost time and memory at each use.

wasmtime's functions are called with the interpreter's lock held (PyDLL) where they are short: callbacks
then cost a third less. What may take long has it released.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import c_bool, c_char_p, c_int, c_int64, c_long, c_size_t, c_uint8, c_uint64, c_void_p, py_object
from typing import TYPE_CHECKING, Final

from wasmtime import _ffi

if TYPE_CHECKING:
    from collections.abc import Callable

LIBRARY_BYTES: Final = os.path.getsize(_ffi.filename)  # tells versions of wasmtime apart
PAGE: Final = 4096  # what mprotect counts in; all of wasmtime's platforms' pages divide PAGE_BYTES
MESSAGE: Final = 8192  # the longest message that is read whole; a guest chooses the names in it

_held: Final = ctypes.PyDLL(_ffi.dll._name)
_released: Final = _ffi.dll
_libc: Final = ctypes.PyDLL(None, use_errno=True)
_P: Final = c_void_p


def _function(
    name: str, result: type | None, *parameters: type, library: ctypes.CDLL = _held
) -> Callable[..., int | None]:
    """Return a function of a library, apart from whoever else uses it; a null pointer is None."""
    function = library[name]
    function.restype = result
    function.argtypes = parameters
    return function


# -- engines and modules
engine_delete: Final = _function("wasm_engine_delete", None, _P)
_engine_new: Final = _function("wasm_engine_new_with_config", _P, _P)
_config_new: Final = _function("wasm_config_new", _P)
_config_memories: Final = _function("wasmtime_config_host_memory_creator_set", None, _P, _P)
_module_new: Final = _function("wasmtime_module_new", _P, _P, _P, c_size_t, _P, library=_released)
_module_load: Final = _function("wasmtime_module_deserialize_file", _P, _P, c_char_p, _P, library=_released)
_module_read: Final = _function("wasmtime_module_deserialize", _P, _P, _P, c_size_t, _P, library=_released)
_module_serialize: Final = _function("wasmtime_module_serialize", _P, _P, _P, library=_released)
module_delete: Final = _function("wasmtime_module_delete", None, _P)

# -- linkers and instances
linker_new: Final = _function("wasmtime_linker_new", _P, _P)
linker_delete: Final = _function("wasmtime_linker_delete", None, _P)
_DEFINITION: Final = (_P, c_char_p, c_size_t, c_char_p, c_size_t, _P, _P, _P, _P)
_define_function: Final = _function("wasmtime_linker_define_func_unchecked", _P, *_DEFINITION)
_define_async_function: Final = _function("wasmtime_linker_define_async_func", _P, *_DEFINITION)
_functype_new: Final = _function("wasm_functype_new", _P, _P, _P)
_functype_delete: Final = _function("wasm_functype_delete", None, _P)
linker_define_instance: Final = _function(
    "wasmtime_linker_define_instance", _P, _P, _P, c_char_p, c_size_t, _P
)
linker_instantiate: Final = _function("wasmtime_linker_instantiate_async", _P, _P, _P, _P, _P, _P, _P)
_linker_prepare: Final = _function("wasmtime_linker_instantiate_pre", _P, _P, _P, _P)
prepared_instantiate: Final = _function("wasmtime_instance_pre_instantiate_async", _P, _P, _P, _P, _P, _P)
prepared_delete: Final = _function("wasmtime_instance_pre_delete", None, _P)
instance_export: Final = _function("wasmtime_instance_export_get", c_bool, _P, _P, c_char_p, c_size_t, _P)

# -- stores and what runs in them
store_new: Final = _function("wasmtime_store_new", _P, _P, _P, _P)
store_context: Final = _function("wasmtime_store_context", _P, _P)
store_delete: Final = _function("wasmtime_store_delete", None, _P)
store_limits: Final = _function(
    "wasmtime_store_limiter", None, _P, c_int64, c_int64, c_int64, c_int64, c_int64
)
set_fuel: Final = _function("wasmtime_context_set_fuel", _P, _P, c_uint64)
set_quantum: Final = _function("wasmtime_context_fuel_async_yield_interval", _P, _P, c_uint64)
memory_data: Final = _function("wasmtime_memory_data", _P, _P, _P)
call: Final = _function("wasmtime_func_call_async", _P, _P, _P, _P, c_size_t, _P, c_size_t, _P, _P)
poll: Final = _function("wasmtime_call_future_poll", c_bool, _P)
poll_released: Final = _function("wasmtime_call_future_poll", c_bool, _P, library=_released)
future_delete: Final = _function("wasmtime_call_future_delete", None, _P)

# -- errors and traps
error_new: Final = _function("wasmtime_error_new", _P, c_char_p)
_error_message: Final = _function("wasmtime_error_message", None, _P, _P)
_error_delete: Final = _function("wasmtime_error_delete", None, _P)
trap_new: Final = _function("wasmtime_trap_new", _P, c_char_p, c_size_t)
_trap_code: Final = _function("wasmtime_trap_code", c_bool, _P, _P)
_trap_message: Final = _function("wasm_trap_message", None, _P, _P)
_trap_delete: Final = _function("wasm_trap_delete", None, _P)
_bytes_delete: Final = _function("wasm_byte_vec_delete", None, _P)
UNREACHABLE: Final = 9  # the code of an `unreachable` that was executed

# -- the host's memory
_mmap: Final = _function("mmap", _P, _P, c_size_t, c_int, c_int, c_int, c_long, library=_libc)
_mprotect: Final = _function("mprotect", c_int, _P, c_size_t, c_int, library=_libc)
unmap: Final = _function("munmap", c_int, _P, c_size_t, library=_libc)
_NO_ACCESS: Final = 0
_READ_WRITE: Final = 1 | 2
_PRIVATE_ANONYMOUS_NORESERVE: Final = 0x02 | 0x20 | 0x4000
_MAP_FAILED: Final = (1 << 64) - 1
_view: Final = ctypes.pythonapi["PyMemoryView_FromMemory"]
_view.restype = py_object
_view.argtypes = (c_void_p, ctypes.c_ssize_t, c_int)
_WRITABLE: Final = 0x200

# -- callbacks: what C calls
HostFunction: Final = ctypes.CFUNCTYPE(c_size_t)  # the parameters it is given stay where they are
_WaitFunction: Final = ctypes.CFUNCTYPE(None, *[c_void_p] * 8)
_Continuation: Final = ctypes.CFUNCTYPE(c_size_t)
_NewMemory: Final = ctypes.CFUNCTYPE(
    c_size_t, c_void_p, c_void_p, c_size_t, c_size_t, c_size_t, c_size_t, c_void_p
)
_GetMemory: Final = ctypes.CFUNCTYPE(c_size_t, py_object, ctypes.POINTER(c_size_t), ctypes.POINTER(c_size_t))
_GrowMemory: Final = ctypes.CFUNCTYPE(c_size_t, py_object, c_size_t)
_FreeMemory: Final = ctypes.CFUNCTYPE(None, py_object)
_Nothing: Final = ctypes.CFUNCTYPE(None)


class _Bytes(ctypes.Structure):
    """wasm_byte_vec_t, and every other vector."""

    _fields_ = (("size", c_size_t), ("data", c_void_p))


class _Closure(ctypes.Structure):
    """wasmtime_async_continuation_t and wasmtime_memory_creator_t; their fields stand in different order."""

    _fields_ = (("first", c_void_p), ("second", c_void_p), ("finalizer", c_void_p))


class _HostMemory(ctypes.Structure):
    """wasmtime_linear_memory_t. `env` is the address of a Python object, which its guest keeps alive."""

    _fields_ = (("env", c_void_p), ("get", c_void_p), ("grow", c_void_p), ("free", c_void_p))


class Cells(ctypes.Structure):
    """Where wasmtime puts what it has to say about one guest."""

    _fields_ = (
        ("shim", _ffi.wasmtime_instance_t),
        ("program", _ffi.wasmtime_instance_t),
        ("memory", _ffi.wasmtime_extern_t),
        ("start", _ffi.wasmtime_extern_t),
        ("trap", c_void_p),
        ("error", c_void_p),
    )


SHIM: Final = Cells.shim.offset
PROGRAM: Final = Cells.program.offset
MEMORY_EXPORT: Final = Cells.memory.offset
MEMORY: Final = MEMORY_EXPORT + _ffi.wasmtime_extern_t.of.offset
START_EXPORT: Final = Cells.start.offset
START: Final = START_EXPORT + _ffi.wasmtime_extern_t.of.offset
TRAP: Final = Cells.trap.offset
ERROR: Final = Cells.error.offset
address_of: Final = ctypes.addressof


class WasmtimeError(Exception):
    """wasmtime answered with an error; this is its message."""


def check(error: int | None) -> None:
    """Raise the error that a function returned, if it did.

    Raises:
        WasmtimeError: it did.
    """
    if error:
        raise WasmtimeError(take_error(error))


def take_error(error: int) -> str:
    """Return an error's message, and free the error."""
    vector = _Bytes()
    _error_message(error, address_of(vector))
    _error_delete(error)
    return _take_text(vector)


def take_trap(trap: int) -> tuple[str, int | None]:
    """Return a trap's message and its code (None: a host function made it), and free the trap."""
    vector = _Bytes()
    code = c_uint8(0)
    has_code = _trap_code(trap, address_of(code))
    _trap_message(trap, address_of(vector))
    _trap_delete(trap)
    return _take_text(vector).rstrip("\0 \n"), code.value if has_code else None


def _take_text(vector: _Bytes) -> str:
    try:
        if vector.size <= MESSAGE:
            return ctypes.string_at(vector.data, vector.size).decode(errors="replace")
        head = ctypes.string_at(vector.data, MESSAGE // 2)
        tail = ctypes.string_at(vector.data + vector.size - MESSAGE // 4, MESSAGE // 4)
        return f"{head.decode(errors='replace')}\n...\n{tail.decode(errors='replace')}"
    finally:
        _bytes_delete(address_of(vector))


# -- memory
def reserve(count: int) -> int | None:
    """Reserve address space without access; return its address, or None if the host refuses."""
    base = _mmap(None, count, _NO_ACCESS, _PRIVATE_ANONYMOUS_NORESERVE, -1, 0)
    return None if base == _MAP_FAILED else base


def make_accessible(base: int, count: int) -> bool:
    """Make the first count bytes at base readable and writable; False if the host refuses."""
    return _mprotect(base, -(-count // PAGE) * PAGE, _READ_WRITE) == 0


def view_of(base: int, count: int) -> memoryview:
    """Return a writable view of count bytes at base. It does not keep them alive."""
    view: memoryview = _view(base, count, _WRITABLE)
    return view


def address_of_buffer(buffer: memoryview) -> int:
    """Return where a writable buffer's bytes are."""
    return address_of(ctypes.c_char.from_buffer(buffer))


# -- memories that the host provides
class HostMemory:
    """A linear memory as wasmtime sees it; what derives from it says where its bytes are.

    Attributes:
        base: its address, fixed.
        size: bytes that are accessible.
        limit: bytes it can have at most.
    """

    __slots__ = ("base", "limit", "size")

    base: int
    size: int
    limit: int

    def grow(self, size: int) -> bool:
        """Make it size bytes long, or change nothing and answer False. Must not raise."""
        raise NotImplementedError

    def free(self) -> None:
        """Wasmtime has no more use for it. Must not raise."""
        raise NotImplementedError


def _get_memory(memory: HostMemory, size: ctypes._Pointer[c_size_t], limit: ctypes._Pointer[c_size_t]) -> int:
    size[0] = c_size_t(memory.size)
    limit[0] = c_size_t(memory.limit)
    return memory.base


def _grow_memory(memory: HostMemory, size: int) -> int:
    return 0 if memory.grow(size) else error_new(b"out of user memory") or 0


def _free_memory(memory: HostMemory) -> None:
    memory.free()


def _address(callback: ctypes._CFunctionType) -> int:
    return ctypes.cast(callback, c_void_p).value or 0


# One of each for all engines; kept here, since C refers to them for as long as a store lives.
_callbacks: Final = (
    _GetMemory(_get_memory),
    _GrowMemory(_grow_memory),
    _FreeMemory(_free_memory),
    _Nothing(lambda: None),
)
_GET, _GROW, _FREE, _NOTHING = (_address(callback) for callback in _callbacks)


class MemoryCreator:
    """What wasmtime asks for a memory while it instantiates. To be kept for as long as its engine."""

    __slots__ = ("_callback",)

    def __init__(self, new_memory: Callable[[int, int, int], HostMemory | None]) -> None:
        """Make one of a function of the minimum, the address space to reserve and the guard behind it.

        The function must not raise, and what it returns must live until its `free` is called; None refuses.
        """

        def create(*arguments: int) -> int:
            _, _, minimum, _, reserved, guard, out = arguments
            memory = new_memory(minimum, reserved, guard)
            if memory is None:
                return error_new(b"out of user memory") or 0
            target = _HostMemory.from_address(out)
            target.env = id(memory)
            target.get, target.grow, target.free = _GET, _GROW, _FREE
            return 0

        self._callback = _NewMemory(create)

    def install(self, config: int) -> None:
        """Have a configuration's engine use it."""
        _config_memories(config, address_of(_Closure(None, _address(self._callback), _NOTHING)))


def new_engine(settings: dict[str, int], creator: MemoryCreator) -> int:
    """Make a wasmtime engine; settings are those of its configuration, by name."""
    config = _config_new()
    for name, value in settings.items():
        kind = c_bool if isinstance(value, bool) else c_uint64
        _function(f"wasmtime_config_{name}_set", None, _P, kind)(config, value)
    creator.install(config or 0)
    engine = _engine_new(config)
    if not engine:
        raise WasmtimeError("no engine can be made with these settings")
    return engine


# -- modules
def compile_module(engine: int, data: bytes) -> int:
    """Compile a module. Raises WasmtimeError, saying what is wrong with it."""
    module = c_void_p()
    check(_module_new(engine, data, len(data), address_of(module)))
    return module.value or 0


def load_module(engine: int, path: bytes) -> int:
    """Load what `serialize_module` returned from a file; it is trusted blindly. Raises WasmtimeError."""
    module = c_void_p()
    check(_module_load(engine, path, address_of(module)))
    return module.value or 0


def read_module(engine: int, data: bytes) -> int:
    """As `load_module`, from memory."""
    module = c_void_p()
    check(_module_read(engine, data, len(data), address_of(module)))
    return module.value or 0


def serialize_module(module: int) -> bytes:
    """Return a module's machine code in wasmtime's own format."""
    vector = _Bytes()
    check(_module_serialize(module, address_of(vector)))
    try:
        return ctypes.string_at(vector.data, vector.size)
    finally:
        _bytes_delete(address_of(vector))


# -- linking
class HostFunctions:
    """A linker of host functions without parameters and results, and the callbacks it refers to."""

    __slots__ = ("_callbacks", "_closure", "_linker")

    def __init__(self, engine: int) -> None:
        self._linker: int | None = None
        self._callbacks: list[ctypes._CFunctionType] = []
        self._linker = linker_new(engine)

    def define(self, module: str, name: str, function: Callable[[], int]) -> None:
        """Define one that returns 0, or a trap of `trap_new`; its caller waits for it."""
        callback = HostFunction(function)
        self._callbacks.append(callback)
        self._define(_define_function, module.encode(), name.encode(), callback)

    def define_wait(
        self, module: str, name: str, begin: Callable[[], None], ready: Callable[[], bool]
    ) -> None:
        """Define one that suspends its caller: calls begin, then at each poll ready, until that holds."""
        continuation = _Continuation(ready)
        closure = _Closure(_address(continuation), None, None)
        source, size, copy = address_of(closure), ctypes.sizeof(closure), ctypes.memmove

        def wait(*arguments: int) -> None:
            copy(arguments[-1], source, size)
            begin()

        callback = _WaitFunction(wait)
        self._closure = closure
        self._callbacks += [continuation, callback]
        self._define(_define_async_function, module.encode(), name.encode(), callback)

    def _define(
        self, define: Callable[..., int | None], module: bytes, name: bytes, callback: ctypes._CFunctionType
    ) -> None:
        parameters, results = _Bytes(0, None), _Bytes(0, None)
        kind = _functype_new(address_of(parameters), address_of(results))
        target = _address(callback)
        try:
            check(define(self._linker, module, len(module), name, len(name), kind, target, None, None))
        finally:
            _functype_delete(kind)

    def prepare(self, module: int) -> int:
        """Link a module to them once; it can then be instantiated in any store."""
        prepared = c_void_p()
        check(_linker_prepare(self._linker, module, address_of(prepared)))
        return prepared.value or 0

    def close(self) -> None:
        """Free the linker; nothing that was linked may run any more. A second call does nothing."""
        linker, self._linker = self._linker, None
        if linker:
            linker_delete(linker)
        self._callbacks = []

    def __del__(self) -> None:
        self.close()
