"""wasmtime's settings, in one place: code compiled with others cannot be loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel.params import KIB

if TYPE_CHECKING:
    from collections.abc import Mapping

FIBER_BYTES: Final = 1024 * KIB  # a fiber's stack: the guest's, and beyond it that of the host functions
STACK_BYTES: Final = 512 * KIB  # the guest's part of it: what goes deeper traps
RESERVATION: Final = 4 * KIB**3  # address space of a memory; all that 32 bits reach, so no access is checked

SETTINGS: Final[Mapping[str, int]] = {
    "consume_fuel": True,
    "async_stack_size": FIBER_BYTES,
    "max_wasm_stack": STACK_BYTES,
    "memory_init_cow": False,  # a host's memory can't be copied on write: wasmtime would abort
    "memory_may_move": False,
    "wasm_exceptions": True,  # what wasi-libc makes setjmp of
    "wasm_threads": False,
    "wasm_memory64": False,
    "wasm_multi_memory": False,
    "wasm_function_references": False,
    "wasm_gc": False,
    "wasm_component_model": False,
    "wasm_relaxed_simd_deterministic": True,
}
