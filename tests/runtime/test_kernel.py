"""The Python face: what callers give, what strikes them while a kernel works, threads, life and death."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
import wasmtime

from hardtack import InternalError, Kernel, KernelError, Process, ProgramError, Result
from hardtack.runtime.worker import Job, Worker, wait_for

pytestmark = pytest.mark.usefixtures("no_descriptor_left")


@pytest.fixture
def no_descriptor_left() -> Iterator[None]:
    gc.collect()
    before = host_descriptors()
    yield
    gc.collect()
    assert host_descriptors() == before


@pytest.fixture
def kernel(no_descriptor_left: None) -> Iterator[Kernel]:
    with Kernel(heap="16 MiB") as made:
        yield made
        made.check()
        assert made.statistics().processes == 0
        assert made.run("/bin/echo", ["well"]).stdout == b"well\n"


def host_descriptors() -> list[str]:
    """What this process has open, but for compiled programs: wasmtime lets go of them with the last reference."""
    opened = []
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            target = os.readlink(f"/proc/self/fd/{fd}")
            if not target.endswith(".code"):
                opened.append(f"{fd} {target}")
    return sorted(opened)


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


# -- exceptions from outside
class Struck(Exception):
    pass


@pytest.fixture
def alarms() -> Iterator[None]:
    def strike(number: int, frame: FrameType | None) -> None:
        while frame is not None:  # in a run, and not in this test
            if frame.f_code is Worker.call_until.__code__:
                raise Struck
            frame = frame.f_back

    before = signal.signal(signal.SIGALRM, strike)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


BUSY = {
    "/bin/spin": (),
    "/bin/sleeper": ("60",),
    "/bin/sh": ("-c", "yes | cat | wc"),
    "/bin/forkbomb": (),
    "/bin/mail": ("ann", "1000000"),
}


@pytest.mark.usefixtures("alarms")
@pytest.mark.parametrize("program", BUSY)
def test_a_handler_that_raises_strikes_the_caller_and_not_the_kernel(kernel: Kernel, program: str) -> None:
    for delay in (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1):
        signal.setitimer(signal.ITIMER_REAL, delay, 0.01)
        with pytest.raises(Struck):
            kernel.run(program, BUSY[program])
        signal.setitimer(signal.ITIMER_REAL, 0)
        kernel.check()
        assert kernel.statistics().processes == 0


@pytest.mark.usefixtures("alarms")
def test_a_signal_that_does_not_wake_the_caller_strikes_it_soon_all_the_same(kernel: Kernel) -> None:
    """As one does that comes between a thread's last look at signals and its sleep; here another thread takes it."""
    threading.Timer(0.2, signal.raise_signal, (signal.SIGALRM,)).start()
    began = time.monotonic()
    with pytest.raises(Struck):
        kernel.run("/bin/spin", timeout=60)
    assert time.monotonic() - began < 30
    assert kernel.statistics().processes == 0


@pytest.mark.usefixtures("alarms")
def test_handlers_that_raise_again_and_again_do_no_harm(kernel: Kernel) -> None:
    struck = 0
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    stop = time.monotonic() + 1
    while time.monotonic() < stop:
        try:
            kernel.run("/bin/sh", ["-c", "echo hello | wc"])
        except Struck:
            struck += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert struck > 10
    assert running(kernel) == []


def test_a_caller_that_is_struck_again_while_it_gives_up_leaves_nothing_to_run() -> None:
    class Stubborn(Job):
        def stop(self) -> None:
            strikes.append(len(strikes))
            if len(strikes) < 3:  # as a signal's handler may, at this very moment
                raise Struck
            super().stop()

    strikes: list[int] = []

    def begin(job: Job) -> None:
        raise Struck

    job = Stubborn(lambda: None, None)
    with pytest.raises(Struck):
        wait_for(job, begin, lambda: None)
    assert job.finished
    assert strikes == [0, 1, 2]


def running(kernel: Kernel) -> list[object]:
    system = kernel._system
    return [system.process(pid) for pid in range(1, 100) if system.process(pid) is not None]


def test_a_handler_that_returns_disturbs_nothing(kernel: Kernel) -> None:
    calls = []
    before = signal.signal(signal.SIGALRM, lambda *_: calls.append([bytes(1000) for _ in range(100)]))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        result = kernel.run("/bin/mail", ["ann", "300"])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert result.exit_code == 0
    assert calls
    assert kernel.statistics().heap.overruns == 0


