"""Interrupts wherever they can come: an exception from outside, at the n-th moment, for n = 1, 2, ...

CPython looks for signals and for exceptions that were sent to a thread after each call, at the beginning of each
function, and when a loop goes round; in between nothing strikes. Each of these moments in the code of some
modules is a place here.
"""

from __future__ import annotations

import dis
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType, ModuleType

LOOKS = ("CALL", "RESUME", "JUMP_BACKWARD", "SEND")


class Interrupt(BaseException):
    """Comes from outside."""


class Interrupter:
    """Has `work` struck at one place in some modules after the other."""

    def __init__(self, *modules: ModuleType) -> None:
        self.files = {module.__file__ for module in modules}
        self.places: dict[CodeType, frozenset[int]] = {}
        self.last: dict[int, int] = {}  # by frame; not the frames themselves, which hold what is in them
        self.left = 0

    def strike(self, nth: int, work: Callable[[], object]) -> bool:
        """Call `work`, with an interrupt at the n-th place; tell whether there was one.

        One that strikes in a finalizer, or in what the native core calls when a reservation ends, reaches
        nobody: CPython only writes it down.
        """
        self.left = nth
        self.last.clear()
        written: list[type[BaseException] | None] = []
        tracing, hook = sys.gettrace(), sys.unraisablehook
        sys.unraisablehook = lambda unraisable: written.append(unraisable.exc_type)
        sys._getframe().f_trace_opcodes = (
            True  # 3.12 and later look at settrace whether any frame has ever wanted it
        )
        sys.settrace(self.trace)
        try:
            work()
        except Interrupt as error:
            error.__traceback__ = None
            return True
        finally:
            sys.settrace(tracing)
            sys.unraisablehook = hook
        assert self.left > 0 or written == [Interrupt], "the interrupt was swallowed"
        return not self.left

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in self.files:
            return None
        me = id(frame)
        if event == "opcode":
            last, self.last[me] = self.last.get(me, -1), frame.f_lasti
            if last in self.looks(frame.f_code):
                self.left -= 1
                if not self.left:
                    raise Interrupt
        else:
            self.last.pop(me, None)
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
        return self.trace

    def looks(self, code: CodeType) -> frozenset[int]:
        """Return after which instructions of a function the interpreter looks."""
        if code not in self.places:
            self.places[code] = frozenset(
                each.offset for each in dis.get_instructions(code) if each.opname.startswith(LOOKS)
            )
        return self.places[code]
