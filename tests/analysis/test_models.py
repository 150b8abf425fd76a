"""Each model is held against what the call really holds, on inputs that are chosen to be hard on it."""

from __future__ import annotations

import importlib
import sys
from functools import lru_cache
from pathlib import Path

import pytest
from exact_machine import ExactMachine
from model_cases import REGISTER, arguments_of

from hardtack.analysis.models import load_models
from hardtack.lab.measuring import measure

for _file in sorted(Path(__file__).parent.glob("model_cases_*.py")):
    importlib.import_module(_file.stem)

EXEMPT = {
    "builtins.super": "without arguments it works in a method only; its size is measured in test_sizes",
    "builtins.int.is_integer": "3.12 has it first",
    "itertools.batched": "3.12 has it first",
    "builtins.import": "it stands for a statement: programs.decorated has one",
    "functools._make_key": "what it makes stays in the cache: programs.decorated has the whole call",
    **dict.fromkeys(
        (f"collections.OrderedDict{name}" for name in ("", ".__setitem__", ".setdefault", ".update")),
        "what its order takes, the interpreter adds: programs.shapes has the calls",
    ),
    "collections.defaultdict.__getitem__": "what the factory makes is its argument: see programs.shapes",
    "os.dup": "what it gives has to be closed: each call would leave one",
}


@lru_cache
def models():
    return load_models()


def predict(name, case):
    """Return what a model says of a case: peak, kept, and what free lists may keep besides."""
    positional, keywords = arguments_of(case)
    machine = ExactMachine(models(), REGISTER.callbacks)
    model = models().find(name)
    assert model is not None, f"no model {name}"
    result = models().apply(
        model,
        machine,
        [machine.real(value) for value in positional],
        {key: machine.real(value) for key, value in keywords.items()},
    )
    kept, left = machine.kept(result)
    return machine.peak, kept, left


def hold_against_measured(name, case):
    """Return what was predicted and what was measured, of the peak; they are compared."""
    peak, kept, left = predict(name, case)
    found = []
    for place in ("outside", "inside"):
        held = measure(case.call, lambda: arguments_of(case), place=place)
        assert (held.outcome != "returned") == case.raises, held.outcome
        assert held.peak <= peak + case.raises * EXCEPTION, (
            f"{place}: peak {held.peak}, the model says {peak}"
        )
        if not case.raises:
            settled = held.returned + held.retained
            assert settled <= kept, f"{place}: kept {settled}, the model says {kept}"
            assert held.kept <= kept + left, (
                f"{place}: kept {held.kept}, of the model's {kept} + {left} pooled"
            )
        found.append(held.peak)
    return peak, max(found)


MOST = 40  # calls of one model, where not all are measured
EXCEPTION = 1500  # an exception with its message, its arguments and a traceback of one frame


def hold_all(name, numbers):
    for number in numbers:
        try:
            hold_against_measured(name, REGISTER.cases[name][number])
        except AssertionError as error:
            raise AssertionError(f"case {number}: {error}") from None


@pytest.mark.parametrize("name", sorted(REGISTER.cases))
def test_a_call_holds_no_more_than_its_model_says(name):
    """Of many cases some, all over the register: another version of CPython gets others."""
    count = len(REGISTER.cases[name])
    step = -(-count // MOST)
    hold_all(name, range(sys.version_info[1] % step, count, step))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(REGISTER.cases))
def test_no_call_holds_more_than_its_model_says(name):
    hold_all(name, range(len(REGISTER.cases[name])))


@pytest.mark.parametrize("name", models().names())
def test_a_model_is_measured_refuses_or_has_a_reason_why_not(name):
    model = models().find(name)
    assert model.refuse or name in REGISTER.cases or name in EXEMPT


def test_nothing_is_exempt_that_is_measured_or_unknown():
    measured = REGISTER.cases.keys() - {"builtins.int.is_integer", "itertools.batched"}
    assert [name for name in EXEMPT if name in measured or models().find(name) is None] == []


def loosest():
    """Return the entries by how far their tightest case is from what was measured, loosest first."""
    ratios = {}
    for name, cases in REGISTER.cases.items():
        pairs = [hold_against_measured(name, case) for case in cases if not case.raises]
        found = [peak / held for peak, held in pairs if held]
        if found:
            ratios[name] = min(found)
    return sorted(ratios.items(), key=lambda pair: -pair[1])


@pytest.mark.slow
def test_the_loosest_models(capsys):
    found = loosest()
    with capsys.disabled():
        for name, ratio in found[:10]:
            print(f"{ratio:8.2f}  {name}")
    assert found
