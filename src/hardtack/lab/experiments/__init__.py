"""The experiments, one a module, found by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hardtack.lab.experiment import Experiment

# In the order in which they make the argument.
NAMES: Final = (
    "policies",
    "citizen",
    "ladder",
    "spread",
    "background",
    "interpreter",
    "bounds",
    "concurrency",
    "overhead",
)


def find(name: str) -> Experiment:
    """Import an experiment and return it.

    Raises:
        KeyError: there is none of that name.
    """
    if name not in NAMES:
        raise KeyError(name)
    found: Experiment = importlib.import_module(f"hardtack.lab.experiments.{name}").EXPERIMENT
    return found
