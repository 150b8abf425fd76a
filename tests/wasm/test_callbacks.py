"""What wasmtime calls, and what it is told when that fails."""

import gc
import weakref

import pytest
from wasm_host import PAGE, Host, Process, mappings

from hardtack.heap import Heap
from hardtack.kernel.guest import UserMemory
from hardtack.wasm.capi import Entry, HostMemory, new_callbacks
from hardtack.wasm.imports import NO_ANSWER, RESULT, CallPage


@pytest.fixture
def memory():
    return HostMemory(new_callbacks(lambda *_: None))


def test_a_memory_is_reserved_extended_and_freed(memory):
    before = mappings()
    assert memory.reserve(4 * PAGE, PAGE)
    assert (memory.size, memory.limit) == (0, 4 * PAGE)
    first = memory.extend(PAGE)
    first[PAGE - 1] = 7
    second = memory.extend(3 * PAGE)
    assert (len(second), second[PAGE - 1], second[PAGE], memory.size) == (3 * PAGE, 7, 0, 3 * PAGE)
    memory.free()
    memory.free()
    assert (memory.base, memory.size, memory.limit) == (0, 0, 0)
    assert mappings() <= before


def test_a_memory_is_not_extended_beyond_what_was_reserved(memory):
    assert memory.reserve(PAGE, 0)
    assert memory.extend(PAGE + 1) is None
    assert memory.size == 0
    memory.free()


def test_no_more_is_reserved_than_there_is(memory):
    assert not memory.reserve(1 << 60, 0)
    assert memory.base == 0


def test_a_memory_can_use_a_buffer(memory):
    buffer = bytearray(PAGE)
    memory.use(memoryview(buffer))
    memory.extend(PAGE)[3] = 5
    assert buffer[3] == 5
    memory.free()
    assert memory.size == PAGE  # the next store's shim uses it too


def test_of_several_exceptions_the_first_is_kept(host, faulty):
    body = "(drop (memory.grow (i32.const 1))) (drop (call $raise))"
    guest = host.image(body, '(memory (export "memory") 2)').start(Process())
    faulty.error = RuntimeError("the first")
    with pytest.raises(RuntimeError, match="the first"):
        guest.resume()
    assert guest.failure() == "interrupted"
    guest.close()


class Budget(UserMemory):
    """A budget that changes nothing before all that may fail is done."""

    def take(self, count):
        used = self.used + count
        if used > self.capacity:
            return False
        self.used = used
        return True


@pytest.mark.parametrize("what", ["start", "resume"])
def test_an_allocation_that_fails_is_an_error_and_nothing_else(what):
    """Fail the n-th allocation, for n = 1, 2, ... until no fault fires; then look at the books."""
    host = Host()
    host.engine.user_memory = host.user_memory = Budget(1 << 26)
    heap = Heap(1 << 26, on_exhaustion="fail")
    image = host.image(
        """(drop (memory.grow (i32.const 1))) (drop (call $wait (i32.const 1) (i32.const 1)))
           (drop (memory.grow (i32.const 1)))"""
    )
    for _ in range(3):
        host.waits.clear()
        host.run(image)
    before = mappings()
    number = fired = 0
    seen = set()
    while fired == number:
        number += 1
        host.waits.clear()
        guest = None
        with heap:
            try:
                if what == "resume":
                    guest = image.start(Process())
                heap.fail_nth(number)
                guest = guest or image.start(Process())
                while what == "resume" and not guest.resume():
                    pass
            except Exception as error:
                seen.add(type(error).__name__)
            finally:
                heap.fail_nth(0)
            if guest is not None:
                guest.close()
        fired = heap.injected
        assert host.engine.switch.guests == 0
        assert host.user_memory.used == 0
        assert host.engine.switch.current is None
        assert mappings() <= before + 2
    assert number > 20
    assert seen <= {"MemoryError", "HeapFull", "ArgumentError", "InternalError"}


# -- entries
class Caller:
    """A process, and its system, that a call is made for; `admit` is what the test says."""

    def __init__(self, admit):
        self.current = self
        self.admit = admit
        self.heap = "its heap"


def entry_of(admit, count=2, rest=None):
    page = CallPage()
    handler = "the handler"
    return page, Entry(Caller(admit), page.memory, count, 1000, handler, rest)


def test_an_entry_has_a_call_let_in_and_gives_its_answer():
    seen = []
    page, entry = entry_of(lambda *arguments: seen.append(arguments) or 54, count=3)
    page.slots[0], page.slots[1], page.slots[2], page.slots[3] = 7, (1 << 64) - 1, 0, 99
    page.slots[RESULT] = NO_ANSWER
    assert entry() == 0
    assert page.slots[RESULT] == 54
    (heap, maximum, handler, process, *arguments) = seen[0]
    assert (heap, maximum, handler, arguments) == ("its heap", 1000, "the handler", [7, (1 << 64) - 1, 0])
    assert process.heap == heap


def test_an_entry_finds_attributes_wherever_they_are():
    class Slotted:
        __slots__ = ("admit", "current", "heap")

    class Other:
        __slots__ = ("unused", "heap", "current", "admit")  # noqa: RUF023 - in another order

    for kind in (Slotted, Other, Caller, Slotted):
        system = Caller(None) if kind is Caller else kind()
        system.current, system.heap, system.admit = system, kind, lambda heap, *_: 3 if heap is kind else 4  # noqa: B023
        page = CallPage()
        entry = Entry(system, page.memory, 0, 1000, None, None)
        assert (entry(), page.slots[RESULT]) == (0, 3)
    told = []
    assert Entry(Slotted(), CallPage().memory, 0, 1000, None, lambda what: told.append(what) or 6)() == 6
    assert isinstance(told[0], AttributeError)


@pytest.mark.parametrize("answer", [NotImplemented, KeyError("raised"), KeyboardInterrupt()])
def test_what_is_no_answer_is_the_rest_s(answer):
    def admit(*_):
        if isinstance(answer, BaseException):
            raise answer
        return answer

    told = []
    page, entry = entry_of(admit, rest=lambda what: told.append(what) or 5)
    page.slots[RESULT] = NO_ANSWER
    assert entry() == 5
    assert told == [answer]
    assert page.slots[RESULT] == NO_ANSWER


@pytest.mark.parametrize("answer", [None, "text", -1, 1 << 64])
def test_an_answer_that_is_no_number_of_a_slot_is_the_rest_s(answer):
    told = []
    _, entry = entry_of(lambda *_: answer, rest=lambda what: told.append(what) or 0)
    assert entry() == 0
    assert isinstance(told[0], TypeError | OverflowError)


def test_an_exception_of_the_rest_is_the_caller_s():
    def rest(_):
        raise ValueError("again")

    _, entry = entry_of(lambda *_: NotImplemented, rest=rest)
    with pytest.raises(ValueError, match="again"):
        entry()


def test_an_entry_needs_a_page_with_its_slots():
    with pytest.raises(ValueError, match="slots"):
        Entry(None, memoryview(bytearray(8 * RESULT)), 0, 0, None, None)
    with pytest.raises(BufferError):
        Entry(None, memoryview(bytes(1000)), 0, 0, None, None)
    with pytest.raises(ValueError, match="16"):
        Entry(None, CallPage().memory, 17, 0, None, None)


def test_entries_are_collected_with_what_they_refer_to():
    page, entry = entry_of(lambda *_: 0)
    system = Caller(None)
    system.page = page  # whose view is collected with it
    system.entry = Entry(system, page.memory, 0, 0, page, entry)
    gone = weakref.ref(system)
    del system, page, entry
    gc.collect()
    assert gone() is None
