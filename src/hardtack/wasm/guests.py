"""A program under way: a wasmtime store with the shim and the program in it, and a fiber that runs it.

A guest goes through two futures: one instantiates the program, one runs its `_start`. `resume` polls the
one there is. Programs whose instantiation runs code of theirs are instantiated by the first `resume`, since
that code may loop and call; all others within `start`.

What `start` took, `close` gives back, in this order: future, linker, views, store (which frees the
memories), budget. `close` can come at any time but within a call of the guest's own. No reference cycle
outlives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hardtack.errors import InternalError
from hardtack.kernel.guest import StartFailed
from hardtack.kernel.params import TURN_CALLS
from hardtack.wasm import capi
from hardtack.wasm.binary import WASM_PAGE
from hardtack.wasm.endings import cause, describe
from hardtack.wasm.imports import BROKEN, CALLS, LAST_CALL
from hardtack.wasm.memories import NO_MEMORY, LinearMemory, no_user_memory

if TYPE_CHECKING:
    from hardtack.kernel.guest import UserMemory
    from hardtack.wasm.binary import Limits
    from hardtack.wasm.engine import Code, Engine
    from hardtack.wasm.memories import MemoryOwner

FUEL: Final = 1 << 62  # what a store is given: centuries
CHATTY: Final = 64  # calls in a turn from which on the interpreter's lock is held in the next one
FORKED: Final = "hardtack_forked"  # where a copy of a guest goes on: see programs/fork/fork.c
EXIT: Final = b"exit"  # the message of the trap that ends a guest without a failure
MAX_TABLES: Final = 16
TABLE_ELEMENTS: Final = 1 << 16  # that a table may grow to unless somebody says otherwise
ELEMENT_BYTES: Final = 8  # of a table
MAX_INSTANCES: Final = 2  # the shim's and the program's
MAX_MEMORIES: Final = 3  # theirs, and one for exceptions under way

_ENDED, _INSTANTIATING, _RUNNING = range(3)


@dataclass(frozen=True, slots=True)
class Plan:
    """What must be known of a program to start it.

    Attributes:
        code: the compiled program.
        imports_from: the modules it imports from.
        runs_code: whether its instantiation runs code of its own (it has a start section).
        forkable: whether it has FORKED, so that its guests can be copied.
        fixed_bytes: user memory that it takes beside its linear memory and its tables: stack, instance.
        tables: how many elements each of its tables begins with, and may have at most.
    """

    code: Code
    imports_from: tuple[bytes, ...]
    runs_code: bool
    forkable: bool
    fixed_bytes: int
    tables: tuple[Limits, ...]

    def table_elements(self, most: int = TABLE_ELEMENTS) -> list[int]:
        """Return how many elements each table may have if it may grow to `most`."""
        return [
            max(table.minimum, most if table.maximum is None else min(table.maximum, most))
            for table in self.tables
        ]


class Guest:
    """A program under way; implements `kernel.guest.Guest`. Made by `Engine.start`."""

    __slots__ = (
        "_budget",
        "_cells",
        "_charged",
        "_code",
        "_computes",
        "_context",
        "_engine",
        "_failure",
        "_future",
        "_linker",
        "_memories",
        "_origin",
        "_plan",
        "_process",
        "_refused",
        "_settled",
        "_stage",
        "_store",
    )

    def __init__(self, engine: Engine, process: MemoryOwner) -> None:
        self._engine = engine
        self._process: MemoryOwner | None = process
        self._budget: UserMemory = process.user_memory or engine.user_memory
        self._cells = capi.Cells()
        self._store: int | None = None
        self._context: int | None = None
        self._linker: int | None = None
        self._future: int | None = None
        self._plan: Plan | None = None
        self._origin: Guest | None = None  # whose memory it is to have a copy of
        self._code: Code | None = None  # the future that instantiates it only borrows it
        self._stage = _ENDED
        self._computes = False  # its last turn went by with hardly a call
        self._memories: list[LinearMemory] = []
        self._settled = False  # which of them the program exports is known
        self._refused: str | None = None  # why a memory was not made
        self._charged: int | None = None
        self._failure: str | None = None

    # -- for the kernel
    def resume(self) -> bool:
        """Run until the guest yields, waits (False) or ends (True).

        Raises:
            BaseException: what a host function or a signal's handler raised meanwhile. A host function that
                raised ended its guest.
        """
        future = self._future
        if future is None:
            return True
        engine = self._engine
        switch = engine.switch
        slots = engine.slots
        calls = slots[CALLS]
        slots[LAST_CALL] = calls + TURN_CALLS
        callbacks = engine.callbacks
        callbacks.waited = False
        outer, switch.current = switch.current, self
        try:
            ended = (capi.poll_released if self._computes else capi.poll)(future)
            if ended:
                ended = self._next_stage()
        except BaseException as error:  # a signal, say: a future that is ready must not be polled again
            self._drop_future()
            self._failure = f"interrupted by {error!r}"
            raise
        finally:
            switch.current = outer
        self._computes = not callbacks.waited and slots[CALLS] - calls < CHATTY
        raised = callbacks.take_error()
        if raised is not None:
            try:
                raise raised
            finally:
                raised = None  # else it, this frame and the guest would refer to one another
        return bool(ended)

    def fork(self, process: MemoryOwner) -> Guest:
        """Make a copy of this guest, which is between two turns. See `kernel.guest.Guest.fork`."""
        if self._plan is None or not self._plan.forkable:
            raise InternalError("a program that cannot be copied was forked")
        return self._engine.start(self._plan, process, self)

    def failure(self) -> str | None:
        """Say why an ended guest ended other than by exit or return: the trap's text, or None."""
        return self._failure

    def close(self) -> None:
        """Drop the guest, ended or not, and everything it holds. Never fails; a second call does nothing."""
        self._drop_future()
        for memory in self._memories:
            memory.show(None)
            memory.drop_view()
        process, self._process = self._process, None
        if process is not None:
            process.memory = NO_MEMORY
        store, self._store = self._store, None
        if store:
            capi.store_delete(store)
        for memory in self._memories:
            memory.settle()
        self._memories = []
        self._origin = None
        charged, self._charged = self._charged, None
        if charged is not None:
            self._budget.give_back(charged)
            self._engine.switch.guests -= 1

    def __del__(self) -> None:
        if hasattr(self, "_failure"):  # it was made in full
            self.close()

    # -- for the engine
    def prepare(self, plan: Plan, origin: Guest | None = None) -> None:
        """Make the store and the shim in it, and instantiate the program unless that runs code.

        Args:
            plan: the program's.
            origin: the guest that this one is to be a copy of.

        Raises:
            StartFailed: there is no user memory, or a part of the program does not fit into its memory.
        """
        engine = self._engine
        self._plan = plan
        self._origin = origin
        engine.switch.guests += 1
        self._charged = 0
        elements = self._table_elements(plan)
        overhead = plan.fixed_bytes + ELEMENT_BYTES * sum(elements)
        if not self._budget.take(overhead):
            raise StartFailed(no_user_memory(self._budget, overhead), "memory")
        self._charged = overhead
        self._store = store = capi.store_new(engine.address, None, None)
        self._context = context = capi.store_context(store)
        capi.store_limits(store, -1, max(elements, default=0), MAX_INSTANCES, MAX_TABLES, MAX_MEMORIES)
        capi.check(capi.set_fuel(context, FUEL))
        capi.check(capi.set_quantum(context, engine.quantum))
        self._instantiate_shim()
        cells = capi.address_of(self._cells)
        self._linker = linker = capi.linker_new(engine.address)
        for module in plan.imports_from:
            capi.check(capi.linker_define_instance(linker, context, module, len(module), cells + capi.SHIM))
        self._stage = _INSTANTIATING
        self._code = plan.code
        self._future = capi.linker_instantiate(
            linker, context, plan.code.address, cells + capi.PROGRAM, cells + capi.TRAP, cells + capi.ERROR
        )
        if not plan.runs_code and self.resume():
            raise StartFailed(self._failure or "", None if self._refused is None else "memory")

    def _table_elements(self, plan: Plan) -> list[int]:
        most = self._budget.table_elements
        if most is None:
            return plan.table_elements()
        largest = max([table.minimum for table in plan.tables], default=0)
        if largest > most:
            raise StartFailed(
                f"table_elements limit: it begins with a table of {largest} elements, the limit is {most}",
                "table_elements",
            )
        return plan.table_elements(most)

    def _instantiate_shim(self) -> None:
        engine = self._engine
        cells = capi.address_of(self._cells)
        engine.switch.shim_memory = engine.shim_memory
        try:
            self._future = capi.prepared_instantiate(
                engine.shim, self._context, cells + capi.SHIM, cells + capi.TRAP, cells + capi.ERROR
            )
            ready = capi.poll(self._future)
        finally:
            engine.switch.shim_memory = None
            self._drop_future()
        text = self._take_ending()
        if not ready or text is not None:
            raise InternalError(f"the shim can't be instantiated: {text}")

    def new_memory(self, minimum: int, limit: int, guard: int) -> LinearMemory | None:
        """Make a memory that wasmtime asks for, or None."""
        engine = self._engine
        memory = LinearMemory(engine.callbacks, self._budget)
        if not self._settled:  # the program's own comes last, after one for exceptions
            for earlier in self._memories:
                earlier.show(None)
            memory.show(self._process)
        self._memories.append(memory)
        if memory.open(minimum, max(limit, minimum), guard):
            return memory
        self._refused = memory.refused
        memory.settle()
        return None

    def _next_stage(self) -> bool:
        """The future is ready: begin to run what was instantiated (False), or end (True)."""
        self._drop_future()
        stage, self._stage = self._stage, _ENDED
        text = self._take_ending()
        if text is not None:
            self._failure = (self._refused if stage == _INSTANTIATING else None) or text or None
            return True
        if stage == _INSTANTIATING:
            self._begin()
            return False
        return True

    def _begin(self) -> None:
        """Find the program's memory and begin its `_start`."""
        context = self._context
        cells = capi.address_of(self._cells)
        origin, self._origin = self._origin, None
        name = b"_start" if origin is None else FORKED.encode()
        found = capi.instance_export(
            context, cells + capi.PROGRAM, b"memory", 6, cells + capi.MEMORY_EXPORT
        ) and capi.instance_export(context, cells + capi.PROGRAM, name, len(name), cells + capi.START_EXPORT)
        if not found:
            raise InternalError("a program without memory or _start was started")
        base = capi.memory_data(context, cells + capi.MEMORY)
        for memory in self._memories:
            memory.show(self._process if memory.base == base else None)
        self._settled = True
        if origin is not None:
            self._copy_memory(origin)
        self._stage = _RUNNING
        self._future = capi.call(
            context, cells + capi.START, None, 0, None, 0, cells + capi.TRAP, cells + capi.ERROR
        )

    def _copy_memory(self, origin: Guest) -> None:
        """Make the program's memory as large as the other's, and copy that."""
        source, own = origin._shown(), self._shown()
        missing = (source.size - own.size) // WASM_PAGE
        if missing > 0:
            memory = capi.address_of(self._cells) + capi.MEMORY
            try:
                capi.grow_memory(self._context, memory, missing)
            except capi.WasmtimeError:
                raise StartFailed(own.refused or "its memory cannot grow to what its parent's is") from None
        own.view[: source.size] = source.view

    def _shown(self) -> LinearMemory:
        """Return the memory that the program exports."""
        return next(memory for memory in self._memories if memory.owner is not None)

    def _drop_future(self) -> None:
        future, self._future = self._future, None
        if future:
            capi.future_delete(future)
        linker, self._linker = self._linker, None
        if linker:
            capi.linker_delete(linker)
        self._code = None

    def _take_ending(self) -> str | None:
        """Return what ended the future: a line of text, "" for an exit, None if it ran to its end."""
        cells = self._cells
        error, cells.error = cells.error, None
        trap, cells.trap = cells.trap, None
        if error:  # a trap that a host function made, or a refusal of wasmtime's
            text = cause(capi.take_error(error))
            return "" if text == EXIT.decode() else text
        if not trap:
            return None
        message, code, name = capi.take_trap(trap)
        broken = self._engine.slots[BROKEN]
        if code == capi.UNREACHABLE and broken:
            self._engine.slots[BROKEN] = 0
            return self._engine.no_answer(broken - 1)
        return describe(message, name)
