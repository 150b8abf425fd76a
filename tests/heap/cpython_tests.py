"""CPython's own tests, run entirely inside a heap: `make cpython-tests`, or this script with names of test files.

Each file runs twice, in a process of its own: outside every heap, then with its import and all its tests
inside one. What fails must be the same. One Python of every version that hardtack supports is used, as far
as it is on this machine, has its tests and can build C; the native core is built for it in build/.

Needs nothing but the standard library: it runs itself under those Pythons.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
CAPACITY = "16 GiB"  # more than any of them asks for in earnest
SECONDS = 600  # for one file
NAMES = """
    test_array test_ast test_asyncgen test_bisect test_bufio test_builtin test_bytes test_class test_cmath
    test_collections test_complex test_context test_contextlib test_copy test_coroutines test_csv test_dataclasses
    test_decimal test_defaultdict test_deque test_descr test_dict test_dictviews test_enumerate test_exceptions
    test_fileio test_float test_format test_fractions test_fstring test_functools test_generators test_grammar
    test_heapq test_int test_iter test_itertools test_json test_list test_long test_marshal test_memoryio
    test_memoryview test_operator test_ordered_dict test_pickle test_range test_re test_set test_slice test_sort
    test_str test_string test_struct test_textwrap test_tokenize test_tuple test_typing test_unicode test_unpack
    test_userdict test_weakref test_xml_etree test_yield_from test_zlib
"""  # test_unicode is called test_str from 3.13 on
BY_THE_CLOCK = "test_denial_of_service_prevented_"  # these of test_int skip themselves where they were quick


@dataclass
class Outcome:
    """What came of one file: names of tests, and the heap's figures when it ran inside one."""

    tests: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    allocations: int = 0
    peak: int = 0
    seconds: float = 0.0


# ---------------------------------------------------------------- the child: one file, inside or outside


def tests_of(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """Yield the tests of a suite whose outcome does not depend on the moment."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        elif BY_THE_CLOCK not in test.id():
            yield test


def run_tests(name: str) -> Outcome:
    """Run one of CPython's test files in this process."""
    from test import support
    from test.support import os_helper

    support.use_resources = []  # none of those that need a network, minutes, or gigabytes
    with os_helper.temp_cwd():
        suite = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(f"test.{name}"))
        suite = unittest.TestSuite(tests_of(suite))
        result = unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(suite)
        failed = [test.id() for test, _ in [*result.failures, *result.errors]]
        failed += [f"{test.id()} (unexpected success)" for test in result.unexpectedSuccesses]
        for test, trace in [*result.failures, *result.errors]:
            print(test.id(), trace, sep="\n", file=sys.stderr)
        return Outcome(result.testsRun, len(result.skipped), sorted(failed))


def child(name: str, inside: bool, output: str) -> None:
    """Run one file as this whole process, and write the outcome."""
    if inside:
        from hardtack.heap import Heap

        heap = Heap(CAPACITY, name=name)
        with heap:
            outcome = run_tests(name)
        gc.collect()
        heap.check()
        statistics = heap.statistics()
        outcome.allocations, outcome.peak = statistics.allocations, statistics.peak
    else:
        outcome = run_tests(name)
    Path(output).write_text(json.dumps(asdict(outcome)))


# ---------------------------------------------------------------- the parent


def pythons() -> dict[str, list[Path]]:
    """Return for each version the Pythons that might be it."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {}
    for version in VERSIONS:
        paths = [Path(sys.executable)] if sys.version.startswith(f"{version}.") else []
        paths += sorted(pyenv.glob(f"{version}.*/bin/python{version}"), reverse=True)
        paths += [Path(path) for path in [shutil.which(f"python{version}")] if path]
        found[version] = paths
    return found


PROBE = """
import json, pathlib, sys, sysconfig, test.test_list, test.support
assert not sysconfig.get_config_var("Py_GIL_DISABLED")
paths = sysconfig.get_paths()
assert pathlib.Path(paths["include"], "Python.h").exists()
print(json.dumps([sys.version.split()[0], paths["include"], sysconfig.get_config_var("EXT_SUFFIX"),
                  [n for n in sys.argv[1:] if pathlib.Path(test.__path__[0], n).exists()
                   or pathlib.Path(test.__path__[0], n + ".py").exists()]]))
"""


@dataclass
class Python:
    """One interpreter, with hardtack's heap built for it."""

    path: Path
    version: str
    library: Path
    files: list[str]


