"""Python sessions: what calls keep, what is output and what is an answer, and what ends them."""

from __future__ import annotations

import pickle
import signal
import threading
from collections.abc import Iterator

import pytest

from hardtack import KernelError, Limits, PythonSession, SessionEnded


@pytest.fixture(scope="module")
def shared() -> Iterator[PythonSession]:
    with PythonSession(heap="16 MiB", memory="256 MiB") as made:
        yield made


@pytest.fixture
def session(shared: PythonSession) -> Iterator[PythonSession]:
    yield shared
    assert shared.run("print('well')").stdout == b"well\n"
    shared.kernel.check()


@pytest.fixture
def own() -> Iterator[PythonSession]:
    with PythonSession(heap="16 MiB", memory="256 MiB") as made:
        yield made
        made.kernel.check()


# -- what is kept
def test_what_a_call_defines_is_there_in_the_next(session: PythonSession) -> None:
    session.run("def double(x): return 2 * x\nimport math")
    assert session.run("print(double(math.floor(2.5)))").stdout == b"4\n"


def test_the_loops_own_names_are_not_the_codes(session: PythonSession) -> None:
    session.run("receive = run = serve = names = os = None")
    code = "print([n for n in globals() if n in ('code', 'status', 'sys', 'trace')], __name__)"
    assert session.run(code).stdout == b"[] __main__\n"


def test_what_a_call_defines_can_be_pickled(session: PythonSession) -> None:
    code = "class C: pass\nimport pickle; print(type(pickle.loads(pickle.dumps(C()))) is C)"
    assert session.run(code).stdout == b"True\n"


def test_files_come_and_go(session: PythonSession) -> None:
    session.run("d = open('/in', 'rb').read(); open('/out', 'wb').write(d[::-1])", files={"/in": b"abc"})
    assert session.read_file("/out") == b"cba"


# -- how a call ends
@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("pass", 0, b""),
        ("import sys; sys.exit()", 0, b""),
        ("raise SystemExit(5)", 5, b""),
        ("raise SystemExit('why')", 1, b"why"),
        ("1 / 0", 1, b"ZeroDivisionError: division by zero"),
        ("a b", 1, b"SyntaxError: invalid syntax"),
        ("raise KeyboardInterrupt", 1, b"KeyboardInterrupt"),
        ("import sys; sys.excepthook = None; 1 / 0", 1, b""),
        ("class E(BaseException): pass\nraise E", 1, b"E"),
    ],
)
def test_how_code_ends(own: PythonSession, code: str, status: int, error: bytes) -> None:
    result = own.run(code)
    assert result.exit_code == status
    assert (result.stderr.splitlines() or [b""])[-1].endswith(error)
    assert own.run("print(1)").stdout == b"1\n"


def test_a_traceback_tells_of_the_code_alone(session: PythonSession) -> None:
    lines = session.run("def f():\n    raise ValueError(1)\nf()").stderr.splitlines()
    assert lines == [
        b"Traceback (most recent call last):",
        b'  File "<session>", line 3, in <module>',
        b'  File "<session>", line 2, in f',
        b"ValueError: 1",
    ]


# -- output is output
def test_output_of_each_call_is_its_own(session: PythonSession) -> None:
    first = session.run("import sys; print('out'); print('err', file=sys.stderr)")
    assert (first.stdout, first.stderr) == (b"out\n", b"err\n")
    assert (session.run("pass").stdout, session.run("pass").stderr) == (b"", b"")


def test_what_is_printed_at_once_is_output_as_a_whole(session: PythonSession) -> None:
    result = session.run("import sys; print('x' * 300_000); sys.stderr.write('y' * 200_000)")
    assert (result.stdout, result.stderr) == (b"x" * 300_000 + b"\n", b"y" * 200_000)


@pytest.mark.parametrize("code", [b"print(1)", None, "print('\ud800')"])
def test_code_that_is_no_text_is_refused_and_ends_nothing(session: PythonSession, code: str) -> None:
    with pytest.raises((TypeError, KernelError), match=r"^code "):
        session.run(code)


@pytest.mark.parametrize(
    "code", ["print('0')", "print('7\\n' * 100)", "import os; os.write(2, bytes(range(256)))"]
)
def test_what_is_printed_is_no_answer(session: PythonSession, code: str) -> None:
    assert session.run(code + "\nraise SystemExit(3)").exit_code == 3


def test_too_much_output_fails_in_the_code_and_is_not_in_the_next_call() -> None:
    with PythonSession(limits=Limits(output=1000)) as small:
        result = small.run("for i in range(1000): print('x' * 99)")
        assert (result.exit_code, result.truncated, len(result.stdout)) == (1, True, 1000)
        assert b"OSError: [Errno 51] No space left on device" in result.stderr
        assert result.limits_met == ("output",)
        after = small.run("print('y')")
        assert (after.stdout, after.truncated) == (b"y\n", False)


