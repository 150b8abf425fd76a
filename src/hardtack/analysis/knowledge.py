"""What is known of the sources before any function of theirs is lowered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardtack.analysis.annotations_read import Annotations
from hardtack.analysis.constants import Constants
from hardtack.analysis.hierarchy import Hierarchy
from hardtack.analysis.module_names import ModuleNames

if TYPE_CHECKING:
    from hardtack.analysis.source import Sources


@dataclass(frozen=True)
class Knowledge:
    """The sources, and the tables that are made of them."""

    sources: Sources
    hierarchy: Hierarchy
    names: ModuleNames
    constants: Constants
    annotations: Annotations

    @classmethod
    def of(cls, sources: Sources) -> Knowledge:
        """Return what is known of sources."""
        names = ModuleNames(sources)
        constants = Constants(sources, names)
        return cls(sources, Hierarchy(sources), names, constants, Annotations(sources, constants))
