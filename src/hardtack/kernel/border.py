"""The border: the one way into the kernel.

Entering a call means: the current process's heap is entered, the call's bound is reserved on the kernel's
heap (the common ancestor of all that a call may charge), the handler runs, the rest of the reservation goes
back. If the memory is not there, nothing was done and nothing is held: the process joins
those who wait for memory, and the guest suspends. When its turn comes it is handed the reservation together
with the wake-up, and the call is made again from the start.

The first try uses the bound's largest value, a constant; only when that is refused is the bound evaluated
on the arguments, and after that, for a call that can go step by step, for one step of it. A handler answers
NotImplemented when a step in its midst was refused (`steps`): that is a call that was not let in, too.

An entry is written out as source per row, since it runs at every system call: its arguments are fetched by
expressions that depend on who calls, and no loop over them remains. Where who calls has called
`process.admit` itself, what is written out is the rest: what to do where that gave no errno.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hardtack.kernel import abi, death
from hardtack.kernel.descriptions import Broken
from hardtack.kernel.half_done import give_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardtack.kernel.process import Process
    from hardtack.kernel.system import System
    from hardtack.kernel.system_calls import Row

# Who is refused goes on aside. Else what CPython keeps of that in its free lists is charged to the scheduler,
# and the collection that the wait brings on flushes it: one more call fits in there, the next waits again.
_REFUSED = "errno = aside(refused, process, row, process{arguments})"
_ADMITTED = f"""errno = process.admit(process.heap, {{maximum}}, handler, process{{arguments}})
        if errno is NotImplemented:
            {_REFUSED}"""

# A call that may never wait runs on the scheduler's own reservation, on which entries are called.
_ALWAYS = "errno = handler(process{arguments})"

_ENTRY = """
def entry({parameters}):
    process = system.current
    try:
        {fetch}
        {enter}
        {store}
    except BaseException as error:
        errno = failed(process, row, error)
        if errno < 0:
            {trap}
        {store}
    {done}
"""

# What is left to do where `process.admit` was called elsewhere, and gave no errno but `answer`. An exception
# is not raised again: that would keep it for longer.
_REST = """
def entry({parameters}):
    process = system.current
    if answer is NotImplemented:
        try:
            {fetch}
            {enter}
            {store}
        except BaseException as error:
            errno = failed(process, row, error)
            if errno < 0:
                {trap}
            {store}
    else:
        errno = failed(process, row, answer)
        if errno < 0:
            {trap}
        {store}
    {done}
"""


def compile_entry(
    system: System,
    row: Row,
    *,
    parameters: str,
    fetch: str,
    arguments: Sequence[str],
    store: str,
    done: str,
    trap: str,
    names: dict[str, object] | None = None,
    rest: bool = False,
) -> Callable[..., Any]:
    """Make the function by which a guest enters the kernel for one row of the table.

    Args:
        system: the kernel.
        row: the system call.
        parameters: the parameter list of the function.
        fetch: a statement that fetches the call's arguments, or "pass".
        arguments: an expression for each argument of the call.
        store: a statement that gives `errno` to the guest.
        done: a statement that returns to the guest.
        trap: a statement that ends the guest instead.
        names: what else the expressions mention.
        rest: the caller has called `process.admit` itself; what the function does is all else, where that
            gave no errno. The parameter `answer` is what it gave: NotImplemented, or the exception raised.
    """
    way = _REFUSED if rest else _ALWAYS if row.always else _ADMITTED
    enter = way.format(maximum=row.maximum, arguments="".join(f", {argument}" for argument in arguments))
    source = (_REST if rest else _ENTRY).format(
        parameters=parameters,
        fetch=fetch,
        enter=enter,
        store=store,
        done=done,
        trap=trap,
    )
    scope: dict[str, Any] = {
        "system": system,
        "row": row,
        "handler": row.handler,
        "aside": system.memory.aside,
        "refused": refused,
        "failed": failed,
        **(names or {}),
    }
    exec(compile(source, f"<entry {row.name}>", "exec"), scope)
    entry: Callable[..., Any] = scope["entry"]
    return entry


def refused(process: Process, row: Row, *arguments: object) -> object:
    """Try the bound for these arguments, the process first, and for a step; if all is refused, have it wait.

    It waits for the least that was tried, and for what steps in its midst lacked (`Process.shortfall`).
    """
    wants, handler = row.bound(*arguments), row.handler
    errno: object = NotImplemented
    if wants < row.maximum and not process.shortfall:
        errno = process.way_in(process.heap, wants, handler, *arguments)
    step = row.step
    if errno is NotImplemented and step is not None and (less := row.step_bound(*arguments)) < wants:
        wants, handler = less, step
        errno = process.way_in(process.heap, wants, handler, *arguments)
    if errno is NotImplemented:
        errno = _have_wait(process, wants + process.shortfall, handler)
    return errno


def _have_wait(process: Process, wants: int, handler: Callable[..., object]) -> int:
    """Have a process that holds nothing wait for what its call, or a step of it, wants; return its answer."""
    system = process.system
    # A child that was half made: who else is doomed in a turn makes no call in it.
    if system.doomed is not None:
        with system.scheduler_heap:  # numbers of the kernel's tables, as at every other end
            death.end_doomed(system)
            death.close_everything(system)  # with more than FAN descriptors it would still hold its heap
    system.release_unused()
    account = process.group.account
    if account.lacks_heap(wants):
        account.end_for_heap(wants)  # by the scheduler, when the guest has been suspended
        return abi.WAIT
    if wants > system.possible:
        process.shortfall = process.moved = 0
        return abi.ENOMEM
    system.memory.wait(process, wants, handler)
    return abi.WAIT


def failed(process: Process, row: Row, error: BaseException) -> int:
    """Answer for a handler that raised: EIO, ENOMEM under `fail`; else it is a bug, and ends its process."""
    system = process.system
    process.moved = 0
    if isinstance(error, Broken):
        error.__traceback__ = None
        return abi.EIO
    system.memory.aside(give_up, process)
    if isinstance(error, MemoryError):
        system.failed_calls += 1
        if system.heap.on_exhaustion != "reserve":
            error.__traceback__ = None
            return abi.ENOMEM
    system.report_bug(f"{row.name} of {process.image.name} (pid {process.pid}) raised {error!r}", error)
    return -1
