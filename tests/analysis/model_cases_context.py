"""Calls of contextlib's managers; what functions are wrapped in, programs.decorated measures."""

from __future__ import annotations

from contextlib import closing, nullcontext, suppress

from model_cases import measured
from model_cases_bytes import DATA

measured("contextlib.suppress", suppress, (), (KeyError,), (KeyError, ValueError, OSError))
measured(
    "contextlib.suppress.__exit__",
    lambda manager: manager.__exit__(None, None, None),
    lambda: (suppress(KeyError),),
)
measured("contextlib.closing", closing, *((data,) for data in DATA[:3]))
measured("contextlib.nullcontext", nullcontext, (), *((data,) for data in DATA[:3]))
