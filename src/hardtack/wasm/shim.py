"""The shim: a small wasm module between every guest and the host functions.

What a guest imports is the shim's. It writes the arguments into the call page, calls the host function,
and where that answers WAIT, suspends the fiber and calls again, from scratch. So a host function
is synchronous and cheap, and yet every call can suspend.

Fuel ends the turn of a guest that computes, a count that of one that calls: a call takes no fuel, whatever
it does. The shim counts, and suspends the guest before a call beyond the last of its turn.

Fuel is checked at the loop's head, before the arguments are written, so that no other guest can run until
the host has read them and the answer has been read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.wasm.imports import BROKEN, CALLS, LAST_CALL, NO_ANSWER, RESULT, WAIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.wasm.imports import EntrySpec

ENGINE_MODULE: Final = "engine"  # where the shim imports these two from
SUSPEND: Final = "suspend"
END: Final = "end"  # traps with EXIT
HOST_MODULE: Final = "host"  # where it imports the host functions from


def shim_text(entries: Sequence[EntrySpec]) -> str:
    """Return the shim for these host functions, in wasm's text format.

    It imports each of them from HOST_MODULE, without parameters and results, and exports them as guests
    know them. The first memory, one page, is to be the call page.
    """
    lines = [
        "(module $hardtack",
        f'  (import "{ENGINE_MODULE}" "{SUSPEND}" (func $engine.suspend))',
        f'  (import "{ENGINE_MODULE}" "{END}" (func $engine.end))',
    ]
    lines += [f'  (import "{HOST_MODULE}" "{entry.name}" (func $host.{entry.name}))' for entry in entries]
    lines.append("  (memory 1 1)")
    for index, entry in enumerate(entries):
        lines += _function(index, entry)
    return "\n".join([*lines, ")"])


def _function(index: int, entry: EntrySpec) -> list[str]:
    parameters = "".join(f" (param {kind})" for kind in entry.parameter_types)
    results = "".join(f" (result {kind})" for kind in entry.result_types)
    after = f"(local.get {len(entry.parameters)})" if entry.has_result else "(call $engine.end) (unreachable)"
    return [
        f'  (func ${entry.name} (export "{entry.name}"){parameters}{results} (local $answer i32)',
        f"    (if (i64.ge_u {_load(CALLS)} {_load(LAST_CALL)}) (then (call $engine.suspend)))",
        "    (loop $again",
        *(f"      {_write_argument(slot, letter)}" for slot, letter in enumerate(entry.parameters)),
        f"      {_store(RESULT, f'(i64.const {NO_ANSWER})')}",
        f"      {_store(CALLS, f'(i64.add {_load(CALLS)} (i64.const 1))')}",
        f"      (call $host.{entry.name})",
        f"      (local.set $answer (i32.wrap_i64 {_load(RESULT)}))",
        f"      (if (i32.eq (local.get $answer) (i32.const {WAIT}))",
        "        (then (call $engine.suspend) (br $again)))",
        f"      (if (i32.eq (local.get $answer) (i32.const {NO_ANSWER}))",
        f"        (then {_store(BROKEN, f'(i64.const {index + 1})')} (unreachable))))",
        f"    {after})",
    ]


def _write_argument(slot: int, letter: str) -> str:
    value = f"(local.get {slot})"
    return _store(slot, f"(i64.extend_i32_u {value})" if letter == "i" else value)


def _store(slot: int, value: str) -> str:
    return f"(i64.store offset={8 * slot} (i32.const 0) {value})"


def _load(slot: int) -> str:
    return f"(i64.load offset={8 * slot} (i32.const 0))"
