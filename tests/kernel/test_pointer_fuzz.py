"""Every argument of every call at its edges, one at a time, in pairs, and some at random. See pointer_fuzz.py."""

from __future__ import annotations

import random

import pytest
from pointer_fuzz import Fuzz

from hardtack.kernel.system_calls import TABLE

ROWS = [row for row in TABLE if row.name != "proc_exit"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_argument_at_any_edge_brings_a_call_to_more_than_an_errno(row):
    fuzz = Fuzz()
    fuzz.systematically(row)
    assert sum(fuzz.answers.values()) > 0 or row.signature == ""
    fuzz.run(row, None, random.Random(row.name))
    assert len(fuzz.answers) > 1 or row.name in {"sched_yield", "fd_allocate", "fd_fdstat_set_rights"}
