"""Guests on the real engine: calls, waits, ends, turns, memory, and that nothing stays behind."""

import gc
import itertools
import signal
import subprocess
import sys
import threading
import tracemalloc
import weakref

import pytest
from wasm_host import MIB, Host, Process, mappings
from wasmtime import wat2wasm

from hardtack.errors import InternalError, ProgramError
from hardtack.kernel.guest import StartFailed, UserMemory
from hardtack.kernel.params import TURN_CALLS
from hardtack.wasm.engine import Engine
from hardtack.wasm.imports import CALLS, WAIT, CallPage, EntrySpec
from hardtack.wasm.modules import STORE_BYTES

PAGE = 65536
LOOP = "(loop $l (br $l))"
RECURSE = ("(call $f)", '(memory (export "memory") 1)', "(func $f (call $f) (call $f))")


def count_to(number):
    return f"""(local $i i32) (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $l (i32.lt_u (local.get $i) (i32.const {number}))))"""


@pytest.fixture
def no_collector():
    """No collections: they would take what is not counted down, or a signal's exception with it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# -- calls
def test_arguments_arrive_in_order_and_unsigned(host):
    host.run(
        host.image("""(drop (call $nine (i32.const -1) (i64.const -1) (i32.const 2) (i64.const 3)
                      (i32.const 4) (i64.const 5) (i32.const 6) (i32.const 7) (i64.const 8)))""")
    )
    assert host.calls == [[2**32 - 1, 2**64 - 1, 2, 3, 4, 5, 6, 7, 8]]


def test_an_answer_arrives_as_an_i32(host):
    host.run(
        host.image("""(drop (call $ok (i32.add (i32.const 1)
                      (call $nine (i32.const 0) (i64.const 0) (i32.const 0) (i64.const 0) (i32.const 0)
                                  (i64.const 0) (i32.const 0) (i32.const 0) (i64.const 0)))))""")
    )
    assert host.calls[1] == 0


def test_calls_are_counted(host):
    before = host.slots[CALLS]
    host.run(host.image("(drop (call $ok (i32.const 1))) (drop (call $ok (i32.const 1)))"))
    assert host.slots[CALLS] - before == 2


def test_a_turn_ends_after_so_many_calls_and_each_call_is_made_once(host):
    count = 2 * TURN_CALLS + 1
    body = f"""(local $i i32) (loop $l (drop (call $ok (local.get $i)))
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $l (i32.lt_u (local.get $i) (i32.const {count}))))"""
    guest = host.image(body).start(Process())
    made = [0]
    while not guest.resume():
        made.append(len(host.calls))
    turns = [after - before for before, after in itertools.pairwise(made)]
    assert max(turns) == turns[0] == TURN_CALLS  # fuel may end others
    assert host.calls == list(range(count))
    guest.close()


# -- waits
def test_a_call_that_answers_wait_is_made_again_when_resumed(host):
    guest = host.image("(drop (call $ok (call $wait (i32.const 1) (i32.const 3))))").start(Process())
    for count in range(1, 4):
        assert not guest.resume()
        assert host.calls == [(1, 3)] * count
    assert guest.resume()
    assert host.calls == [(1, 3)] * 4 + [3]
    assert guest.failure() is None
    guest.close()


def test_guests_wait_apart(host):
    one = host.image("(drop (call $wait (i32.const 1) (i32.const 2)))").start(Process())
    two = host.image("(drop (call $wait (i32.const 2) (i32.const 4)))").start(Process())
    assert [one.resume(), two.resume(), two.resume(), one.resume(), one.resume()] == [False] * 4 + [True]
    assert [two.resume(), two.resume(), two.resume()] == [False, False, True]
    one.close()
    two.close()


def test_a_waiting_guest_can_be_closed(host):
    for turns in range(1, 4):
        host.waits.clear()
        guest = host.image("(drop (call $wait (i32.const 1) (i32.const 9)))").start(Process())
        for _ in range(turns):
            assert not guest.resume()
        guest.close()
        assert host.user_memory.used == 0


# -- ends
def test_a_program_that_returns_has_no_failure(host):
    assert host.run(host.image("")).failure is None


def test_exit_ends_a_program_without_failure(host):
    assert host.run(host.image("(call $exit (i32.const 3)) (unreachable)")).failure is None
    assert host.calls == [("exit", 3)]


def test_exit_can_wait(host):
    host.exit_waits = 2
    ended = host.run(host.image("(call $exit (i32.const 3))"))
    assert (ended.turns, ended.failure, len(host.calls)) == (3, None, 3)


def test_a_trap_of_a_host_function_is_the_failure(host):
    assert host.run(host.image("(drop (call $trap))")).failure == "the reactor is too hot"


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("unreachable", "wasm `unreachable` instruction executed (in _start)"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "integer divide by zero (in _start)"),
        (
            "(drop (i32.load (i32.const 65536)))",
            "out of bounds memory access: memory fault at wasm address 0x10000 in linear memory of size"
            " 0x10000 (in _start)",
        ),
    ],
)
def test_a_trap_is_told_in_one_line(host, body, failure):
    assert host.run(host.image(body)).failure == failure


def test_endless_recursion_traps(host):
    assert host.run(host.image(*RECURSE)).failure.startswith("call stack exhausted (in ")
    assert host.run(host.image("")).failure is None


def test_a_host_function_has_room_on_the_stack_where_the_guest_has_none_left(host):
    """A call at each depth down to the trap: the host's part of the fiber is not the guest's."""

    def deep(level):
        return sum(sorted([level, *map(deep, [level - 1])])) if level else 0

    host.on_ask = lambda: deep(100)
    body = "(call $f)", '(memory (export "memory") 1)', "(func $f (drop (call $ask)) (call $f) (call $f))"
    image = host.image(*body)
    assert host.run(image).failure.startswith("call stack exhausted")


def test_a_name_in_a_failure_is_fit_for_a_terminal(host):
    image = host.image("(call $f)", more=r'(func $f (@name "\1b[2J\0aevil") unreachable)')
    assert host.run(image).failure == "wasm `unreachable` instruction executed (in ?[2J)"


def test_a_function_that_traps_is_told_by_its_own_name(host):
    image = host.image("(call $f)", more="(func $f unreachable)")
    assert host.run(image).failure == "wasm `unreachable` instruction executed (in f)"


def test_a_long_name_in_a_failure_is_cut(host):
    image = host.image("(call $f)", more=f'(func $f (@name "{"x" * 100_000}") unreachable)')
    assert len(host.run(image).failure) < 200


def test_an_ended_guest_stays_ended(host):
    guest = host.image("").start(Process())
    assert [guest.resume(), guest.resume()] == [True, True]
    guest.close()
    guest.close()
    assert guest.resume()


# -- bugs of ours
def test_what_a_host_function_raises_ends_its_guest_and_is_raised_by_resume(host):
    other = host.image("(drop (call $wait (i32.const 1) (i32.const 1)))").start(Process())
    assert not other.resume()
    guest = host.image(f"(drop (call $raise)) {LOOP}").start(Process())
    with pytest.raises(ValueError, match="a bug in a host function"):
        guest.resume()
    assert guest.resume()
    assert guest.failure() == "interrupted"
    assert other.resume()
    assert other.failure() is None
    guest.close()
    other.close()


def test_a_host_function_that_answers_nothing_ends_its_guest(host):
    assert host.run(host.image("(drop (call $mute))")).failure == "internal error: test.mute gave no answer"


def test_after_such_an_end_unreachable_is_told_as_itself(host):
    host.run(host.image("(drop (call $mute))"))
    assert host.run(host.image("unreachable")).failure.startswith("wasm `unreachable`")


def test_what_a_growth_raises_refuses_it_and_is_raised_by_resume(host, faulty):
    body = f"(drop (call $ok (memory.grow (i32.const 1)))) {LOOP}"
    guest = host.image(body, '(memory (export "memory") 2)').start(Process())
    faulty.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        guest.resume()
    assert host.calls == [2**32 - 1]
    assert not guest.resume()
    guest.close()


def test_an_interrupt_while_memory_is_made_is_raised_by_start(host, faulty):
    image = host.image("")
    faulty.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        image.start(Process())
    assert host.engine.switch.guests == 0


class AlarmError(Exception):
    """What a signal's handler raises, the usual way to end a call that takes too long."""


