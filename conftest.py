"""Examples in docstrings and documents run as tests; what golden files say can be rewritten."""

import signal

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), DocTestParser()],
    patterns=["*.md", "src/hardtack/**/*.py"],
    excludes=["src/hardtack/programs/**"],
).pytest()


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a job in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-data."""
    parser.addoption(
        "--update-data", action="store_true", help="rewrite the expectations of tests/analysis/cases"
    )
