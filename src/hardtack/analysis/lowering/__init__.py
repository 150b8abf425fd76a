"""From mypy's typed trees to the IR, one idea a module.

`dispatch` says which function lowers which class of node; `context` is the function that is being lowered;
`functions` is the way in. The other modules register what they lower when they are imported.
"""

from hardtack.analysis.lowering import calls, comprehensions, contexts, expressions, patterns, statements
from hardtack.analysis.lowering.functions import lower_function

__all__ = ["calls", "comprehensions", "contexts", "expressions", "lower_function", "patterns", "statements"]
