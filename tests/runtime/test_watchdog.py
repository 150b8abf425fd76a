"""The watchdog's verdicts, on children that really abort, sleep, burn and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hardtack.runtime import watchdog
from hardtack.runtime.watchdog import Signs, Verdict, watch

PRELUDE = "import os, signal, sys, time; from hardtack.runtime.watchdog import Signs; signs = Signs(int(sys.argv[1]))"
RUNNING = "signs._words[1] = 1"
SPIN = "from hardtack import Kernel; k = Kernel('16 MiB'); p = k.spawn('/bin/spin')"


def verdict_on(*code: str) -> Verdict:
    signs = Signs()
    try:
        return watch(child_of(signs, *code), signs)
    finally:
        signs.close()


def child_of(signs: Signs, *code: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "\n".join([PRELUDE, *code]), str(signs.fd)]
    return subprocess.Popen(command, pass_fds=[signs.fd], stdout=stdout)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are enough for children that do so little."""
    monkeypatch.setattr(watchdog, "BUSY_SECONDS", 1.0)
    monkeypatch.setattr(watchdog, "IDLE_SECONDS", 1.0)
    monkeypatch.setattr(watchdog, "QUIET_SECONDS", 10.0)


def test_a_child_that_ends_has_its_status() -> None:
    verdict = verdict_on("sys.exit(3)")
    assert (verdict.outcome, verdict.status) == ("ended", 3)


def test_a_child_that_aborts_has_panicked() -> None:
    verdict = verdict_on("os.abort()")
    assert (verdict.outcome, verdict.status) == ("panicked", -signal.SIGABRT)


def test_a_child_that_another_signal_ends_has_crashed() -> None:
    verdict = verdict_on("os.kill(os.getpid(), signal.SIGSEGV)")
    assert verdict.outcome == "crashed"
    assert "SIGSEGV" in str(verdict)


@pytest.mark.usefixtures("impatient")
def test_silent_and_asleep_is_deadlocked() -> None:
    verdict = verdict_on(RUNNING, "time.sleep(60)")
    assert (verdict.outcome, verdict.status) == ("deadlocked", -signal.SIGKILL)
    assert verdict.silent_seconds >= 1
    assert verdict.busy_seconds < 0.2


@pytest.mark.usefixtures("impatient")
def test_silent_and_busy_is_livelocked() -> None:
    verdict = verdict_on(RUNNING, "while True: pass")
    assert (verdict.outcome, verdict.status) == ("livelocked", -signal.SIGKILL)
    assert verdict.busy_seconds > 0.1


@pytest.mark.usefixtures("impatient")
def test_signs_of_life_keep_it_alive() -> None:
    verdict = verdict_on(RUNNING, "for _ in range(25):", "    time.sleep(0.1); signs._words[0] += 1")
    assert verdict.outcome == "ended"


@pytest.mark.usefixtures("impatient")
def test_before_the_kernel_runs_there_is_more_patience() -> None:
    assert verdict_on("time.sleep(2)").outcome == "ended"


@pytest.mark.usefixtures("impatient")
def test_a_kernel_whose_turns_do_not_count_is_livelocked() -> None:
    verdict = verdict_on(SPIN, "with signs.given_by(k, lambda process: False): p.wait(60)")
    assert verdict.outcome == "livelocked"


def test_a_kernel_gives_its_figures() -> None:
    signs = Signs()
    try:
        code = (
            "from hardtack import Kernel",
            "k = Kernel('16 MiB')",
            "with signs.given_by(k): k.run('/bin/fdhog')",
        )
        assert watch(child_of(signs, *code), signs).outcome == "ended"
        assert signs.beats > 0
        assert not signs.running
        assert 15 << 20 < signs.peak <= 16 << 20
        assert signs.waits >= 1
    finally:
        signs.close()


def test_ctrl_c_at_the_first_look_leaves_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    def struck(_: int) -> None:
        signal.default_int_handler(signal.SIGINT, None)  # signals may be ignored where the tests run

    monkeypatch.setattr(watchdog, "_cpu_seconds", struck)
    signs = Signs()
    try:
        with child_of(signs, "signal.pause()") as child:
            with pytest.raises(KeyboardInterrupt):
                watch(child, signs)
            left = child.returncode is None
            child.kill()
        assert not left
    finally:
        signs.close()


def test_a_child_ends_when_its_watchdog_is_killed() -> None:
    """It is the child of a fork, which makes its kernel itself: nobody else would be there to see it go on."""
    code = (
        "if os.fork(): os.close(1); signal.pause()",
        "from hardtack import Kernel; k = Kernel('16 MiB')",
        "p = k.spawn('/bin/sh', ['-c', 'echo ready; spin'], stdout=1)",
        "try:",
        "    with signs.given_by(k): p.wait(30)",
        "finally:",
        "    print('it went on', flush=True)",
    )
    signs = Signs()
    try:
        with child_of(signs, *code, stdout=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            assert parent.stdout.readline() == b"ready\n"
            parent.kill()
            assert parent.stdout.read() == b""
    finally:
        signs.close()


def test_sigterm_takes_the_child_along() -> None:
    code = (
        "import sys; from hardtack.runtime.watchdog import Signs, start, watch; signs = Signs()",
        "child = start('hardtack.cli', ['run', '--signs-fd', str(signs.fd), '/bin/spin'], signs)",
        "print(child.pid, flush=True)",
        "watch(child, signs)",
    )
    watcher = subprocess.Popen([sys.executable, "-c", "\n".join(code)], stdout=subprocess.PIPE)
    assert watcher.stdout is not None
    pid = int(watcher.stdout.readline())
    time.sleep(0.2)
    watcher.terminate()
    assert watcher.wait(60) == 128 + signal.SIGTERM
    assert not _is_alive(pid)
    watcher.stdout.close()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