@pytest.mark.parametrize("answer", ["b'0\\n'", "b'x' * 10000", "b'\\xff\\n'", "b'\\n'", "b'9' * 31 + b'\\n'"])
def test_an_answer_that_code_forges_ends_its_call_and_harms_nobody(own: PythonSession, answer: str) -> None:
    result = own.run(f"import os; os.write(0, {answer})")
    assert result.killed is None
    own.kernel.check()


# -- input
def test_code_reads_its_input_and_then_an_end(session: PythonSession) -> None:
    code = "import sys; print([input(), sys.stdin.read(), sys.stdin.read()])"
    assert session.run(code, stdin=b"1\n2\n3").stdout == b"['1', '2\\n3', '']\n"


def test_input_that_is_not_read_is_not_the_next_calls(session: PythonSession) -> None:
    session.run("input()", stdin=b"first\nprint('bad')\n")
    session.run("pass", stdin=b"x" * 100_000)
    assert session.run("print(repr(input()))", stdin=b"second").stdout == b"'second'\n"


def test_code_and_input_of_a_megabyte(session: PythonSession) -> None:
    result = session.run(
        "#" * (1 << 20) + "\nimport sys; print(len(sys.stdin.read()))", stdin=b"x" * (1 << 20)
    )
    assert result.stdout == b"1048576\n"


# -- ends
@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(60)"])
def test_a_timeout_ends_a_session_and_another_can_be_made(own: PythonSession, code: str) -> None:
    with pytest.raises(SessionEnded, match="wall limit: it had not ended after") as caught:
        own.run("print('before')\n" + code, timeout=2)
    assert (caught.value.result.exit_code, caught.value.result.stdout) == (137, b"before\n")
    with pytest.raises(SessionEnded, match="wall limit"):
        own.run("pass")
    with PythonSession() as another:
        assert another.run("print(1)").stdout == b"1\n"


def test_time_and_processor_are_each_calls() -> None:
    with PythonSession(limits=Limits(wall=60, cpu=0.5)) as session:
        for _ in range(6):
            assert (
                session.run(
                    "import time\nuntil = time.time() + 0.2\nwhile time.time() < until: pass"
                ).exit_code
                == 0
            )
        with pytest.raises(SessionEnded, match="cpu limit") as caught:
            session.run("while True: pass")
        assert caught.value.result.limit == "cpu"
    with PythonSession(limits=Limits(wall=0.3)) as session:
        with pytest.raises(SessionEnded, match="wall limit") as caught:
            session.run("import time; time.sleep(60)")
        assert caught.value.result.limit == "wall"


def test_who_takes_most_of_the_heap_ends(own: PythonSession) -> None:
    code = "import os\nopen('/f', 'w').close()\nwhile True: os.open('/f', os.O_RDONLY)"
    with pytest.raises(SessionEnded, match="out of memory") as caught:
        own.run(code, timeout=120)
    assert caught.value.result.exit_code == 137


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os; os._exit(3)", "the interpreter exited with status 3"),
        ("import os; os.close(0)", "the interpreter exited with status 1"),
    ],
)
def test_an_interpreter_that_ends_itself(own: PythonSession, code: str, why: str) -> None:
    with pytest.raises(SessionEnded, match=why):
        own.run(code, timeout=60)


def test_a_signal_ends_a_session(own: PythonSession) -> None:
    threading.Timer(0.3, signal.raise_signal, (signal.SIGINT,)).start()
    with pytest.raises(KeyboardInterrupt):
        own.run("while True: pass", timeout=60)
    with pytest.raises(SessionEnded, match="interrupted"):
        own.run("pass")


def test_a_closed_session() -> None:
    session = PythonSession()
    session.close()
    session.close()
    with pytest.raises(KernelError, match="closed"):
        session.run("pass")


def test_calls_of_several_threads_come_one_after_the_other(session: PythonSession) -> None:
    session.run("total = 0")
    threads = [threading.Thread(target=session.run, args=(f"total += {i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert session.run("print(total)").stdout == b"28\n"


def test_a_hundred_calls_take_no_more_of_the_heap(session: PythonSession) -> None:
    session.run("print(1)")
    before = session.kernel.statistics().heap.live
    for _ in range(100):
        session.run("print('x' * 1000)")
    assert session.kernel.statistics().heap.live <= before + 2048


def test_the_error_can_be_pickled(own: PythonSession) -> None:
    with pytest.raises(SessionEnded) as caught:
        own.run("import os; os._exit(1)")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.result) == (str(caught.value), caught.value.result)
