"""Examples in docstrings and documents run as tests."""

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), DocTestParser()],
    patterns=["*.md", "src/hardtack/**/*.py"],
    excludes=["src/hardtack/programs/**"],
).pytest()
