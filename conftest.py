"""Examples in docstrings and documents run as tests; what golden files say can be rewritten."""

import gc
import signal

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), DocTestParser()],
    patterns=["*.md", "src/hardtack/**/*.py"],
    excludes=["src/hardtack/programs/**", "docs/book/*.md"],  # a book's program has a process of its own
    fixtures=["_frozen"],
).pytest()


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a job in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-data."""
    parser.addoption(
        "--update-data", action="store_true", help="rewrite the expectations of tests/analysis/cases"
    )


@pytest.fixture(scope="module", autouse=True)
def _frozen() -> None:
    """Have collections look at what a module's tests make, not at all that pytest and earlier tests keep.

    Hundreds of tests collect garbage, and so do kernels whose heap is full; each costs with what is there.
    """
    gc.collect()
    gc.freeze()
