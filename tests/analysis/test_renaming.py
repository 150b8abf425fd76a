"""A function's own names for a caller's paths: each leads back to the path that it was given for."""

import pytest

from hardtack.analysis.renaming import Names, callers


@pytest.mark.parametrize("path", ["one", "one.items", "ψ0_", "ψ0_.items", "ψ0_.θ1_", "ψ0_.θ1_.items[]"])
def test_a_name_leads_back_to_its_path(path):
    names = Names(frozenset({"one", "ψ0_"}))
    names.known |= {"one", "ψ0_"}
    assert callers(names)(names.path(path)) == path
