"""`hardtack run`: streams, arguments, exit statuses, and what bad input is told."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from wasmtime import wat2wasm

from .conftest import HARDTACK, CommandLine, children_of, is_alive

HELLO = Path(__file__).parents[2] / "src" / "hardtack" / "programs" / "hello.wasm"
SAID = "hello, world\n"
KILLED, TRAPPED, INTERRUPTED, WRONG_USE, OWN_ERROR = 137, 134, 130, 2, 1


# -- what a program gets and gives
def test_the_guest_has_our_streams(cli: CommandLine) -> None:
    ending = cli("run", "/bin/sh", "-c", "cat; nope", stdin="through\n")
    assert (ending.status, ending.stdout, ending.stderr) == (127, "through\n", "sh: nope: not found\n")


def test_the_status_is_the_guests(cli: CommandLine) -> None:
    assert cli("run", "/bin/sh", "-c", "exit 7").status == 7


def test_what_follows_the_program_is_the_programs(cli: CommandLine) -> None:
    assert cli("run", "/bin/echo", "--heap", "-l", "--", "--help").stdout == "--heap -l -- --help\n"


def test_a_program_of_the_host(cli: CommandLine, tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "src" / "hardtack" / "programs" / "echo.wasm"
    (tmp_path / "my.wasm").write_bytes(source.read_bytes())
    assert cli("run", "my.wasm", "here", cwd=tmp_path).stdout == "here\n"


def test_stdin_from_a_file(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("one two\n")
    assert cli("run", "--stdin", tmp_path / "in", "/bin/wc", "-w").stdout == "2\n"


def test_directories_have_the_hosts_name_or_the_one_given(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("content")
    assert cli("run", "--dir", tmp_path, "/bin/cat", tmp_path / "f").stdout == "content"
    assert cli("run", "--dir", f"{tmp_path}::/d", "/bin/cat", "/d/f").stdout == "content"
    assert cli("run", "--dir", ".", "/bin/cat", "f", cwd=tmp_path).stdout == "content"


@pytest.mark.parametrize("given", ["pd", "./pd", "pd/", ".", "./", ".::/", "pd::/pd", "pd::./pd"])
def test_what_lies_below_a_relative_directory_starts_and_is_entered(
    cli: CommandLine, tmp_path: Path, given: str
) -> None:
    (tmp_path / "pd" / "sub").mkdir(parents=True)
    (tmp_path / "pd" / "x.wasm").write_bytes(HELLO.read_bytes())
    right = """
        pd/x.wasm; ./pd/x.wasm; /pd/x.wasm; pd/./x.wasm
        cd pd; ./x.wasm; pwd; /bin/pwd; ls; cd sub; ../x.wasm; /bin/pwd; ls ..
        """
    ending = cli("run", "--dir", given, "/bin/sh", "-c", right, cwd=tmp_path)
    listed = "sub\nx.wasm\n"
    expected = f"{4 * SAID}{SAID}/pd\n/pd\n{listed}{SAID}/pd/sub\n{listed}"
    assert (ending.stdout, ending.stderr) == (expected, "")


@pytest.mark.parametrize("given", ["pd", "."])
def test_what_is_not_below_a_relative_directory_is_told(cli: CommandLine, tmp_path: Path, given: str) -> None:
    (tmp_path / "pd" / "sub").mkdir(parents=True)
    (tmp_path / "pd" / "x.wasm").write_bytes(HELLO.read_bytes())
    wrong = "pd/no.wasm; pdx.wasm; sub/x.wasm; echo $?; pd/sub; echo $?; cd pdx; cd pd/x.wasm; /bin/pwd"
    ending = cli("run", "--dir", given, "/bin/sh", "-c", wrong, cwd=tmp_path)
    assert ending.stdout == "127\n126\n/\n"
    assert ending.stderr.splitlines() == [
        "sh: pd/no.wasm: not found",
        "sh: pdx.wasm: not found",
        "sh: sub/x.wasm: not found",
        "sh: pd/sub: Permission denied",
        "sh: pdx: No such file or directory",
        "sh: pd/x.wasm: Not a directory",
    ]


def test_a_disk_keeps_what_was_written_from_one_run_to_the_next(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "fs.db"
    assert cli("run", "--disk", file, "/bin/sh", "-c", "echo biscuit > /disk/f").status == 0
    assert cli("run", "--disk", file, "/bin/cat", "/disk/f").stdout == "biscuit\n"
    assert cli("run", "--disk", f"{file}::/d", "/bin/cat", "/d/f").stdout == "biscuit\n"
    assert "commits" in cli("run", "--stats", "--disk", file, "/bin/cat", "/disk/f").stderr


def test_the_environment_is_what_was_given(cli: CommandLine, tmp_path: Path) -> None:
    program = tmp_path / "env.wasm"
    program.write_bytes(wat2wasm(_PRINT_ENVIRONMENT))
    assert cli("run", "--env", "A=1", "--env", "B=x=y", program).stdout == "A=1\0B=x=y\0"


def test_arguments_are_bytes(tmp_path: Path) -> None:
    odd = "a\udcff\udcc3b\u20ac"  # as Python has bytes that are no UTF-8
    done = subprocess.run([HARDTACK, "run", "/bin/echo", odd], capture_output=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (os.fsencode(odd) + b"\n", b"")


def test_the_environment_is_bytes(tmp_path: Path) -> None:
    program = tmp_path / "env\udcff.wasm"
    program.write_bytes(wat2wasm(_PRINT_ENVIRONMENT))
    command = [HARDTACK, "run", "--env", "A\udcfe=\udcff", program]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (b"A\xfe=\xff\0", b"")


def test_a_name_that_is_no_utf_8_is_told(cli: CommandLine) -> None:
    ending = cli("run", "/no/such\udcff.wasm")
    assert (ending.status, ending.error) == (
        OWN_ERROR,
        "hardtack: /no/such\\udcff.wasm: No such file or directory",
    )


def test_statistics_go_to_standard_error(cli: CommandLine) -> None:
    ending = cli("run", "--heap", "16MiB", "--stats", "/bin/echo", "hi")
    assert ending.stdout == "hi\n"
    assert "% of 16.0 MiB" in ending.stderr
    assert "\x1b" not in ending.stderr
    for name in ("heap", "file system", "user memory", "waits", "kills", "overruns", "seconds"):
        assert f"\n{name} " in "\n" + ending.stderr


# -- guests that would not end
@pytest.mark.parametrize("program", [["/bin/spin"], ["/bin/sleeper", "60"], ["/bin/yes"]])
def test_timeout(cli: CommandLine, program: list[str]) -> None:
    started = time.monotonic()
    child = cli.start("run", "--timeout", "1", *program, stdout=subprocess.DEVNULL)
    _, stderr = child.communicate(timeout=60)
    name = Path(program[0]).name
    assert child.returncode == KILLED
    assert stderr.decode() == f"hardtack: {name} was killed: wall limit: it had not ended after 1 s\n"
    assert 1 <= time.monotonic() - started < 10


def test_a_writer_whose_reader_is_gone_gets_epipe(cli: CommandLine) -> None:
    child = cli.start("run", "/bin/yes", stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.read(4) == b"y\ny\n"
    child.stdout.close()
    assert child.stderr is not None
    assert child.stderr.read() == b"yes: write: Broken pipe\n"
    child.stderr.close()
    assert child.wait(60) == 1


def test_endless_recursion_traps(cli: CommandLine) -> None:
    ending = cli("run", "/bin/recurse")
    assert ending.status == TRAPPED
    assert ending.error.startswith("hardtack: recurse trapped: call stack exhausted")


def test_endless_memory_is_refused_at_the_budget(cli: CommandLine) -> None:
    ending = cli("run", "--memory", "32MiB", "/bin/memhog")
    assert (ending.status, ending.stdout) == (1, "memhog: 30 MiB, then Out of memory\n")


@pytest.mark.parametrize(
    ("hog", "heap"),
    [("fdhog", "16MiB"), ("pipehog", "16MiB"), ("forkbomb", "2MiB")],
)
def test_a_hog_of_the_heap_is_killed(cli: CommandLine, hog: str, heap: str) -> None:
    # fork bombs fill the user memory before a larger heap
    ending = cli("run", "--heap", heap, f"/bin/{hog}")
    assert ending.status == KILLED
    assert (
        ending.error == f"hardtack: {hog} was killed: out of memory: its group held most of the kernel's heap"
    )


def test_a_hog_does_not_live_on_what_collections_flush(cli: CommandLine) -> None:
    """Its waits themselves leave nothing behind that the next collection could give it."""
    ending = cli("run", "--heap", "16MiB", "--stats", "/bin/fdhog", "-k")
    assert ending.status == KILLED
    waits = re.search(r"^waits +(\d+) calls", ending.stderr, re.MULTILINE)
    assert waits is not None
    assert 1 <= int(waits[1]) <= 10


def test_a_hog_of_files_gets_enospc(cli: CommandLine) -> None:
    ending = cli("run", "--heap", "16MiB", "/bin/filehog")
    assert ending.status == 1
    assert ending.stdout.endswith("then No space left on device\n")


def test_the_status_is_taken_modulo_256(cli: CommandLine, tmp_path: Path) -> None:
    text = """(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 259))))"""
    (tmp_path / "p.wasm").write_bytes(wat2wasm(text))
    assert cli("run", tmp_path / "p.wasm").status == 3
    assert cli("run", "--on-exhaustion", "fail", tmp_path / "p.wasm").status == 3


@pytest.mark.parametrize("policy", ["reserve", "wait"])
def test_ctrl_c_ends_it_cleanly(cli: CommandLine, policy: str) -> None:
    child = cli.start(
        "run", "--on-exhaustion", policy, "/bin/sh", "-c", "echo ready; spin", stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    children = children_of(child.pid)
    os.killpg(child.pid, signal.SIGINT)
    _, stderr = child.communicate(timeout=60)
    assert (child.returncode, stderr.strip()) == (INTERRUPTED, b"")
    assert not any(map(is_alive, children))


# -- wrong use: status 2, one line
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--heap", "much"], "'much' is not a size"),
        (["--memory", "-1"], "'-1' is not a size"),
        (["--heap", "16MiB", "--fs-size", "16MiB"], "--fs-size 16.0 MiB must be less than --heap 16.0 MiB"),
        (["--env", "NAME"], "'NAME' is not of the form K=V"),
        (["--env", "=x"], "'=x' is not of the form K=V"),
        (["--dir", "::/x"], "'::/x' is not of the form HOST or HOST::GUEST"),
        (["--dir", "/tmp::/d", "--dir", "/var::/d"], "directories called '/d' and '/d' hide one another"),
        (["--timeout", "soon"], "'soon' is not a number of seconds"),
        (["--timeout", "-1"], "'-1' is not a number of seconds"),
        (["--timeout", "nan"], "'nan' is not a number of seconds"),
        (["--timeout", "-inf"], "'-inf' is not a number of seconds"),
        (["--on-exhaustion", "pray"], "'pray' is not one of"),
        (["--bogus"], "No such option"),
    ],
)
def test_wrong_use(cli: CommandLine, arguments: list[str], says: str) -> None:
    ending = cli("run", *arguments, "/bin/true")
    assert ending.status == WRONG_USE
    assert says in ending.error
    assert ending.error.endswith("(see 'hardtack run --help')")


def test_a_disk_too_small(cli: CommandLine, tmp_path: Path) -> None:
    ending = cli("run", "--disk", "x.db", "--disk-size", "1", "/bin/true", cwd=tmp_path)
    assert ending.status == WRONG_USE
    assert "x.db: a disk of 1 B is too small" in ending.error


@pytest.mark.parametrize("subcommand", ["run", "python"])
def test_an_option_without_its_value_points_to_the_help_that_has_it(
    cli: CommandLine, subcommand: str
) -> None:
    ending = cli(subcommand, "--heap")
    assert ending.status == WRONG_USE
    assert ending.error.endswith(f"(see 'hardtack {subcommand} --help')")


def test_a_dash_for_stdin_is_standard_input(cli: CommandLine) -> None:
    assert cli("run", "--stdin", "-", "/bin/cat", stdin="read").stdout == "read"


def test_a_trace_can_go_to_standard_error(cli: CommandLine, tmp_path: Path) -> None:
    ending = cli("run", "--trace", "-", "/bin/echo", "well", cwd=tmp_path)
    assert (ending.status, ending.stdout) == (0, "well\n")
    assert [line.split()[2] for line in ending.stderr.splitlines()][-2:] == ["args_get", "fd_write"]
    assert not list(tmp_path.iterdir())


def test_a_trace_that_cannot_be_written_is_named_and_the_program_goes_on(cli: CommandLine) -> None:
    ending = cli("run", "--trace", "/dev/full", "/bin/sh", "-c", "mail ann 400 > /dev/null; echo done")
    assert (ending.status, ending.stdout) == (OWN_ERROR, "done\n")
    assert ending.error == "hardtack: the trace /dev/full: No space left on device"


def test_a_disk_in_no_directory(cli: CommandLine, tmp_path: Path) -> None:
    ending = cli("run", "--disk", "nosuch/x", "/bin/true", cwd=tmp_path)
    assert (ending.status, ending.error) == (
        OWN_ERROR,
        f"hardtack: nosuch/x: there is no directory {tmp_path}/nosuch",
    )


def test_no_program(cli: CommandLine) -> None:
    ending = cli("run")
    assert ending.status == WRONG_USE
    assert "Missing argument 'PROGRAM'" in ending.error


# -- what cannot be run: status 1, one line
def test_no_such_program(cli: CommandLine) -> None:
    ending = cli("run", "/no/such.wasm")
    assert (ending.status, ending.error) == (OWN_ERROR, "hardtack: /no/such.wasm: No such file or directory")


@pytest.mark.parametrize(
    ("program", "way_out"),
    [
        ("sh", "the one that comes with hardtack is /bin/sh"),
        ("/bin/nosuch", "`hardtack run /bin/ls /bin` lists those that come with hardtack"),
    ],
)
def test_where_a_program_might_be(cli: CommandLine, program: str, way_out: str) -> None:
    ending = cli("run", program)
    assert ending.status == OWN_ERROR
    assert ending.error == f"hardtack: {program}: No such file or directory; {way_out}"


def test_a_limit_of_no_processes(cli: CommandLine) -> None:
    ending = cli("run", "--processes", "0", "/bin/true")
    assert ending.status == OWN_ERROR
    assert ending.error.endswith("processes limit: it is one process itself, the limit is 0")


def test_a_directory_is_no_input(cli: CommandLine) -> None:
    ending = cli("run", "--stdin", "/", "/bin/cat")
    assert (ending.status, ending.error) == (OWN_ERROR, "hardtack: --stdin /: Is a directory")


def test_the_least_that_help_names_of_a_disk_limit_is_enough(cli: CommandLine, tmp_path: Path) -> None:
    text = " ".join(cli("run", "--help").stdout.split())
    assert "less than 24KiB lets no file in memory grow, less than 2KiB none on the --disk" in text
    assert cli("run", "--disk-limit", "24KiB", "/bin/sh", "-c", "echo hi > f").status == 0
    on_disk = "run", "--disk", tmp_path / "fs", "--disk-limit", "2KiB", "/bin/sh", "-c", "echo hi > /disk/f"
    assert cli(*on_disk).status == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x7fELF\x02\x01\x01\0", "is not a WebAssembly module: it begins with b'\\x7fELF"),
        (b"", "is not a WebAssembly module: it is empty"),
        (b"(module)", "is not a WebAssembly module: it is the text format"),
        (b"\0asm\x0d\0\x01\0", "is a WebAssembly component"),
        (b"\0asm\x01\0\0\0\xff\xff", "is not a valid WebAssembly module"),
        (wat2wasm("(module)"), "has no _start"),
    ],
)
def test_no_program_in_the_file(cli: CommandLine, tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "bad.wasm").write_bytes(content)
    ending = cli("run", tmp_path / "bad.wasm")
    assert ending.status == OWN_ERROR
    assert f"bad.wasm {says}" in ending.error or "has no _start" in says


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/", "pipe", "sparse.wasm", "large.wasm"])
def test_no_program_is_read_to_its_end(cli: CommandLine, tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, start in (("sparse", b"\0"), ("large", b"\0asm\x01\0\0\0")):
        with (tmp_path / f"{name}.wasm").open("wb") as file:
            file.write(start)
            file.truncate(1 << 36)
    ending = cli("run", path, cwd=tmp_path)
    assert ending.status == OWN_ERROR
    says = {
        "sparse.wasm": "sparse.wasm is not a WebAssembly module: it begins with b'\\x00",
        "large.wasm": "large.wasm is too large for a program: it has 64.0 GiB (68719476736 bytes), the limit is ",
    }
    assert says.get(path, "is not a regular file but a") in ending.error


def test_unknown_imports_are_named(cli: CommandLine, tmp_path: Path) -> None:
    text = """(module
        (import "env" "abort" (func)) (import "wasi_snapshot_preview1" "sock_dance" (func))
        (memory (export "memory") 1) (func (export "_start")))"""
    (tmp_path / "p.wasm").write_bytes(wat2wasm(text))
    ending = cli("run", tmp_path / "p.wasm")
    assert ending.status == OWN_ERROR
    assert "env.abort" in ending.error
    assert "wasi_snapshot_preview1.sock_dance" in ending.error


@pytest.mark.parametrize("size", ["0", "300KiB"])
def test_a_heap_too_small_gives_both_numbers(cli: CommandLine, size: str) -> None:
    ending = cli("run", "--heap", size, "/bin/true")
    assert ending.status == WRONG_USE
    figures = [int(figure) for figure in re.findall(r"\((\d+) bytes\)", ending.error)]
    assert sorted(figures) == figures
    assert figures[0] < figures[1]


@pytest.mark.parametrize("size", ["0", "1", "100"])
def test_a_file_system_too_small_gives_both_numbers(cli: CommandLine, size: str) -> None:
    ending = cli("run", "--fs-size", size, "/bin/true")
    assert ending.status == WRONG_USE
    assert f"{size} bytes" in ending.error
    assert len(re.findall(r"\d+", ending.error)) == 2


def test_a_user_memory_too_small_gives_both_numbers(cli: CommandLine) -> None:
    ending = cli("run", "--memory", "100KiB", "/bin/true")
    assert ending.status == OWN_ERROR
    assert "needs 1.1 MiB" in ending.error
    assert "(102400 bytes)" in ending.error


def test_a_missing_directory(cli: CommandLine) -> None:
    ending = cli("run", "--dir", "/no/where", "/bin/true")
    assert ending.status == OWN_ERROR
    assert ending.error.startswith("hardtack: /no/where: No such file or directory")


def test_a_disk_that_is_none(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("to somebody\n" * 1000)
    ending = cli("run", "--disk", tmp_path / "letter", "/bin/true")
    assert (ending.status, ending.error) == (
        OWN_ERROR,
        f"hardtack: {tmp_path / 'letter'}: it is no file system of hardtack's",
    )


def test_a_disk_with_the_name_of_a_directory(cli: CommandLine, tmp_path: Path) -> None:
    ending = cli("run", "--dir", f"{tmp_path}::/d", "--disk", f"{tmp_path / 'fs.db'}::/d", "/bin/true")
    assert ending.status == WRONG_USE
    assert "directories called '/d' and '/d' hide one another" in ending.error


def test_a_missing_file_for_stdin(cli: CommandLine) -> None:
    ending = cli("run", "--stdin", "/no/where", "/bin/cat")
    assert (ending.status, ending.error) == (
        OWN_ERROR,
        "hardtack: --stdin /no/where: No such file or directory",
    )


# -- the fence around --dir
@pytest.mark.parametrize(
    "path",
    ["/d/../secret", "/d/sub/../../secret", "/d/up/secret", "/d/direct", "/d/absolute", "/d/sub/chain"],
)
def test_nothing_leads_out_of_a_directory(cli: CommandLine, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("secret")
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    (inside / "up").symlink_to("..")
    (inside / "direct").symlink_to("../secret")
    (inside / "absolute").symlink_to(tmp_path / "secret")
    (inside / "sub" / "chain").symlink_to("../direct")
    ending = cli("run", "--dir", f"{inside}::/d", "/bin/cat", path)
    assert (ending.status, ending.stdout) == (1, "")
    assert ending.error == f"cat: {path}: Operation not permitted"


def test_links_that_stay_inside_work(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "f").write_text("content")
    (tmp_path / "sub" / "link").symlink_to("../f")
    assert cli("run", "--dir", f"{tmp_path}::/d", "/bin/cat", "/d/sub/link").stdout == "content"


# -- the other policies, under the watchdog
def test_panic_ends_the_kernel(cli: CommandLine) -> None:
    ending = cli("run", "--heap", "16MiB", "--on-exhaustion", "panic", "/bin/fdhog")
    assert ending.status == OWN_ERROR
    assert "hardtack: heap exhausted" in ending.stderr
    assert "the kernel that ran fdhog panicked" in ending.stderr


def test_wait_is_found_to_be_deadlocked(cli: CommandLine) -> None:
    ending = cli("run", "--heap", "16MiB", "--on-exhaustion", "wait", "/bin/fdhog")
    assert ending.status == OWN_ERROR
    assert "the kernel that ran fdhog deadlocked" in ending.error


def test_fail_gives_enomem(cli: CommandLine) -> None:
    ending = cli("run", "--heap", "16MiB", "--on-exhaustion", "fail", "--stats", "/bin/fdhog")
    assert ending.status == 1
    assert "kills         0" in ending.stderr
    assert "failed calls  0" not in ending.stderr


@pytest.mark.parametrize("policy", ["fail", "panic", "wait"])
def test_nothing_differs_while_the_heap_is_not_full(cli: CommandLine, policy: str) -> None:
    ending = cli("run", "--on-exhaustion", policy, "/bin/sh", "-c", "cat | wc -c; exit 3", stdin="12345")
    assert (ending.status, ending.stdout, ending.stderr) == (3, "5\n", "")


def test_who_sleeps_is_not_deadlocked(cli: CommandLine) -> None:
    assert cli("run", "--on-exhaustion", "wait", "/bin/sleeper", "3").status == 0


def test_errors_come_out_of_the_child_as_they_are(cli: CommandLine) -> None:
    ending = cli("run", "--on-exhaustion", "fail", "/no/such.wasm")
    assert (ending.status, ending.error) == (OWN_ERROR, "hardtack: /no/such.wasm: No such file or directory")


_PRINT_ENVIRONMENT = """(module
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $get (i32.const 64) (i32.const 1024)))
    (i32.store (i32.const 8) (i32.const 1024))
    (i32.store (i32.const 12) (i32.load (i32.const 4)))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))))"""


# -- compilation
@pytest.mark.parametrize("interrupted", [False, True])
def test_a_long_compilation_is_shown_on_a_terminal(tmp_path: Path, interrupted: bool) -> None:
    program = tmp_path / "long.wasm"
    body = "(drop (i32.load (i32.const 0)))" * 900_000
    text = f'(module (memory (export "memory") 1) (func (export "_start")) (func {body}))'
    program.write_bytes(bytes(wat2wasm(text)))
    terminal, stderr = pty.openpty()
    cache = tmp_path / "cache"
    child = subprocess.Popen(
        [HARDTACK, "run", program], stderr=stderr, env={**os.environ, "HARDTACK_CACHE": str(cache)}
    )
    os.close(stderr)
    shown = b""
    while b"compiling long.wasm" not in shown:
        shown += os.read(terminal, 1024)
    if interrupted:
        child.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):  # the terminal's end
        while piece := os.read(terminal, 1024):
            shown += piece
    os.close(terminal)
    assert child.wait(60) == (INTERRUPTED if interrupted else 0)
    assert not list(cache.glob(".new-*"))