def run_with_alarm(guest, seconds):
    signal.setitimer(signal.ITIMER_REAL, seconds)
    while not guest.resume():
        pass


@pytest.mark.parametrize(
    "body",
    [
        "(loop $l (drop (call $nop)) (br $l))",
        "(drop (call $ask))",
        "(loop $l (drop (memory.grow (i32.const 1000))) (br $l))",
        LOOP,
    ],
    ids=["calling", "waiting", "growing", "computing"],
)
def test_what_a_signals_handler_raises_is_raised_by_resume(host, no_collector, body):
    def handler(*_):
        raise AlarmError

    host.on_ask = lambda: WAIT
    image = host.image(body)
    old = signal.signal(signal.SIGALRM, handler)
    try:
        for number in range(1, 11):
            guest = image.start(Process())
            with pytest.raises(AlarmError):
                run_with_alarm(guest, number / 1000)
            guest.resume()
            guest.close()
            assert host.user_memory.used == 0
    finally:
        signal.signal(signal.SIGALRM, old)


def test_entries_of_one_name_are_refused():
    with pytest.raises(InternalError, match="share a name"):
        Engine([EntrySpec(m, "f", "", True, int) for m in "ab"], UserMemory(0), page=CallPage())


def test_a_parameter_string_is_checked():
    with pytest.raises(ValueError, match=r"a\.f: 'x' is no parameter string"):
        EntrySpec("a", "f", "x", True, int)


