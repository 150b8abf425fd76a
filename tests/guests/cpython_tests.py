"""CPython's own test files under CPython 3.12 as a guest: on hardtack and under wasmtime's own WASI, side by side.

`make guest-tests`, or this script with names of test files. Each file runs once on either host, with a directory of
the host that holds the `test` package and one, fresh, for its own files. The outcome of every single test is compared.
Where the two differ, the table names the tests, and the script fails unless KNOWN says why.

The wheel of the guest has no tests. They are taken from a Python 3.12 of this machine that has them; where there is
none, from Debian's libpython3.11-testsuite, which is fetched and unpacked, not installed: then many tests fail, on both
hosts alike, since they are another version's.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import wasmtime

from hardtack import Kernel, Limits
from hardtack.runtime.interpreter import find_interpreter

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guest-tests.md"
SECONDS = 900
NAMES = """
    test_json test_re test_dict test_os test_tempfile test_shutil test_posixpath test_genericpath test_glob test_stat
    test_fnmatch test_linecache test_shelve test_gzip test_struct test_string test_textwrap test_collections test_csv
    test_bisect test_base64 test_bool
"""
KNOWN: dict[str, str] = {}  # name of a test, and why it ends otherwise here
_RUN = r"""
import sys, unittest
import test.support
sys.stdout = sys.stderr
class Result(unittest.TestResult):
    def startTest(self, test): super().startTest(test); self.outcome = "ok"
    def addError(self, test, error):
        self.outcome = "error"
        if not isinstance(test, unittest.TestCase) or not hasattr(test, "_testMethodName"): self.tell(test)
    def addFailure(self, test, error): self.outcome = "failure"
    def addSkip(self, test, why):
        self.outcome = "skipped"
        if not hasattr(test, "_testMethodName"): self.tell(test)
    def addExpectedFailure(self, test, error): self.outcome = "ok"
    def addUnexpectedSuccess(self, test): self.outcome = "failure"
    def addSubTest(self, test, sub, error):
        if error is not None: self.outcome = "failure"
    def stopTest(self, test): self.tell(test)
    def tell(self, test):
        name = test.id() if hasattr(test, "id") else str(test)
        with open("/out/outcomes", "a") as file: print(self.outcome, name.split(" ")[0], file=file)
try:
    suite = unittest.defaultTestLoader.loadTestsFromName("test." + sys.argv[1])
    suite.run(Result())
except unittest.SkipTest:
    with open("/out/outcomes", "a") as file: print("skipped", sys.argv[1], file=file)
with open("/out/outcomes", "a") as file: print("end", file=file)
"""


@dataclass
class Outcome:
    """What came of one file on one host."""

    tests: dict[str, str]
    ended: bool
    seconds: float

    def count(self, outcome: str) -> int:
        return sum(found == outcome for found in self.tests.values())

    def __str__(self) -> str:
        bad = self.count("failure") + self.count("error")
        text = f"{self.count('ok')} ok, {self.count('skipped')} skipped, {bad} failed"
        return text if self.ended else f"{text}, then did not end"


# -- the test files
def find_tests(folder: Path) -> tuple[Path, str]:
    """Return a directory that holds the package `test`, and where it is from."""
    say = "import sys, test.support; print(test.__path__[0]); print(sys.version.split()[0])"
    for python in ["python3.12", *sorted(map(str, Path.home().glob(".pyenv/versions/3.12*/bin/python")))]:
        try:
            done = subprocess.run([python, "-c", say], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        package, version = done.stdout.split()
        shutil.copytree(package, folder / "test", ignore=shutil.ignore_patterns("__pycache__"))
        return folder, f"CPython {version}"
    subprocess.run(["apt-get", "download", "libpython3.11-testsuite"], cwd=folder, check=True)
    (archive,) = folder.glob("*.deb")
    subprocess.run(["dpkg", "-x", str(archive), str(folder / "deb")], check=True)
    shutil.move(folder / "deb" / "usr" / "lib" / "python3.11" / "test", folder / "test")
    return folder, "CPython 3.11 (Debian's libpython3.11-testsuite)"


# -- the hosts
def arguments(name: str) -> list[str]:
    return ["-B", "-c", _RUN, name]


def environment() -> dict[str, str]:
    return {"PYTHONPATH": "/tests", "TMPDIR": "/tmp", "HOME": "/tmp", "PYTHONHASHSEED": "0"}


def on_hardtack(python: Path, dirs: dict[str, Path], name: str) -> None:
    with Kernel(heap="512 MiB", memory="2 GiB", dirs=dirs) as kernel:
        result = kernel.run(
            python, arguments(name), env=environment(), limits=Limits(wall=SECONDS, output="64 MiB")
        )
        kernel.check()
    if result.killed or result.failure:
        print(f"{name}: {result.killed or result.failure}", file=sys.stderr)


def on_wasmtime(python: Path, dirs: dict[str, Path], name: str) -> None:
    settings = wasmtime.Config()
    settings.cache = True
    engine = wasmtime.Engine(settings)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    config = wasmtime.WasiConfig()
    config.argv = [python.name, *arguments(name)]
    config.env = list(environment().items())
    for guest, host in dirs.items():
        config.preopen_dir(str(host), guest)
    config.stdout_file = config.stderr_file = os.devnull
    with wasmtime.Store(engine) as store:
        store.set_wasi(config)
        module = wasmtime.Module.from_file(engine, str(python))
        start = linker.instantiate(store, module).exports(store)["_start"]
        assert isinstance(start, wasmtime.Func)
        try:
            start(store)
        except wasmtime.ExitTrap:
            pass
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            print(f"{name}: {str(error).splitlines()[-1].strip()}", file=sys.stderr)


HOSTS = {"hardtack": on_hardtack, "wasmtime": on_wasmtime}


def measure(host: str, tests: Path, name: str) -> Outcome:
    """Run one file in a process of its own: what a host leaves behind is not the next one's."""
    with tempfile.TemporaryDirectory() as scratch:
        began = time.monotonic()
        command = [
            sys.executable,
            __file__,
            "--host",
            host,
            "--tests",
            str(tests),
            "--scratch",
            scratch,
            name,
        ]
        try:
            subprocess.run(command, timeout=SECONDS + 60, check=False)
        except subprocess.TimeoutExpired:
            print(f"{name} on {host}: killed after {SECONDS + 60} s", file=sys.stderr)
        seconds = time.monotonic() - began
        outcomes = Path(scratch) / "out" / "outcomes"
        lines = outcomes.read_text().splitlines() if outcomes.exists() else []
    found = {}
    for line in lines:
        outcome, _, test = line.partition(" ")
        if test:
            found[re.sub(" at 0x[0-9a-f]+", "", test)] = outcome
    return Outcome(found, "end" in lines, seconds)


