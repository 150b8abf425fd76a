"""Lay the corpus out in a folder: the standard library's modules with types added, and the pinned packages.

`python tests/analysis/corpus/materialise.py [FOLDER]` (build/corpus by default) makes

    FOLDER/typed_stdlib/heapq.py   the interpreter's own module, the manifest's and the stubs' types written into it
    FOLDER/rich/...                packages as they are, installed by pip at the manifest's versions

No line moves: every annotation is written where it belongs, in quotes, and what it needs to be understood stands at
the file's end, under TYPE_CHECKING. Nothing of this is ever committed.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import json
import shutil
import subprocess
import sys
import sysconfig
import tokenize
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mypy

sys.path.insert(0, str(Path(__file__).parent))

from choose import Function, functions, live, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BUILD = ROOT / "build" / "corpus"
STANDARD = "typed_stdlib"


@dataclass(frozen=True, slots=True)
class Entry:
    """A function of the corpus.

    Attributes:
        name: `module:qualified.name`, the module as its author named it.
        package: where it is from: "stdlib", or a package's name on PyPI.
        sha256: of its source, from `def` to its end.
        types: what to write: a parameter's name to its type, "return", and "nested.parameter" for nested functions.
        locals: types of local variables, where they are first assigned.
    """

    name: str
    package: str
    sha256: str
    types: dict[str, str] = field(default_factory=dict)
    locals: dict[str, str] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """Return the module as its author named it."""
        return self.name.partition(":")[0]

    @property
    def qualified(self) -> str:
        """Return the name inside the module."""
        return self.name.partition(":")[2]

    @property
    def target(self) -> str:
        """Return what to import, as `module:name`, when the folder is on the path."""
        return f"{STANDARD}.{self.name}" if self.package == "stdlib" else self.name


def manifest() -> dict[str, Any]:
    return tomllib.loads((HERE / "manifest.toml").read_text("utf-8"))


def entries() -> list[Entry]:
    """Return the corpus, in the order in which it was drawn."""
    return [Entry(**row) for row in manifest()["function"]]


def library_file(module: str) -> Path:
    return _file(Path(sysconfig.get_path("stdlib")), module, ".py")


def _file(root: Path, module: str, suffix: str) -> Path:
    path = root.joinpath(*module.split("."))
    return path / f"__init__{suffix}" if path.is_dir() else path.with_suffix(suffix)


def changed(entry: Entry, folder: Path = BUILD) -> str | None:
    """Return what is wrong with an entry's source (it is another one, or gone), or None."""
    path = library_file(entry.module) if entry.package == "stdlib" else _file(folder, entry.module, ".py")
    if not path.exists():
        return f"{entry.name}: there is no {path.name}"
    text = path.read_text("utf-8")
    for name, node in functions(ast.parse(text).body):
        if (
            name == entry.qualified
            and hashlib.sha256(source_of(text, node).encode()).hexdigest() == entry.sha256
        ):
            return None
    return f"{entry.name}: its source is another one than the manifest's"


# -- types into the standard library
def typed_source(module: str, data: dict[str, Any]) -> str:
    """Return a standard module's text with types written into it."""
    source = library_file(module).read_text("utf-8")
    tree = ast.parse(source)
    stub = _stub(module)
    own = {
        entry.qualified: entry for entry in entries() if entry.package == "stdlib" and entry.module == module
    }
    helpers = data.get("helper", {}).get(module, {})
    settings = data.get("module", {}).get(module, {})
    edits = Edits(source)
    signatures: dict[str, list[Function]] = {}
    for name, signature in functions(live(stub.body)):
        signatures.setdefault(name, []).append(signature)
    for name, node in functions(tree.body):
        found = signatures.get(name, [])
        types = _stub_types(found[0]) if len(found) == 1 else {}
        types |= helpers.get(name, {})
        if name in own:
            types = {name: text for name, text in types.items() if "." in name} | own[name].types
            edits.annotate_locals(node, own[name].locals)
        edits.annotate(node, types)
    edits.annotate_names(tree.body, settings.get("globals", {}))
    for top in tree.body:
        if isinstance(top, ast.ClassDef) and top.name in settings.get("declared", {}):
            edits.declare(top.body, settings["declared"][top.name])
    edits.annotate_attributes(tree.body, _stub_attributes(stub) | settings.get("attributes", {}))
    edits.take_out_accelerators(tree.body, set(settings.get("without", [])))
    edits.make_imports_absolute(tree, module, library_file(module).name == "__init__.py")
    return edits.text() + _tail(tree, stub, settings.get("imports", []))