def test_an_exception_sent_to_the_callers_thread_arrives_there(kernel: Kernel) -> None:
    caught: list[BaseException] = []

    def call() -> None:
        try:
            kernel.run("/bin/spin", timeout=0.3)
        except BaseException as error:
            caught.append(error)

    thread = in_thread(call)
    time.sleep(0.05)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Struck))
    thread.join()
    assert [type(error) for error in caught] == [Struck]


INTERRUPTED = """
import asyncio, os, signal, threading, time
from hardtack import Kernel
kernel = Kernel(heap="16 MiB")
async def main():
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    print(kernel.run("/bin/spin", timeout=1).killed)
    await asyncio.sleep(5)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
print(kernel.run("/bin/echo", ["well"]).stdout)
"""


def test_ctrl_c_in_an_event_loop(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["interrupted", "b'well\\n'"]


def test_a_run_near_the_recursion_limit_runs_or_raises_recursion_error(kernel: Kernel) -> None:
    outcomes = set()

    def run_at(depth: int) -> Result:
        return run_at(depth - 1) if depth else kernel.run("/bin/sh", ["-c", "echo deep | cat"])

    for depth in range(sys.getrecursionlimit() - 150, sys.getrecursionlimit()):
        try:
            outcomes.add(run_at(depth).stdout)
        except RecursionError:
            outcomes.add(b"refused")
    assert outcomes == {b"deep\n", b"refused"}


# -- threads
def test_a_kill_from_another_thread_arrives_between_two_turns(kernel: Kernel) -> None:
    for program in BUSY:
        process = kernel.spawn(program, BUSY[program])
        thread = in_thread(lambda process=process: (time.sleep(0.05), process.kill("enough")))
        assert process.wait(timeout=30).killed == "enough"
        thread.join()


def test_threads_share_a_kernel(kernel: Kernel) -> None:
    results: list[Result] = []

    def call(number: int) -> None:
        for _ in range(20):
            results.append(
                kernel.run("/bin/cat", [f"/f{number}"], files={f"/f{number}": b"%d" % number}, timeout=60)
            )
            kernel.statistics()

    threads = [in_thread(lambda number=number: call(number)) for number in range(8)]
    for thread in threads:
        thread.join()
    outputs = sorted(result.stdout for result in results)
    assert outputs == sorted(b"%d" % number for number in range(8) for _ in range(20))


def test_two_threads_wait_for_the_same_process(kernel: Kernel) -> None:
    process = kernel.spawn("/bin/echo", ["once"])
    results: list[Result] = []
    threads = [in_thread(lambda: results.append(process.wait())) for _ in range(2)]
    for thread in threads:
        thread.join()
    assert [result.stdout for result in results] == [b"once\n"] * 2


def test_a_close_ends_what_other_threads_wait_for() -> None:
    kernel = Kernel(heap="16 MiB")
    process = kernel.spawn("/bin/spin")
    results: list[Result] = []
    thread = in_thread(lambda: results.append(process.wait()))
    time.sleep(0.05)
    kernel.close()
    thread.join()
    assert results[0].killed == "the kernel was closed"
    with pytest.raises(KernelError, match="closed"):
        kernel.run("/bin/true")


def test_a_wait_for_what_has_ended_does_not_wait_for_others(kernel: Kernel) -> None:
    slow, quick = kernel.spawn("/bin/spin"), kernel.spawn("/bin/true")
    thread = in_thread(lambda: slow.wait(timeout=5))
    start = time.monotonic()
    assert quick.wait().exit_code == 0
    assert kernel.run("/bin/echo", ["quick"]).stdout == b"quick\n"
    assert time.monotonic() - start < 4
    slow.kill()
    thread.join()


def test_timeouts_of_several_threads_run_at_the_same_time(kernel: Kernel) -> None:
    killed: list[str | None] = []
    start = time.monotonic()
    threads = [
        in_thread(lambda: killed.append(kernel.run("/bin/spin", timeout=0.5).killed)) for _ in range(6)
    ]
    for thread in threads:
        thread.join()
    assert time.monotonic() - start < 2.5
    assert killed == ["timeout: it had not ended after 0.5 s"] * 6


COSTLY = """
(module
  (import "wasi_snapshot_preview1" "%s" (func $call (param %s) (result i32)))
  (memory (export "memory") 1024)
  (func (export "_start") (loop $again (drop (call $call %s)) (br $again))))
"""
COSTLY_CALLS = {
    "random_get": ("i32 i32", "(i32.const 0) (i32.const 67108864)"),
    "fd_write": ("i32 i32 i32 i32", "(i32.const 1) (i32.const 0) (i32.const 1024) (i32.const 16)"),
    "poll_oneoff": ("i32 i32 i32 i32", "(i32.const 0) (i32.const 65536) (i32.const 1024) (i32.const 16)"),
    "path_open": (
        "i32 i32 i32 i32 i32 i64 i64 i32 i32",
        "(i32.const 3) (i32.const 1) (i32.const 0) (i32.const 4096) (i32.const 0) (i64.const 0) (i64.const 0)"
        " (i32.const 0) (i32.const 65536)",
    ),
}


@pytest.mark.parametrize("call", COSTLY_CALLS)
def test_calls_that_cost_much_do_not_put_off_timeouts_and_kills(kernel: Kernel, call: str) -> None:
    program = bytes(wasmtime.wat2wasm(COSTLY % (call, *COSTLY_CALLS[call])))
    start = time.monotonic()
    assert kernel.run(program, timeout=0.5).killed == "timeout: it had not ended after 0.5 s"
    process = kernel.spawn(program)
    thread = in_thread(lambda: (time.sleep(0.3), kernel.statistics(), process.kill("enough")))
    assert process.wait().killed == "enough"
    thread.join()
    assert time.monotonic() - start < 3


def test_random_bytes_fill_the_whole_of_a_large_buffer(kernel: Kernel) -> None:
    program = """
    (module
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 4)
      (func (export "_start") (local $at i32)
        (if (call $random (i32.const 0) (i32.const 200000)) (then (call $exit (i32.const 99))))
        (loop $next  ;; eight zero bytes in a row come up once in 2**64
          (if (i64.eqz (i64.load (local.get $at))) (then (call $exit (i32.const 1))))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (br_if $next (i32.lt_u (local.get $at) (i32.const 200000))))
        (if (i64.ne (i64.load (i32.const 200000)) (i64.const 0)) (then (call $exit (i32.const 2))))))
    """
    assert kernel.run(bytes(wasmtime.wat2wasm(program))).exit_code == 0


# -- life and death
def test_handles_of_programs_that_have_ended_keep_nothing_in_the_heap() -> None:
    with Kernel(heap="2 MiB") as kernel:
        reader, writer = os.pipe()
        other = kernel.spawn("/bin/cat", stdin=reader)
        handles = []
        for _ in range(1500):
            handles.append(kernel.spawn("/bin/true"))
            handles[-1].wait()
        assert other.running
        os.close(writer)
        os.close(reader)
        assert other.wait().exit_code == 0
        assert not kernel.statistics().kills
        assert [handle.wait().exit_code for handle in handles] == [0] * 1500


def test_a_kernel_that_is_dropped_lets_go_of_everything(tmp_path: Path) -> None:
    before, threads = host_descriptors(), threading.active_count()
    kernel = Kernel(heap="16 MiB", dirs={"/d": tmp_path})
    kernel.spawn("/bin/spin", stdout=1)
    assert host_descriptors() != before
    del kernel
    gc.collect()
    assert host_descriptors() == before
    assert threading.active_count() == threads


def test_what_a_job_gave_is_its_callers_alone() -> None:
    """A kernel that is dropped goes at once, though its thread has not let go of its last job yet."""
    worker, passed = Worker("a thread"), threading.Event()
    thing: set[int] | None = {1}
    seen = weakref.ref(thing)
    job = Job(lambda held=thing: held, None)
    job.notify = lambda: passed.wait(60)  # in the thread, which still has the job
    assert wait_for(job, worker.begin, worker.hurry) is thing
    thing = None
    assert seen() is None
    passed.set()
    worker.stop(lambda: None)


def test_a_kernel_that_could_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    threads = threading.active_count()
    with pytest.raises(KernelError, match="No such file"):
        Kernel(heap="16 MiB", dirs={"/d": tmp_path, "/e": tmp_path / "missing"})
    gc.collect()
    assert threading.active_count() == threads


def test_the_books_of_a_closed_kernel_can_be_read() -> None:
    kernel = Kernel(heap="16 MiB")
    kernel.spawn("/bin/spin")
    kernel.close()
    kernel.close()
    kernel.check()
    assert kernel.statistics().processes == 0


def test_a_forked_child_is_told_that_the_kernel_is_not_its(kernel: Kernel) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            kernel.run("/bin/true")
        except KernelError as error:
            os._exit(7 if "fork" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_an_exit_with_open_kernels_is_clean() -> None:
    script = "from hardtack import Kernel; k = Kernel('16 MiB'); k.spawn('/bin/spin'); k.run_turns(3); m = Kernel()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_finalizer_that_calls_its_kernel_from_inside_is_refused(kernel: Kernel) -> None:
    with pytest.raises(InternalError, match="from inside itself"):
        kernel._worker.call(kernel.statistics)


# -- what callers give
@pytest.mark.parametrize(
    ("heap", "fs_size", "says"),
    [
        ("1 MiB", 0, "needs 8192"),
        ("1 MiB", 100, "a file system of 100 bytes is too small"),
        ("100 KiB", "50 KiB", "102400 bytes.* is too small for a kernel.* it needs"),
        ("1 MiB", "1 MiB", "must be less than the heap's"),
        ("1 MiB", "1000 KiB", "it needs"),
        (0, 0, "must be less"),
    ],
)
def test_sizes_that_are_too_small_are_said_with_both_numbers(heap: str, fs_size: str, says: str) -> None:
    with pytest.raises(KernelError, match=says):
        Kernel(heap=heap, fs_size=fs_size)


def test_the_least_heap_that_is_named_is_enough() -> None:
    with pytest.raises(KernelError) as caught:
        Kernel(heap="64 KiB", fs_size="8 KiB")
    least = int(str(caught.value).rpartition("(")[2].split()[0])
    with pytest.raises(KernelError):
        Kernel(heap=least - 1, fs_size="8 KiB")
    with Kernel(heap=least, fs_size="8 KiB") as kernel:
        assert kernel.run("/bin/echo", ["enough"]).stdout == b"enough\n"


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"timeout": float("nan")}, ValueError, "timeout"),
        ({"timeout": -1}, ValueError, "timeout"),
        ({"timeout": "5"}, TypeError, "timeout"),
        ({"stdin": 9999}, KernelError, "descriptor 9999"),
        ({"stdin": "text"}, TypeError, "stdin is bytes"),
        ({"stdin": -1}, ValueError, "PIPE is for spawn"),
        ({"stdout": 9999}, KernelError, "descriptor 9999"),
        ({"stdout": 2**40}, KernelError, "descriptor"),
        (
            {"stdout": "out"},
            TypeError,
            "stdout, if .* is a descriptor or an open file of the host, .* not str",
        ),
        ({"stderr": io.BytesIO()}, TypeError, "stderr, if .* is a descriptor or .* not BytesIO"),
        ({"stdin": io.BytesIO()}, TypeError, "stdin, if .* is a descriptor or .* not BytesIO"),
        ({"env": "A=1"}, TypeError, "env is a mapping, {name: value}, not str"),
        ({"files": ["/f"]}, TypeError, "files is a mapping, {guest's path: content}, not list"),
        ({"stderr": subprocess.PIPE}, ValueError, "PIPE is for spawn"),
        ({"stdin": True}, TypeError, "stdin"),
        ({"env": {"A": 1}}, TypeError, "env maps strings to strings; 1 is none"),
        ({"env": {1: "A"}}, TypeError, "strings to strings"),
        ({"args": "args"}, TypeError, "sequence of strings"),
        ({"args": [1]}, TypeError, "sequence of strings"),
        ({"args": None}, TypeError, "args is a sequence of strings, not NoneType"),
        ({"listen": "127.0.0.1:0"}, TypeError, "listen is a sequence of .*: write .'127.0.0.1:0'."),
        ({"listen": None}, TypeError, "listen is a sequence of addresses or sockets, not NoneType"),
        ({"program": 5}, TypeError, "program, if it is not a path, is bytes, not int"),
        ({"files": {5: b""}}, TypeError, "files maps guests' paths to bytes; 5 is no path"),
        ({"args": ["a\0b"]}, KernelError, "NUL"),
        ({"env": {"A=B": "c"}}, KernelError, "variable's name"),
        ({"env": {"": "c"}}, KernelError, "variable's name"),
        ({"files": {"/f": "text"}}, TypeError, "files"),
        ({"files": {"": b""}}, KernelError, "no path"),
        ({"limits": 5}, TypeError, "Limits"),
        ({"program": "/bin/nothing"}, ProgramError, "No such file"),
        ({"program": b"nothing"}, ProgramError, "program"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    kernel: Kernel, given: dict[str, object], error: type[Exception], says: str
) -> None:
    arguments = {"program": "/bin/true", **given}
    with pytest.raises(error, match=says):
        kernel.run(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("dirs", [{"": "/tmp"}, {"a\0b": "/tmp"}, {"/d": "/tm\0p"}, {"/d": ""}])
def test_directories_that_make_no_sense_are_refused(dirs: dict[str, str]) -> None:
    with pytest.raises(KernelError):
        Kernel(heap="16 MiB", dirs=dirs)


@pytest.mark.parametrize("dirs", [["/tmp"], "/tmp", {"/d": 5}, {5: "/tmp"}])
def test_directories_of_another_kind_are_told_what_they_are(dirs: object) -> None:
    with pytest.raises(TypeError, match=r"^dirs "):
        Kernel(heap="16 MiB", dirs=dirs)  # type: ignore[arg-type]


def test_an_open_file_is_as_good_as_its_descriptor(kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"stdin")
    with (tmp_path / "in").open("rb") as stdin, (tmp_path / "out").open("wb") as stdout:
        assert kernel.run("/bin/cat", stdin=stdin, stdout=stdout).exit_code == 0
    assert (tmp_path / "out").read_bytes() == b"stdin"


def test_a_timeout_of_nothing_and_one_for_ever(kernel: Kernel) -> None:
    assert kernel.run("/bin/spin", timeout=0).killed == "timeout: it had not ended after 0 s"
    assert kernel.run("/bin/true", timeout=float("inf")).exit_code == 0
    assert kernel.run("/bin/true", timeout=1e300).exit_code == 0


def test_arguments_and_variables_arrive_as_the_bytes_that_they_were(kernel: Kernel) -> None:
    odd = b"\xff\xc3\xa4".decode(errors="surrogateescape")
    assert kernel.run("/bin/echo", [odd, "ä"]).stdout == b"\xff\xc3\xa4 \xc3\xa4\n"


def test_a_program_without_a_name(kernel: Kernel) -> None:
    with pytest.raises(ProgramError, match="'' names no program"):
        kernel.run("")


def test_a_program_may_be_any_bytes(kernel: Kernel) -> None:
    program = (Path(__import__("hardtack").__file__).parent / "programs" / "true.wasm").read_bytes()
    for kind in (bytes, bytearray, memoryview):
        assert kernel.run(kind(program)).exit_code == 0


def test_a_descriptor_may_be_closed_once_the_program_is_spawned(kernel: Kernel, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("in", "out", "secret")]
    paths[0].write_bytes(b"given")
    paths[2].write_bytes(b"secret")
    stdin, stdout = os.open(paths[0], os.O_RDONLY), os.open(paths[1], os.O_WRONLY | os.O_CREAT)
    process = kernel.spawn("/bin/cat", stdin=stdin, stdout=stdout, stderr=stdout)
    os.close(stdin)
    os.close(stdout)
    others = [os.open(paths[2], os.O_RDWR) for _ in range(2)]  # under the same numbers
    assert process.wait().exit_code == 0
    for fd in others:
        os.close(fd)
    assert [path.read_bytes() for path in paths[1:]] == [b"given", b"secret"]


def test_one_bug_is_raised_once_and_kept_for_the_check() -> None:
    with Kernel(heap="16 MiB") as kernel:
        kernel._system.report_bug("something that must not happen")
        with pytest.raises(InternalError, match="must not happen"):
            kernel.run("/bin/true")
        assert kernel.run("/bin/true").exit_code == 0
        with pytest.raises(InternalError, match="must not happen"):
            kernel.check()


def test_processes_have_different_pids(kernel: Kernel) -> None:
    processes: list[Process] = [kernel.spawn("/bin/true") for _ in range(5)]
    assert not any(a.pid == b.pid for a, b in itertools.combinations(processes, 2))
    assert all(process.running for process in processes)
    assert [process.wait().exit_code for process in processes] == [0] * 5