def run_one(host: str, tests: Path, scratch: Path, name: str) -> None:
    for folder in ("out", "tmp", "root"):
        (scratch / folder).mkdir()
    own = scratch / "tests"  # tests may remove what they find
    shutil.copytree(tests / "test", own / "test", copy_function=os.link)
    dirs = {"/tests": own, "/out": scratch / "out", "/tmp": scratch / "tmp"}
    if host == "wasmtime":  # hardtack has a root of its own
        dirs["/"] = scratch / "root"
    HOSTS[host](Path(os.fspath(find_interpreter())), dirs, name)


# -- the table
def different(one: Outcome, other: Outcome) -> list[str]:
    names = sorted(one.tests.keys() | other.tests.keys())
    return [
        f"{name}: {one.tests.get(name, 'not run')}, there {other.tests.get(name, 'not run')}"
        for name in names
        if one.tests.get(name) != other.tests.get(name)
    ]


def page(source: str, rows: list[tuple[str, Outcome, Outcome]]) -> str:
    lines = [
        "# CPython's tests as a guest",
        "",
        "Made by `make guest-tests`: CPython's own test files under CPython 3.12.0 as a guest, on hardtack and under",
        f"wasmtime's own WASI. The files are those of {source}. WASI has no threads, subprocesses or permissions, so many",
        "tests are skipped and a few fail; what matters is that each ends in the same way on both hosts.",
        "",
        "| file | on hardtack | under wasmtime's WASI | tests that end differently | seconds, both |",
        "|---|---|---|---|---|",
    ]
    for name, ours, theirs in rows:
        apart = different(ours, theirs)
        same = "none" if not apart else f"{len(apart)}"
        lines.append(f"| {name} | {ours} | {theirs} | {same} | {ours.seconds:.1f}, {theirs.seconds:.1f} |")
    total = sum(len(ours.tests) for _, ours, _ in rows)
    apart = [text for _, ours, theirs in rows for text in different(ours, theirs)]
    lines += ["", f"{total} tests in {len(rows)} files; {len(apart)} end differently.", ""]
    lines += [f"- {text}{_why(text)}" for text in apart]
    return "\n".join(lines).rstrip() + "\n"


def _why(text: str) -> str:
    reason = KNOWN.get(text.partition(":")[0])
    return f" ({reason})" if reason else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES.split())
    parser.add_argument("--host", choices=HOSTS)
    parser.add_argument("--tests", type=Path)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--json", type=Path, help="write every test's outcome")
    given = parser.parse_args()
    if given.host:
        run_one(given.host, given.tests, given.scratch, given.names[0])
        return 0
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        tests, source = find_tests(Path(folder))
        for name in given.names:
            ours, theirs = (measure(host, tests, name) for host in HOSTS)
            rows.append((name, ours, theirs))
            print(f"{name}: {ours} | {theirs}", flush=True)
            for text in different(ours, theirs):
                print(f"  {text}{_why(text)}", flush=True)
    if given.names == NAMES.split():
        PAGE.write_text(page(source, rows))
    if given.json:
        given.json.write_text(json.dumps({name: [a.tests, b.tests] for name, a, b in rows}, indent=1) + "\n")
    unknown = [t for _, a, b in rows for t in different(a, b) if t.partition(":")[0] not in KNOWN]
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
