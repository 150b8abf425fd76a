"""Fixtures for the tests of the wasm layer."""

import pytest
from wasm_host import MIB, Faulty, Host


@pytest.fixture(autouse=True, scope="package")
def _own_cache(tmp_path_factory):
    """Keep compiled code out of the developer's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARDTACK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def host():
    """A host; nothing may be held at its end."""
    made = Host()
    yield made
    assert made.user_memory.used == 0
    made.engine.close()


@pytest.fixture
def faulty(host):
    budget = Faulty(64 * MIB)
    host.engine.user_memory = budget
    yield budget
    assert budget.used == 0