# -- turns
def test_an_endless_loop_yields_at_each_quantum(host):
    guest = host.image(LOOP).start(Process())
    assert not any(guest.resume() for _ in range(100))
    guest.close()


def test_turns_depend_on_the_quantum_alone():
    turns = {}
    for quantum in (10_000, 10_000, 20_000):
        host = Host(quantum=quantum)
        turns.setdefault(quantum, set()).add(host.run(host.image(count_to(100_000))).turns)
    (one,), (two,) = turns[10_000], turns[20_000]
    assert 50 <= one <= 100
    assert abs(two * 2 - one) <= 2


def test_a_guest_can_be_closed_at_any_moment(host):
    bodies = [
        host.image(
            f"(drop (call $wait (i32.const 1) (i32.const 2))) (drop (memory.grow (i32.const 1))) {LOOP}"
        ),
        host.image("", more=f"(func $s {LOOP}) (start $s)"),
        host.image(count_to(50_000)),
        host.image(*RECURSE),
        host.image("(call $exit (i32.const 0))"),
    ]
    before = None
    for _ in range(2):
        for image in bodies:
            for turns in range(8):
                guest = image.start(Process())
                host.waits.clear()
                for _ in range(turns):
                    guest.resume()
                guest.close()
                assert host.user_memory.used == 0
        before = before or mappings()
    assert mappings() <= before


def test_a_guest_starts_and_others_close_within_a_call(host):
    waiting = host.image("(drop (call $wait (i32.const 1) (i32.const 9)))").start(Process())
    looping = host.image(LOOP).start(Process())
    fresh = host.image("").start(Process())
    assert not waiting.resume()
    assert not looping.resume()
    inner = host.image("(drop (call $ok (i32.const 5)))")
    started = []

    def ask():
        for guest in (waiting, looping, fresh):
            guest.close()
        started.append(inner.start(Process()))
        return 7

    host.on_ask = ask
    host.run(host.image("(drop (call $ok (call $ask)))"))
    assert started[0].resume()
    assert host.calls[-2:] == [7, 5]
    started[0].close()


# -- start sections
def test_a_start_section_runs_at_the_first_turn(host):
    process = Process()
    guest = host.image(
        "(drop (call $ok (i32.const 2)))", more="(func $s (drop (call $ok (i32.const 1)))) (start $s)"
    ).start(process)
    assert host.calls == []
    assert not guest.resume()
    assert host.calls == [1]
    assert guest.resume()
    assert host.calls == [1, 2]
    guest.close()


def test_a_start_section_can_loop_wait_and_see_memory(host):
    process = Process()
    host.on_ask = lambda: len(process.memory)
    more = f"""(func $s (drop (call $wait (i32.const 1) (i32.const 1))) (drop (call $ok (call $ask))) {LOOP})
               (start $s)"""
    guest = host.image("", more=more).start(process)
    assert not any(guest.resume() for _ in range(10))
    assert host.calls == [(1, 1), (1, 1), PAGE]
    guest.close()


def test_a_trap_in_a_start_section_is_a_failure(host):
    ended = host.run(host.image("", more="(func $s unreachable) (start $s)"))
    assert ended.failure.startswith("wasm `unreachable`")


def test_a_refused_memory_of_a_program_with_a_start_section_is_a_failure(host):
    image = host.image("", '(memory (export "memory") 600)', "(func $s) (start $s)")
    host.user_memory.capacity = 2 * MIB
    assert host.run(image).failure.startswith("out of user memory: 37.5 MiB needed")


