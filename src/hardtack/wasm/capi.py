"""The floor: wasmtime's C interface, through ctypes and wasmtime-py's private modules.

With `_callbacks`, which wasmtime calls, it has every line that could crash the interpreter. Its functions
are those of wasmtime.h without the prefix; addresses are plain integers, since ctypes' pointer types cost
time and memory at each use.

wasmtime's functions are called with the interpreter's lock held (PyDLL) where they are short: callbacks
then cost a third less. What may take long has it released.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import c_bool, c_char_p, c_int64, c_size_t, c_uint8, c_uint64, c_void_p
from typing import TYPE_CHECKING, Final

from wasmtime import _ffi

from hardtack.wasm import _callbacks as callbacks

if TYPE_CHECKING:
    from collections.abc import Callable

LIBRARY_BYTES: Final = os.path.getsize(_ffi.filename)  # tells versions of wasmtime apart
MESSAGE: Final = 8192  # the longest message that is read whole; a guest chooses the names in it

_held: Final = ctypes.PyDLL(_ffi.dll._name)
_released: Final = _ffi.dll
_P: Final = c_void_p

Callbacks = callbacks.Callbacks
Entry = callbacks.Entry
HostFunction = callbacks.HostFunction
HostMemory = callbacks.HostMemory


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
_memory_grow: Final = _function("wasmtime_memory_grow", _P, _P, _P, c_uint64, _P)
memory_data: Final = _function("wasmtime_memory_data", _P, _P, _P)
call: Final = _function("wasmtime_func_call_async", _P, _P, _P, _P, c_size_t, _P, c_size_t, _P, _P)
poll: Final = _function("wasmtime_call_future_poll", c_bool, _P)
poll_released: Final = _function("wasmtime_call_future_poll", c_bool, _P, library=_released)
future_delete: Final = _function("wasmtime_call_future_delete", None, _P)

# -- errors and traps
_error_new: Final = _function("wasmtime_error_new", _P, c_char_p)
_error_message: Final = _function("wasmtime_error_message", None, _P, _P)
_error_delete: Final = _function("wasmtime_error_delete", None, _P)
trap_new: Final = _function("wasmtime_trap_new", _P, c_char_p, c_size_t)
_trap_code: Final = _function("wasmtime_trap_code", c_bool, _P, _P)
_trap_trace: Final = _function("wasm_trap_trace", None, _P, _P)
_frame_name: Final = _function("wasmtime_frame_func_name", _P, _P)
_frames_delete: Final = _function("wasm_frame_vec_delete", None, _P)
_trap_message: Final = _function("wasm_trap_message", None, _P, _P)
_trap_delete: Final = _function("wasm_trap_delete", None, _P)
_bytes_delete: Final = _function("wasm_byte_vec_delete", None, _P)
UNREACHABLE: Final = 9  # the code of an `unreachable` that was executed


class _Bytes(ctypes.Structure):
    """wasm_byte_vec_t, and every other vector."""

    _fields_ = (("size", c_size_t), ("data", c_void_p))


class _Closure(ctypes.Structure):
    """wasmtime_memory_creator_t."""

    _fields_ = (("env", c_void_p), ("new_memory", c_void_p), ("finalizer", c_void_p))


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


def take_trap(trap: int) -> tuple[str, int | None, str]:
    """Return a trap's message, its code (None: a host function made it) and its function; free the trap."""
    vector = _Bytes()
    code = c_uint8(0)
    has_code = _trap_code(trap, address_of(code))
    name = _first_name(trap)
    _trap_message(trap, address_of(vector))
    _trap_delete(trap)
    return _take_text(vector).rstrip("\0 \n"), code.value if has_code else None, name


def _first_name(trap: int) -> str:
    """Return the name of the function that trapped, as it stands in its module; "" if it has none."""
    frames = _Bytes()
    _trap_trace(trap, address_of(frames))
    try:
        if not frames.size:
            return ""
        name = _frame_name(c_void_p.from_address(frames.data).value)
        if not name:
            return ""
        text = _Bytes.from_address(name)
        told = ctypes.string_at(text.data, min(text.size, MESSAGE)).partition(b"\n")[0]
        return told.decode(errors="replace")
    finally:
        _frames_delete(address_of(frames))


def _take_text(vector: _Bytes) -> str:
    try:
        if vector.size <= MESSAGE:
            return ctypes.string_at(vector.data, vector.size).decode(errors="replace")
        head = ctypes.string_at(vector.data, MESSAGE // 2)
        tail = ctypes.string_at(vector.data + vector.size - MESSAGE // 4, MESSAGE // 4)
        return f"{head.decode(errors='replace')}\n...\n{tail.decode(errors='replace')}"
    finally:
        _bytes_delete(address_of(vector))


def address_of_function(function: Callable[..., object]) -> int:
    """Return where a function of the library is, for C to call."""
    return ctypes.cast(function, c_void_p).value or 0  # type: ignore[arg-type]


# -- engines
def new_callbacks(new_memory: Callable[[int, int, int], HostMemory | None]) -> Callbacks:
    """Make what the callbacks of an engine share, to be kept for as long as it.

    Args:
        new_memory: makes a memory from the bytes to begin with, the address space to reserve and the guard
            behind it; the caller keeps what it returns. None refuses.
    """
    return Callbacks(new_memory, address_of_function(trap_new), address_of_function(_error_new))


def new_engine(settings: dict[str, int], shared: Callbacks) -> int:
    """Make a wasmtime engine whose memories are the host's; settings are those of its configuration."""
    config = _config_new()
    for name, value in settings.items():
        kind = c_bool if isinstance(value, bool) else c_uint64
        _function(f"wasmtime_config_{name}_set", None, _P, kind)(config, value)
    creator = _Closure(id(shared), callbacks.NEW_MEMORY, callbacks.NOTHING)
    _config_memories(config, address_of(creator))
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


def grow_memory(context: int | None, memory: int, pages: int) -> None:
    """Make a memory so many pages longer. Raises WasmtimeError if that is refused."""
    before = c_uint64()
    check(_memory_grow(context, memory, pages, address_of(before)))


# -- linking
class HostFunctions:
    """A linker of host functions, all without parameters and results, and what it refers to."""

    __slots__ = ("_callbacks", "_functions", "_linker")

    def __init__(self, engine: int, shared: Callbacks) -> None:
        self._linker: int | None = None
        self._callbacks = shared
        self._functions: list[HostFunction] = []
        self._linker = linker_new(engine)

    def define(self, module: str, name: str, function: Callable[[], int]) -> None:
        """Define one that returns 0, or a trap of `trap_new`; its caller goes on at once."""
        host = HostFunction(self._callbacks, function)
        self._functions.append(host)
        self._define(_define_function, module.encode(), name.encode(), callbacks.CALL, host)

    def define_wait(self, module: str, name: str) -> None:
        """Define one that suspends its caller until the poll after the one that it suspended."""
        self._define(_define_async_function, module.encode(), name.encode(), callbacks.WAIT, self._callbacks)

    def _define(
        self,
        define: Callable[..., int | None],
        module: bytes,
        name: bytes,
        callback: int,
        environment: object,
    ) -> None:
        parameters, results = _Bytes(0, None), _Bytes(0, None)
        kind = _functype_new(address_of(parameters), address_of(results))
        about = (self._linker, module, len(module), name, len(name), kind, callback, id(environment), None)
        try:
            check(define(*about))
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
        self._functions = []

    def __del__(self) -> None:
        self.close()
