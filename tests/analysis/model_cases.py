"""The register of calls by which models are measured: modules named `model_cases_...` fill it.

A case is one call: the real function, and its arguments as the model gets them. An argument that the call may
change or use up is made anew each time: such cases are functions without parameters that return the arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """One call of what a model describes.

    Attributes:
        call: the real thing.
        make: returns the arguments by position and by keyword.
        raises: whether the call raises; then only its peak is held against the model's.
    """

    call: object
    make: object
    raises: bool = False


@dataclass
class Register:
    """Cases by the name of the model, and the functions that they pass."""

    cases: dict[str, list[Case]] = field(default_factory=dict)
    callbacks: dict[object, tuple[int, object]] = field(default_factory=dict)


REGISTER = Register()


class Given:
    """Arguments by position and by keyword."""

    def __init__(self, *positional: object, **keywords: object) -> None:
        self.positional, self.keywords = positional, keywords


def measured(name: str, call: object, *inputs: object, raises: bool = False) -> None:
    """Register calls of what a model describes.

    Args:
        name: the model.
        call: the real thing.
        inputs: for each call its arguments: a tuple, a Given, or a function that returns one of these.
        raises: whether the call raises.
    """
    cases = REGISTER.cases.setdefault(name, [])
    for one in inputs:
        cases.append(Case(call, one if callable(one) else lambda one=one: one, raises))


def arguments_of(case: Case) -> tuple[tuple[object, ...], dict[str, object]]:
    """Return new arguments of a case."""
    made = case.make()
    if isinstance(made, Given):
        return made.positional, made.keywords
    return made, {}


def calling(name: str, more: int = 0) -> object:
    """Return a function that calls a method by its name, as compiled code does it: nothing is bound."""
    parameters = ", ".join(f"a{index}" for index in range(more))
    return eval(f"lambda self, {parameters}: self.{name}({parameters})")


def swapped(function: object) -> object:
    """Return a function of two arguments that gives them to another in the other order."""
    return lambda a, b: function(b, a)
