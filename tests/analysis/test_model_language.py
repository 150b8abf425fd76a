"""What a model may say, and that what makes no sense is told apart by name."""

from __future__ import annotations

import pytest
from exact_machine import ExactMachine, ModelRefuses, const

from hardtack.analysis.models import ModelError, Models, load_models, read_models


def entry(**keys):
    """Return the text of one model."""
    given = {"signature": "x", "result": "x", "source": "here", **keys}
    lines = [f"{key} = {value if isinstance(value, list) else repr(value)}" for key, value in given.items()]
    return "\n".join(['["m.f"]', *lines])


def run(text, *arguments, spread=(), **keywords):
    """Return the machine on which a model ran, and the result."""
    models = Models(read_models(text, "test.toml", "py311"))
    machine = ExactMachine(models)
    given = [machine.real(value) for value in arguments]
    named = {name: machine.real(value) for name, value in keywords.items()}
    more = [machine.real(value) for value in spread]
    return machine, models.apply(models.find("m.f"), machine, given, named, more)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"result": "len(x)"}, "'len(x)' is no value"),
        ({"result": "y"}, "'y' is no value"),
        ({"result": "fresh(strange, length=1)"}, "says no size"),
        ({"result": "fresh(str, height=1)"}, "takes no 'height'"),
        ({"result": "number(root, x)"}, "is no value"),
        ({"scratch": "x + 1"}, "'x' is no size"),
        ({"scratch": "0 - 1.5"}, "'1.5' is no size"),
        ({"effects": ["grow(x)"]}, "is no effect"),
        ({"effects": ["append(x, x)"]}, "takes 3 arguments"),
        ({"result": "x if x else none"}, "'x' is no condition"),
        ({"signature": "x +"}, "is no list of parameters"),
        ({"source": ""}, "names no source"),
        ({"refuse": "because"}, "either a result or the reason"),
        ({"strange": "1"}, "unknown key 'strange'"),
    ],
)
def test_a_model_that_makes_no_sense_is_told_by_file_and_name(keys, fault):
    with pytest.raises(ModelError, match=r"test\.toml: 'm\.f': ") as caught:
        read_models(entry(**keys), "test.toml", "py311")
    assert fault in str(caught.value)


def test_a_version_may_differ():
    text = entry() + '\npy312 = {result = "none"}'
    assert read_models(text, "t", "py312")[0].result.text == "none"
    assert read_models(text, "t", "py311")[0].result.text == "x"


def test_a_users_model_takes_the_place_of_ours(tmp_path):
    file = tmp_path / "models.toml"
    file.write_text('["builtins.len"]\nsignature = "x"\nresult = "none"\nsource = "mine"')
    assert load_models([file]).find("builtins.len").source == "mine"


def test_cases_are_joined_over_what_a_value_may_be():
    text = entry(result="cases(x, int=integer(0, 300), other=none)")
    assert run(text, 7)[1].parts[0].number == 300
    assert run(text, "a")[1].parts[0].kind == "none"


def test_a_kind_without_a_case_is_a_finding():
    with pytest.raises(ModelRefuses, match="x may be of the kind str"):
        run(entry(result="cases(x, int=x)"), "a")


@pytest.mark.parametrize(("arguments", "keywords"), [((), {}), ((1, 2), {}), ((1,), {"y": 2})])
def test_arguments_that_do_not_fit_are_a_finding(arguments, keywords):
    with pytest.raises(ModelRefuses, match="no-model"):
        run(entry(), *arguments, **keywords)


def test_what_is_spread_is_a_finding_where_it_has_no_place():
    with pytest.raises(ModelRefuses, match="spread"):
        run(entry(), 1, spread=[[2, 3]])


def test_spread_arguments_are_counted():
    text = entry(signature="*xs", result="fresh(bytes, length=count(xs))")
    assert run(text, 1, 2, spread=[[3, 4, 5]])[1].parts[0].length == 5


def test_fresh_items_are_made_as_often_as_their_container_has_items():
    text = entry(result="fresh(list, length=len(x), element=fresh(bytes, length=10))")
    one, _ = run(text, "a")
    ten, _ = run(text, "a" * 10)
    assert ten.peak - one.peak >= 9 * 43


def test_scratch_is_held_beside_the_result():
    machine, _ = run(entry(result="fresh(bytes, length=100)", scratch="block(1000)"), 1)
    assert machine.peak == machine.live + 1024


def test_the_lesser_of_two_is_a_number_or_the_first():
    text = entry(result="fresh(bytes, length=min(len(x), 7))")
    assert run(text, "a" * 90)[1].parts[0].length == 7


def test_packed_arguments_leave_a_tuple():
    machine, result = run(entry(result="none") + "\npacks = true", 1)
    assert machine.kept(result) == (0, const(machine.size_of("tuple", machine.length(machine.real("a")))))


def test_a_template_that_is_not_constant_is_a_finding():
    text = entry(signature="template, x", result="fresh(str, length=percent(template, x))")
    with pytest.raises(ModelRefuses, match="no-constant"):
        run(text, bytearray(b"%d"), 1)