# -- memory
def test_a_start_takes_what_the_image_says(host):
    image = host.image("", '(memory (export "memory") 3)', "(table 100 100 funcref)")
    guest = image.start(Process())
    assert host.user_memory.used == image.user_bytes
    assert image.user_bytes - MIB - STORE_BYTES - 3 * PAGE in range(800, 2000)
    guest.close()


def test_host_and_guest_see_the_same_bytes(host):
    process = Process()
    guest = host.image(
        "(i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (call $ok (i32.const 1))))",
        more='(data (i32.const 16) "hello")',
    ).start(process)
    assert bytes(process.memory[16:21]) == b"hello"
    process.memory[8:12] = (41).to_bytes(4, "little")
    guest.resume()
    assert int.from_bytes(process.memory[8:12], "little") == 42
    guest.close()


def test_the_view_follows_growth_and_the_budget_pays(host):
    process = Process()
    body = """(drop (memory.grow (i32.const 2))) (drop (call $ask))
              (drop (memory.grow (i32.const 5))) (drop (call $ask))"""
    seen = []

    def ask():
        seen.append((len(process.memory), host.user_memory.used - overhead))
        return 0

    image = host.image(body)
    overhead = image.user_bytes - PAGE
    host.on_ask = ask
    host.run(image, process)
    assert seen == [(3 * PAGE, 3 * PAGE), (8 * PAGE, 8 * PAGE)]
    assert len(process.memory) == 0


def test_growth_is_refused_at_the_budget_and_the_guest_goes_on(host):
    image = host.image(" ".join(f"(drop (call $ok (memory.grow (i32.const {n}))))" for n in (100, 4, 5, 0)))
    host.user_memory.capacity = image.user_bytes + 8 * PAGE
    host.run(image)
    assert host.calls == [2**32 - 1, 1, 2**32 - 1, 5]
    assert host.user_memory.peak == image.user_bytes + 4 * PAGE


def test_growth_beyond_the_declared_maximum_is_refused(host):
    host.run(host.image("(drop (call $ok (memory.grow (i32.const 2))))", '(memory (export "memory") 1 2)'))
    assert host.calls == [2**32 - 1]


def test_memory_that_was_refused_stays_out_of_reach(host):
    image = host.image("(drop (memory.grow (i32.const 1000))) (i32.store (i32.const 65536) (i32.const 1))")
    host.user_memory.capacity = image.user_bytes
    assert host.run(image).failure.startswith("out of bounds")


def test_a_start_without_user_memory_fails_and_takes_nothing(host):
    image = host.image("", '(memory (export "memory") 160)')
    process = Process()
    for capacity in (1, MIB + STORE_BYTES + 2 * PAGE):
        host.user_memory.capacity = capacity
        with pytest.raises(StartFailed, match=r"out of user memory: .* needed"):
            image.start(process)
        assert host.user_memory.used == 0
        assert len(process.memory) == 0


def test_data_that_does_not_fit_fails_the_start(host):
    image = host.image("", more='(data (i32.const 65535) "ab")')
    with pytest.raises(StartFailed, match="out of bounds"):
        image.start(Process())


def test_a_view_that_was_kept_is_useless_after_growth_and_close(host):
    process = Process()
    guest = host.image(
        "(drop (memory.grow (i32.const 1))) (drop (call $wait (i32.const 1) (i32.const 1)))"
    ).start(process)
    first = process.memory
    guest.resume()
    second = process.memory
    guest.close()
    for view in (first, second):
        with pytest.raises(ValueError, match="released"):
            view[0]


def test_a_memory_without_pages_can_grow(host):
    ended = host.run(
        host.image(
            "(drop (memory.grow (i32.const 1))) (drop (call $wait (i32.const 1) (i32.const 1)))",
            '(memory (export "memory") 0)',
        )
    )
    assert ended.sizes == [PAGE, PAGE]


def test_tables_are_limited(host):
    image = host.image(
        """(drop (call $ok (table.grow (ref.null func) (i32.const 60000))))
           (drop (call $ok (table.grow (ref.null func) (i32.const 60000))))""",
        more="(table 1 funcref)",
    )
    host.run(image)
    assert host.calls == [1, 2**32 - 1]


