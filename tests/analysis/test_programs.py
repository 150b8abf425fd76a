from __future__ import annotations

import ast
import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from programs_run import programs

from hardtack.lab.measuring import measure

HERE = Path(__file__).parent
PROGRAMS = {name: (function, inputs) for name, function, inputs in programs()}
CALLED_BY_OTHERS = {
    "programs.holes:takes_keywords",  # what other programs call, and what takes what cannot be given by itself
    "programs.found:every_other",
    "programs.found:one_and_not_the_other",
    "programs.flow:counted",
    "programs.flow:lines_of",
    "programs.flow:counter",
    "programs.flow:noted",
    "programs.flow:squared_text",
    "programs.decorated:joined",
    "programs.decorated:pieces",
    "programs.decorated:doubled",
    "programs.decorated:kept_for_ever",
    "programs.decorated:listed",
    "programs.decorated:named_at",
    "programs.decorated:opened",
    "programs.decorated:forgiving",
    "programs.decorated:held",
    "programs.decorated:many",
    "programs.decorated:filled",
    "programs.decorated:looked_into",
    "programs.decorated:padded",
    "programs.clauses:lengthened",
    "programs.clauses:shortened",
    "programs.errors:_failing",
    "programs.errors:_raise",
    "programs.errors:_kept_error",
    "programs.unnamed:doubled",
    "programs.shapes:takes_names",
    "programs.holes:pairs",
    "programs.holes:doubling",
    "programs.holes:small",
    "programs.holes:fetched",
    "programs.holes:gathered",
    "programs.holes:tidied",
    "programs.holes:told_of_the_end",
    "programs.found:_remainder",
    "programs.found:keeps",
    "programs.found:words",
    "programs.found:great",
    "programs.found:ends_with",
    "programs.found:delegates",
    "programs.found:one_of",
    "programs.found:pairs_of",
    "programs.streams:_line",
    "programs.counted:_down",
    "programs.counted:_noted",
    "programs.counted:_failing",
    "programs.counted:_failing_each",
    "programs.counted:_holding",
    "programs.counted:_sharing",
    "programs.counted:_caught_above",
    "programs.counted:_collecting",
    "programs.counted:_put_together",
    "programs.counted:_awaiting",
    "programs.counted:_counting",
    "programs.counted:_doubled",
    "programs.counted:awaited_step_by_step",
    "programs.counted:awaited_and_checked",
    "programs.begun:_halves",
    "programs.begun:_around",
    "programs.begun:_first",
    "programs.begun:_refuse",
    "programs.begun:_blocks",
    "programs.asked:_collected",
}
MEANT = {"programs.found:without_hash": {"TypeError"}}  # what is called to raise one of these


def test_there_are_at_least_forty_programs_beside_the_holes():
    assert sum(not name.startswith("programs.holes:") for name in PROGRAMS) >= 40


def test_every_function_of_a_module_is_a_program():
    written = {
        f"programs.{path.stem}:{node.name}"
        for path in (HERE / "programs").glob("*.py")
        if not path.stem.endswith("_inputs")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert written - CALLED_BY_OTHERS <= set(PROGRAMS)
    assert written >= CALLED_BY_OTHERS


def test_every_program_is_typed_strictly():
    files = [str(path) for path in (HERE / "programs").glob("*.py") if not path.stem.endswith("_inputs")]
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--explicit-package-bases", *files]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_can_be_measured(name):
    function, inputs = PROGRAMS[name]
    assert inputs
    for make in itertools.islice(inputs, 0, None, max(1, len(inputs) // 8)):
        for place in ("outside", "inside"):
            measured = measure(function, make, place=place)
            assert measured.peak >= measured.retained
            wrong = {"TypeError", "AttributeError", "NameError"} - MEANT.get(name, set())
            assert measured.outcome not in wrong  # it was called as it is meant
