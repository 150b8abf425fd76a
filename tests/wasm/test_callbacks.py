"""What wasmtime calls, and what it is told when that fails."""

import pytest
from wasm_host import PAGE, Host, Process, mappings

from hardtack.heap import Heap
from hardtack.kernel.guest import UserMemory
from hardtack.wasm.capi import HostMemory, new_callbacks


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