def test_what_exceptions_take_is_paid_and_is_not_the_guests_memory(host):
    process = Process()
    image = host.image(
        """(block $h (result i32) (try_table (catch $e $h) (throw $e (i32.const 3))) (i32.const 0)) drop
           (drop (call $ask))""",
        '(memory (export "memory") 2)',
        "(tag $e (param i32))",
    )
    seen = []

    def ask():
        seen.append((len(process.memory), host.user_memory.used - image.user_bytes))
        return 0

    host.on_ask = ask
    host.run(image, process)
    assert seen == [(2 * PAGE, PAGE)]


def test_a_small_reservation_serves_where_address_space_is_scarce():
    page = CallPage()
    budget = UserMemory(64 * MIB)
    engine = Engine([], budget, page=page, reservation=4 * PAGE)
    host = Host()
    host.engine = engine
    data = bytes(
        wat2wasm("""(module (memory (export "memory") 1) (func (export "_start")
          (if (i32.ne (memory.grow (i32.const 3)) (i32.const 1)) (then unreachable))
          (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
          (i32.store (i32.const 262140) (i32.const 1)) (i32.store (i32.const 262144) (i32.const 1))))""")
    )
    assert host.run(host.image_of(data)).failure.startswith("out of bounds memory access")
    assert budget.used == 0


# -- nothing stays behind
def test_a_thousand_guests_leave_no_mapping_and_no_object(host, no_collector):
    images = [
        host.image("(drop (memory.grow (i32.const 1)))"),
        host.image("(drop (call $wait (i32.const 1) (i32.const 1000000)))"),
        host.image(LOOP),
        host.image("unreachable"),
    ]

    def cycle(count):
        for number in range(count):
            guest = images[number % 4].start(Process())
            guest.resume()
            guest.close()
        host.calls.clear()

    cycle(1000)
    gc.collect()
    maps, objects, blocks = mappings(), len(gc.get_objects()), sys.getallocatedblocks()
    cycle(1000)
    assert mappings() <= maps + 2
    assert gc.collect() == 0
    assert len(gc.get_objects()) <= objects + 5
    assert sys.getallocatedblocks() < blocks + 240  # one block a guest of one kind would be 250


def test_a_start_allocates_little(host):
    image = host.image("")
    for _ in range(3):
        host.run(image)
    tracemalloc.start()
    guest = image.start(Process())
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    guest.close()
    assert kept < 3000
    assert peak < 8000


def test_a_guest_that_is_forgotten_is_closed(host, no_collector):
    guest = host.image(LOOP).start(Process())
    guest.resume()
    del guest
    assert host.user_memory.used == 0


def test_a_guest_that_was_interrupted_is_freed_by_its_last_reference(host, no_collector):
    guest = host.image("(drop (call $raise))").start(Process())
    with pytest.raises(ValueError, match="a bug"):
        guest.resume()
    del guest
    assert host.user_memory.used == 0


def test_an_engine_is_freed_by_its_last_reference(no_collector):
    engine = Engine([EntrySpec("a", "f", "i", True, int)], UserMemory(0), page=CallPage())
    seen = weakref.ref(engine)
    del engine
    assert seen() is None


def test_an_engine_is_not_closed_under_its_guests():
    host = Host()
    guest = host.image(LOOP).start(Process())
    with pytest.raises(InternalError, match="1 of its guests"):
        host.engine.close()
    guest.close()
    host.engine.close()
    host.engine.close()


def test_a_program_may_end_with_guests_under_way():
    code = """
import sys; sys.path.insert(0, "tests/wasm")
from wasm_host import Host, Process
host = Host()
bodies = "(loop $l (br $l))", "(drop (call $wait (i32.const 1) (i32.const 9)))"
guests = [host.image(body).start(Process()) for body in bodies]
assert not any(guest.resume() for guest in guests)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_engines_run_in_threads_side_by_side():
    turns = []

    def work():
        host = Host()
        image = host.image(
            f"""{count_to(200_000)} (drop (memory.grow (i32.const 1)))
                (drop (call $wait (i32.const 1) (i32.const 1)))"""
        )
        for _ in range(20):
            host.waits.clear()
            turns.append(host.run(image).turns)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(turns) == 80
    assert len(set(turns)) == 1


# -- what is not compiled
@pytest.mark.parametrize(
    "text",
    [
        '(module (memory (export "memory") 1 2 shared))',
        '(module (memory (export "memory") i64 1))',
        "(module (memory 1) (memory 1))",
        "(module (type (array i8)))",
    ],
)
def test_proposals_that_no_budget_covers_are_off(host, text):
    with pytest.raises(ProgramError):
        host.engine.compile(bytes(wat2wasm(text)))