def _stub(module: str) -> ast.Module:
    path = _file(Path(mypy.__file__).parent / "typeshed" / "stdlib", module, ".pyi")
    return ast.parse(path.read_text("utf-8") if path.exists() else "")


def _arguments(node: Function) -> list[ast.arg]:
    a = node.args
    return [
        *a.posonlyargs,
        *a.args,
        *([a.vararg] if a.vararg else []),
        *a.kwonlyargs,
        *([a.kwarg] if a.kwarg else []),
    ]


def _stub_types(signature: Function) -> dict[str, str]:
    if any(ast.unparse(decorator).endswith("overload") for decorator in signature.decorator_list):
        return {}
    types = {arg.arg: ast.unparse(arg.annotation) for arg in _arguments(signature) if arg.annotation}
    if signature.returns:
        types["return"] = ast.unparse(signature.returns)
    return types


def _stub_attributes(stub: ast.Module) -> dict[str, str]:
    """Return the types of instances' attributes, by `Class.attribute`."""
    return {
        f"{top.name}.{node.target.id}": ast.unparse(node.annotation)
        for top in live(stub.body)
        if isinstance(top, ast.ClassDef)
        for node in top.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def _bound_names(body: Iterator[ast.stmt] | list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield (alias.asname or alias.name.split(".")[0]), node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node
        elif isinstance(node, ast.Try):
            yield from _bound_names(node.body)


def _tail(tree: ast.Module, stub: ast.Module, imports: list[str]) -> str:
    """Return what the annotations need: the stub's imports, type variables and classes that the source lacks."""
    known = {name for name, _ in _bound_names(tree.body)}
    lines = ["", "", "TYPE_CHECKING = False", "if TYPE_CHECKING:"]
    lines += [f"    {line}" for line in ("import typing", "from typing import Any", *imports)]
    for node in live(stub.body):
        if isinstance(node, ast.ImportFrom):
            names = [
                alias
                for alias in node.names
                if (alias.asname or alias.name) not in known and alias.name != "*"
            ]
            if names and node.module != "__future__":
                lines.append("    " + ast.unparse(ast.ImportFrom(node.module, names, node.level)))
            continue
        names_of = [name for name, _ in _bound_names([node])]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not names_of or known & set(names_of):
            continue
        if names_of != ["__all__"]:
            lines += ["    " + line for line in ast.unparse(node).splitlines()]
    return "\n".join(lines) + "\n"


class Edits:
    """Insertions into a text that leave every line where it is."""

    def __init__(self, source: str) -> None:
        self.lines = source.splitlines(keepends=True)
        self.insertions: list[tuple[int, int, str]] = []
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        self.operators = [token for token in tokens if token.type == tokenize.OP]

    def insert(self, line: int, byte: int, text: str) -> None:
        """Insert at a place as `ast` counts: lines from 1, columns in bytes."""
        column = len(self.lines[line - 1].encode()[:byte].decode())
        self.insertions.append((line, column, text))

    def annotate(self, node: Function, types: dict[str, str]) -> None:
        """Write a function's types; those of nested functions stand under "nested.parameter"."""
        for arg in _arguments(node):
            if arg.arg in types and arg.annotation is None:
                assert arg.end_lineno is not None
                assert arg.end_col_offset is not None
                self.insert(arg.end_lineno, arg.end_col_offset, f": {types[arg.arg]!r}")
        if "return" in types and node.returns is None:
            line, column = self._end_of_header(node)
            self.insertions.append((line, column, f" -> {types['return']!r}"))
        for nested in ast.walk(node):
            if nested is not node and isinstance(nested, Function):
                prefix = nested.name + "."
                inner = {
                    name.removeprefix(prefix): text for name, text in types.items() if name.startswith(prefix)
                }
                self.annotate(nested, inner)

    def _end_of_header(self, node: Function) -> tuple[int, int]:
        """Return where the colon after a function's parameters stands."""
        depth = 0
        for token in self.operators:
            if token.start < (node.lineno, node.col_offset):
                continue
            depth += (token.string in "([{") - (token.string in ")]}")
            if token.string == ":" and not depth:
                return token.start
        raise ValueError(node.name)

    def _annotate_first(self, body: list[ast.stmt] | Iterator[ast.AST], wanted: dict[str, str]) -> None:
        left = dict(wanted)
        for node in body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
                text = left.pop(ast.unparse(target), None)
                if text is not None:
                    assert target.end_lineno is not None
                    assert target.end_col_offset is not None
                    self.insert(target.end_lineno, target.end_col_offset, f": {text!r}")

    def annotate_names(self, body: list[ast.stmt], types: dict[str, str]) -> None:
        self._annotate_first(body, types)

    def annotate_locals(self, node: Function, types: dict[str, str]) -> None:
        """Write the types of variables where they are first assigned, of loops' variables before the loop."""
        assigned = {
            ast.unparse(child.targets[0]) for child in _in_order(node) if isinstance(child, ast.Assign)
        }
        loops = {ast.unparse(child.target) for child in _in_order(node) if isinstance(child, ast.For)}
        self._annotate_first(_in_order(node), {name: types[name] for name in types.keys() & assigned - loops})
        self.declare(node.body, {name: types[name] for name in types.keys() & loops})

    def declare(self, body: list[ast.stmt], types: dict[str, str]) -> None:
        """Declare names after the first statement of a body that is a simple one."""
        if not types:
            return
        simple = next(node for node in body if isinstance(node, ast.Assign | ast.Expr | ast.Pass))
        assert simple.end_lineno is not None
        assert simple.end_col_offset is not None
        for name, text in types.items():
            self.insert(simple.end_lineno, simple.end_col_offset, f"; {name}: {text!r}")

    def annotate_attributes(self, body: list[ast.stmt], types: dict[str, str]) -> None:
        """Write the types of attributes where `__init__` first assigns them."""
        for top in body:
            for node in top.body if isinstance(top, ast.ClassDef) else ():
                if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                    prefix = f"{top.name}."
                    wanted = {
                        f"self.{name.removeprefix(prefix)}": text
                        for name, text in types.items()
                        if name.startswith(prefix)
                    }
                    self._annotate_first(_in_order(node), wanted)

    def take_out_accelerators(self, body: list[ast.stmt], modules: set[str]) -> None:
        """Empty the statements that replace what is written here by C: `try: from _heapq import * ...`."""
        for node in body:
            inner = node.body if isinstance(node, ast.Try) else [node]
            if all(isinstance(child, ast.ImportFrom) and child.module in modules for child in inner):
                assert node.end_lineno is not None
                self.lines[node.lineno - 1] = "pass\n"
                for number in range(node.lineno, node.end_lineno):
                    self.lines[number] = "\n"
                self.insertions = [i for i in self.insertions if not node.lineno <= i[0] <= node.end_lineno]

    def make_imports_absolute(self, tree: ast.Module, module: str, is_package: bool) -> None:
        """Have `from . import x` import the interpreter's own module: only the one module is typed here."""
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                parts = module.split(".") + (["_"] if is_package else [])
                base = ".".join(parts[: -node.level])
                dots = "." * node.level
                name = f"{base}.{node.module}" if node.module else base
                line = self.lines[node.lineno - 1]
                old = f"from {dots}{node.module or ''} "
                assert old in line, line
                self.lines[node.lineno - 1] = line.replace(old, f"from {name} ")

    def text(self) -> str:
        lines = list(self.lines)
        for line, column, text in sorted(self.insertions, reverse=True):
            before = lines[line - 1]
            lines[line - 1] = before[:column] + text + before[column:]
        return "".join(lines)


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements inside a node in the order of their lines, but not those of nested functions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function | ast.ClassDef):
            yield child
            yield from _in_order(child)


# -- everything
def materialise(folder: Path = BUILD) -> list[str]:
    """Lay the corpus out; what is there already is taken if it is of this manifest and interpreter.

    Returns:
        What is wrong, a line each: functions whose source is not the manifest's.
    """
    data = manifest()
    stamp = folder / "stamp.json"
    sources = [HERE / "manifest.toml", HERE / "materialise.py", *map(library_file, data["module"])]
    state = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sources} | {
        "python": sys.version
    }
    if not stamp.exists() or json.loads(stamp.read_text()) != state:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _install(data["packages"], folder)
        modules = {entry.module for entry in entries() if entry.package == "stdlib"}
        for module in sorted(modules):
            if library_file(module).exists():
                path = folder.joinpath(STANDARD, *module.split(".")).with_suffix(".py")
                path.parent.mkdir(parents=True, exist_ok=True)
                for parent in list(path.relative_to(folder).parents)[:-1]:
                    (folder / parent / "__init__.py").touch()
                path.write_text(typed_source(module, data), "utf-8")
        stamp.write_text(json.dumps(state))
    return [problem for entry in entries() if (problem := changed(entry, folder))]


