"""stub"""
from __future__ import annotations
from dataclasses import dataclass
from hardtack.lab.experiment import Experiment, Findings
@dataclass(frozen=True, slots=True)
class Entry:
    """One."""
    experiment: Experiment
    seed: int
    findings: Findings
    seconds: float
