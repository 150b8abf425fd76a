"""The kernel's system calls as WebAssembly imports: each row of the table becomes a host function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.kernel.border import compile_entry
from hardtack.kernel.system_calls import TABLE
from hardtack.wasm.capi import Entry
from hardtack.wasm.engine import EXIT, make_trap
from hardtack.wasm.imports import STORE, EntrySpec, fetching

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.kernel.system import System
    from hardtack.wasm.imports import CallPage


def entries(
    system: System, page: CallPage, trace: Callable[[int, str, int], None] | None = None
) -> list[EntrySpec]:
    """Make the host functions of a system: preview1's and our own, from THE table.

    Where nothing is to be told of each call and all goes well, a call passes through no function of Python's
    but its handler: `Entry` does the same in C.

    Args:
        system: the kernel.
        page: where arguments and answers pass.
        trace: told of each answer: the pid, the call's name, its errno.
    """
    store = STORE if trace is None else f"{STORE}; trace(process.pid, row.name, errno)"
    made = []
    for row in TABLE:
        fetch, arguments = fetching(row.signature)
        direct = trace is None and not row.always
        entry = compile_entry(
            system,
            row,
            parameters="answer" if direct else "",
            fetch=fetch,
            arguments=arguments,
            store=store,
            done="return trap(EXIT)" if row.name == "proc_exit" else "return 0",
            trap='return trap(b"the kernel failed in this call")',
            names={**page.names(), "trap": make_trap, "EXIT": EXIT, "trace": trace},
            rest=direct,
        )
        if direct:
            entry = Entry(system, page.memory, len(row.signature), row.maximum, row.handler, entry)
        made.append(EntrySpec(row.module, row.name, row.signature, row.name != "proc_exit", entry))
    return made