def _install(packages: dict[str, dict[str, str]], folder: Path) -> None:
    """Have pip put the pinned packages into the folder: pure Python wheels, but for those that have none."""
    pure = ["--platform", "any", "--implementation", "py", "--abi", "none", "--python-version", "3.11"]
    for has_pure, options in ((True, pure), (False, [])):
        pins = [
            f"{name}=={pin['version']}" + (f" --hash=sha256:{pin['sha256']}" if "sha256" in pin else "")
            for name, pin in packages.items()
            if ("sha256" in pin) is has_pure
        ]
        requirements = folder / "requirements.txt"
        requirements.write_text("\n".join(pins) + "\n")
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-qq",
            "--no-deps",
            "--only-binary",
            ":all:",
            *options,
        ]
        subprocess.run([*command, "--upgrade", "--target", folder, "-r", requirements], check=True)


def complaints(folder: Path = BUILD) -> dict[str, list[str]]:
    """Return what mypy, not strict, says of each function of the corpus: `line: message`, by name."""
    files = {entry.name: _file(folder, entry.target.partition(":")[0], ".py") for entry in entries()}
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--no-error-summary",
        "--config-file=",
        "--follow-imports=silent",
    ]
    command += sorted({str(path.relative_to(folder)) for path in files.values()})
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if output.returncode > 1 or output.stderr:
        raise RuntimeError(output.stdout + output.stderr)
    said = [line.split(":", 2) for line in output.stdout.splitlines() if " error: " in line]
    found: dict[str, list[str]] = {}
    for entry in entries():
        path = files[entry.name]
        nodes = dict(functions(ast.parse(path.read_text("utf-8")).body))
        node = nodes[entry.qualified]
        assert node.end_lineno is not None
        found[entry.name] = [
            f"{line}:{message}"
            for file, line, message in said
            if folder / file == path and node.lineno <= int(line) <= node.end_lineno
        ]
    return {name: messages for name, messages in found.items() if messages}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=BUILD)
    folder = parser.parse_args().folder.resolve()
    wrong = materialise(folder)
    for line in wrong:
        print(line)
    for name, messages in complaints(folder).items():
        for message in messages:
            print(f"{name}: {message}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