def prepare(path: Path, names: list[str]) -> Python | None:
    """Build the heap for a Python; None if it has no tests or no headers."""
    command = [str(path), "-P", "-c", PROBE, *names]
    probe = subprocess.run(command, capture_output=True, text=True, check=False)
    if probe.returncode:
        return None
    version, include, suffix, files = json.loads(probe.stdout)
    library = ROOT / "build" / "cpython-tests" / version
    shutil.rmtree(library, ignore_errors=True)
    shutil.copytree(
        ROOT / "src" / "hardtack",
        library / "hardtack",
        ignore=shutil.ignore_patterns("*.so", "__pycache__", "*.wasm"),
    )
    native = library / "hardtack" / "heap" / "_native"
    flags = [
        "-std=gnu11",
        "-O2",
        "-Wall",
        "-Wextra",
        "-ftls-model=initial-exec",
        "-shared",
        "-fPIC",
        f"-I{include}",
    ]
    subprocess.run(["cc", *flags, str(native) + ".c", "-o", str(native) + suffix], check=True)
    return Python(path, version, library, files)


def run_child(python: Python, name: str, inside: bool) -> Outcome:
    """Run one file under a Python; one that dies has failed as a whole."""
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "outcome.json")
        where = "inside" if inside else "outside"
        command = [
            str(python.path),
            "-P",
            "-X",
            "faulthandler",
            __file__,
            "--child",
            where,
            "--output",
            str(output),
            name,
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": str(python.library),
            "PYTHONHASHSEED": "1",
            "TMPDIR": directory,
        }
        start = time.monotonic()
        try:
            done = subprocess.run(
                command,
                cwd=directory,
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
            )
            ended, log = f"ended with {done.returncode}", done.stderr
        except subprocess.TimeoutExpired:
            ended, log = f"did not end in {SECONDS} s", ""
        seconds = time.monotonic() - start
        (python.library / f"{name}.{where}.log").write_text(log)
        if output.exists() and ended == "ended with 0":
            return Outcome(**{**json.loads(output.read_text()), "seconds": seconds})
        return Outcome(failed=[f"{name} {ended}"], seconds=seconds)


def row(name: str, outside: Outcome, inside: Outcome) -> tuple[str, bool]:
    """Return a line of the table, and whether both runs came to the same."""
    same = (outside.tests, outside.skipped, outside.failed) == (inside.tests, inside.skipped, inside.failed)
    cells = [
        f"{name:<18}{inside.tests:>6}{inside.skipped:>8}{len(outside.failed):>9}{len(inside.failed):>8}",
        f"{inside.allocations:>13,}{inside.peak / 1e6:>9.1f}{outside.seconds:>9.1f}{inside.seconds:>8.1f}",
        "" if same else "  DIFFERS",
    ]
    line = "".join(cells)
    if (outside.tests, outside.skipped) != (inside.tests, inside.skipped):
        line += f"\n    outside: {outside.tests} tests, {outside.skipped} skipped"
    for where, here, there in (("inside", inside, outside), ("outside", outside, inside)):
        line += "".join(
            f"\n    fails {where} alone: {test}" for test in here.failed if test not in there.failed
        )
    return line, same


def run_all(python: Python, jobs: int) -> int:
    """Print the table for one Python; return how many files differ."""
    print(f"\nPython {python.version} ({python.path})")
    print("file               tests skipped  failing: out  in  allocations  peak MB  seconds: out  in")
    differ, total, allocations = 0, 0, 0
    with ThreadPoolExecutor(jobs) as pool:
        started = [
            (name, pool.submit(run_child, python, name, False), pool.submit(run_child, python, name, True))
            for name in python.files
        ]
        for name, outside, inside in started:
            line, same = row(name, outside.result(), inside.result())
            print(line, flush=True)
            differ += not same
            total += inside.result().tests
            allocations += inside.result().allocations
    print(
        f"{len(python.files)} files, {total:,} tests, {allocations:,} allocations inside; {differ} files differ"
    )
    return differ


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "files", nargs="*", default=NAMES.split(), metavar="NAME", help="such as test_list (default: all)"
    )
    parser.add_argument("--python", action="append", metavar="X.Y", help="only this version; may be repeated")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--child", choices=["inside", "outside"], help=argparse.SUPPRESS)
    parser.add_argument("--output", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.files[0], options.child == "inside", options.output)
        return 0
    differ = ran = 0
    for version, paths in pythons().items():
        if options.python and version not in options.python:
            continue
        python = next((ready for ready in (prepare(path, options.files) for path in paths) if ready), None)
        if python is None:
            print(f"\nPython {version}: none here that has its tests and its headers; skipped")
            continue
        ran += len(python.files)
        differ += run_all(python, options.jobs)
    if not ran:
        print("nothing was run")
    return 1 if differ or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
