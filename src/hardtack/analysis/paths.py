"""Paths of pathlib: which values are paths, and what is refused or kept where one is used.

A path keeps what it works out. One that the call makes is charged for all of that from the start; one from
before the call whenever it is asked, since nobody knows what it keeps already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, footprints, ir, parameters
from hardtack.analysis.domain import PATH_KIND
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.analysis.acting import ModelMachine
    from hardtack.analysis.calls import Given
    from hardtack.analysis.domain import Cell, Value
    from hardtack.analysis.interpreting import Interpreter

_TAKING_PATHS = ("os.", "posixpath.", "genericpath.", "builtins.open", "io.", "sqlite3.")
_ESCAPED = 10  # characters of one that is spelled
UNTYPED = ir.Union(())


def is_path(interp: Interpreter, cell: Cell) -> bool:
    """Tell whether an object is a path of pathlib, or of a class below."""
    known = interp.program.classes.get(cell.name)
    below = cell.kind == "instance" and known is not None and "pathlib.PurePath" in known.lineage
    return cell.kind == PATH_KIND or below


def _is_path_like(interp: Interpreter, cell: Cell) -> bool:
    """Tell whether an object is something that `os.fspath` asks for its text."""
    known = interp.program.classes.get(cell.name)
    asked = cell.kind == "instance" and known is not None and "__fspath__" in dict(known.methods)
    return asked or is_path(interp, cell)


def refuse_for_text(interp: Interpreter, name: str, arguments: Given) -> None:
    """Report a path that is given to what asks it for its text: models are of text."""
    if not name.startswith(_TAKING_PATHS):
        return
    given = [interp.read(one) for one in arguments.single]
    given += [access.element(interp, interp.read(one)) for one in arguments.spread]
    if any(_is_path_like(interp, cell) for value in given for _, cell in access.cells(interp, value)):
        interp.finding("no-model", f"{name} of what is a path and no text", "give it str(path)")


def message(machine: ModelMachine, arguments: Sequence[str]) -> Size:
    """Return the bytes of what a path's ValueError says: the paths and texts are spelled out."""
    texts = [one for one in arguments if machine.kinds(one) <= {"str", "path"}]
    return footprints.text(sum((machine.length(one) * _ESCAPED for one in texts), Size.const(160)), 4)


def fill(machine: ModelMachine, value: Value) -> None:
    """Have paths from before the call keep what they work out."""
    interp = machine.interp
    for obj, cell in list(access.cells(interp, value)):
        if cell.kind != PATH_KIND:
            what = f"a method of pathlib, of a {cell.name or 'value'}, which may have another"
            interp.finding("no-model", what, "annotate it as Path, PurePath or text")
        elif not cell.owned:
            size = footprints.structure(PATH_KIND, cell.length, cell.width)
            kept = machine.fresh("object", length=ZERO, size=size)
            parameters.make_attribute(interp, obj, "held", UNTYPED)
            parameters.write_part(interp, obj, "held", interp.read(kept), strong=False)
