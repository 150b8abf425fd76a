"""Each invariant, broken once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hardtack.analysis import ir, ircheck

AT = ir.Place("m.py", 1, 0)
INT = ir.Instance("builtins.int")


def function(*operations: ir.Operation, cells: tuple[str, ...] = ()) -> ir.Function:
    return ir.Function("m.f", AT, (), INT, ir.Block(operations), "function", cells, (), 3, "digest")


def constant(into: str, value: object = 1) -> ir.Constant:
    return ir.Constant(AT, into, value)


def block(*operations: ir.Operation) -> ir.Block:
    return ir.Block(operations)


GOOD = function(constant("%1"), ir.Return(AT, "%1"))


def test_a_good_function_has_no_errors() -> None:
    assert ircheck.check_function(GOOD) == []


@pytest.mark.parametrize(
    ("operations", "error"),
    [
        ([ir.Return(AT, "%1")], "%1 is read where it holds nothing"),
        ([constant("%1"), ir.Drop(AT, "%1"), ir.Return(AT, "%1")], "%1 is read where it holds nothing"),
        ([constant("%1"), constant("%1"), ir.Return(AT, "%1")], "%1 is written while it holds a value"),
        ([constant("%1"), constant("%2"), ir.Return(AT, "%1")], "%2 is left behind"),
        ([constant("x")], "its end can be reached without Return"),
        ([constant("x"), ir.Return(AT, "x"), constant("y")], "Constant cannot be reached"),
        ([ir.Break(AT)], "Break outside a loop"),
        ([ir.Drop(AT, "x"), ir.Return(AT, "x")], "Drop of a local"),
        ([constant("%1"), ir.Delete(AT, "%1"), ir.Return(AT, "x")], "Delete of a temporary"),
        ([ir.LoadFree(AT, "%1", "n"), ir.Return(AT, "%1")], "n is no cell of the function"),
        (
            [ir.If(AT, "x", block(constant("%1")), block()), ir.Return(AT, "%1")],
            "%1 holds a value on one way only",
        ),
        (
            [constant("%1"), ir.While(AT, block(), "x", block(), block()), ir.Return(AT, "%1")],
            "%1 is held across a loop",
        ),
        (
            [constant("%1"), ir.Try(AT, block(), (), block(), block()), ir.Return(AT, "%1")],
            "%1 is held across Try",
        ),
        (
            [ir.For(AT, "%1", "xs", block(), block(), INT), ir.Return(AT, "x")],
            "%1 is held at the end of a loop's body",
        ),
    ],
)
def test_what_is_wrong_is_said(operations: list[ir.Operation], error: str) -> None:
    assert any(error in one for one in ircheck.check_function(function(*operations)))


def test_a_cell_that_is_used_as_a_local_is_wrong() -> None:
    wrong = function(constant("n"), ir.Return(AT, "n"), cells=("n",))
    assert any("n lives in a cell" in one for one in ircheck.check_function(wrong))


def test_a_function_without_a_digest_is_wrong() -> None:
    assert ircheck.check_function(replace(GOOD, digest="")) == ["m.f: no digest"]


def test_a_callee_that_is_not_in_the_program_is_wrong() -> None:
    callees = (ir.Callee("function", "m.g"), ir.Callee("class", "m.C"))
    calling = function(ir.Call(AT, "%1", callees, (), INT), ir.Return(AT, "%1"))
    errors = ircheck.check_program(ir.Program({"m.f": calling}))
    assert errors == ["m.f: 1: no function m.g", "m.f: 1: no class m.C"]
