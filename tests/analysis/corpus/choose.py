"""Draw the corpus by RULE.md: `python tests/analysis/corpus/choose.py [--skip FILE]` prints what is drawn."""

from __future__ import annotations

import argparse
import ast
import hashlib
import random
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import mypy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RULE = tomllib.loads(Path(__file__).with_name("rule.toml").read_text("utf-8"))
SEED, STANDARD, PYPI = RULE["seed"], RULE["standard_library"], RULE["pypi"]
LINES = range(RULE["lines"][0], RULE["lines"][1] + 1)

IO_MODULES = frozenset(RULE["io_modules"].split())
IO_NAMES = frozenset(RULE["io_names"].split())
SUBJECTS = frozenset(RULE["subjects"].split())
NOT_LIBRARY = (
    "test",
    "main",
    "demo",
    "cli",
    "usage",
    "idlelib",
    "lib2to3",
    "turtledemo",
    "pydoc_data",
    "distutils",
)
DECORATORS = frozenset({"classmethod", "staticmethod", "property"})
TYPES = frozenset(RULE["types"].split())
PACKAGES = RULE["packages"].split()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An eligible function: where it is, and the hash of its source."""

    module: str
    name: str
    lines: int
    sha256: str
    signature: str


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(body: Iterable[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Yield the functions and methods of a module's body with their qualified names; none that is nested."""
    for node in body:
        if isinstance(node, Function):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node.body, f"{prefix}{node.name}.")


def classes(body: Iterable[ast.stmt]) -> set[str]:
    return {node.name for top in body for node in ast.walk(top) if isinstance(node, ast.ClassDef)}


def type_variables(body: Iterable[ast.stmt]) -> set[str]:
    """Return the names that are bound to type variables or aliases."""
    found = set()
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("TypeVar"):
                found.add(node.targets[0].id)
    return found


def source_of(source: str, node: Function) -> str:
    """Return a function's text from `def` to its end, as the file has it."""
    return "".join(source.splitlines(keepends=True)[node.lineno - 1 : node.end_lineno])


def size(node: Function) -> int:
    """Return the lines from `def` to the end, without the docstring."""
    assert node.end_lineno is not None
    total = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is not None:
        assert first.end_lineno is not None
        total -= first.end_lineno - first.lineno + 1
    return total


def imports(tree: ast.Module) -> set[str]:
    """Return what a module imports at its top, whole and by its first name."""
    found = set()
    for top in tree.body:
        for node in ast.walk(top) if not isinstance(top, Function | ast.ClassDef) else ():
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
    return found | {name.split(".")[0] for name in found}


def ordinary(node: Function) -> bool:
    """Return whether a function is one by rule 4 and 6, and of the right size."""
    arguments = node.args
    if (
        isinstance(node, ast.AsyncFunctionDef)
        or size(node) not in LINES
        or arguments.vararg
        or arguments.kwarg
    ):
        return False
    if not arguments.args + arguments.posonlyargs + arguments.kwonlyargs:
        return False
    if any(ast.unparse(decorator) not in DECORATORS for decorator in node.decorator_list):
        return False
    inside = [child for statement in node.body for child in ast.walk(statement)]
    odd = (ast.Yield, ast.YieldFrom, ast.Await, ast.Import, ast.ImportFrom, ast.AsyncFor, ast.AsyncWith)
    works = (ast.Call, ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    return not any(isinstance(child, odd) for child in inside) and any(isinstance(c, works) for c in inside)


def names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} | {
        n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)
    }


def annotation_names(annotation: ast.expr) -> set[str]:
    """Return the names in an annotation; what stands in quotes is read, what stands in Literal is not."""
    found: set[str] = set()
    for node in ast.walk(annotation):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                found |= names(ast.parse(node.value, mode="eval"))
            except SyntaxError:
                continue  # a literal's text
    if "Literal" in ast.unparse(annotation):
        return names(annotation)
    return found | names(annotation)


def typed(signature: Function, allowed: set[str], method: bool) -> bool:
    """Return whether rule 2 holds for a signature."""
    arguments = signature.args.posonlyargs + signature.args.args + signature.args.kwonlyargs
    static = any(ast.unparse(decorator) == "staticmethod" for decorator in signature.decorator_list)
    if method and not static:
        arguments = arguments[1:]
    if signature.returns is None and signature.name != "__init__":
        return False
    annotations = [argument.annotation for argument in arguments]
    if any(annotation is None for annotation in annotations):
        return False
    return all(
        annotation_names(annotation) <= allowed for annotation in annotations if annotation is not None
    )


def eligible(module: str, source: str, stub: ast.Module | None) -> Iterator[Candidate]:
    """Yield the functions of a module that RULE.md allows; `stub` has the signatures, or the source itself."""
    tree = ast.parse(source)
    outer = {module, module.split(".")[0], ".".join(module.split(".")[:2])}
    if outer & (IO_MODULES | SUBJECTS) and stub is not None:
        return
    if imports(tree) & IO_MODULES or any(word in part for part in module.split(".") for word in NOT_LIBRARY):
        return
    typing = tree if stub is None else stub
    signatures: dict[str, list[Function]] = {}
    for name, signature in functions(tree.body if stub is None else live(stub.body)):
        signatures.setdefault(name, []).append(signature)
    allowed = TYPES | classes(tree.body) | type_variables(typing.body)
    for name, node in functions(tree.body):
        found = signatures.get(name, [])
        parts = name.lower().split(".")
        if (len(found) != 1 and stub is None) or not ordinary(node) or names(node) & IO_NAMES:
            continue
        if any(word in part for part in parts for word in NOT_LIBRARY):
            continue
        single = len(found) == 1 and "overload" not in names(found[0])
        if not single or typed(found[0], allowed, "." in name):
            text = source_of(source, node)
            head = "untyped: " + ast.unparse(node.args)
            if single:
                head = f"({ast.unparse(found[0].args)}) -> {ast.unparse(found[0].returns) if found[0].returns else None}"
            yield Candidate(module, name, size(node), hashlib.sha256(text.encode()).hexdigest(), head)


def live(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield a stub's statements, those under `if sys.version_info >= ...` only where they hold for 3.11 on Linux."""
    for node in body:
        if isinstance(node, ast.If):
            chosen = node.body if _holds(node.test) else node.orelse
            yield from live(chosen)
        elif isinstance(node, ast.ClassDef):
            node.body = list(live(node.body))
            yield node
        else:
            yield node


def _holds(test: ast.expr) -> bool:
    class System:
        version_info = (3, 11, 0)
        platform = "linux"

    code = compile(ast.Expression(test), "stub", "eval")
    try:
        return bool(eval(code, {"sys": System, "TYPE_CHECKING": True}))  # a comparison of constants
    except NameError:
        return True


def standard_library() -> dict[str, list[Candidate]]:
    """Return the eligible functions of the running interpreter's library, by module or package."""
    library = Path(sysconfig.get_path("stdlib"))
    stubs = Path(mypy.__file__).parent / "typeshed" / "stdlib"
    found: dict[str, list[Candidate]] = {}
    for path in sorted(library.rglob("*.py")):
        parts = path.relative_to(library).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        stub = stubs.joinpath(*parts).with_suffix(".pyi")
        if "site-packages" in parts or not stub.exists():
            continue
        candidates = list(eligible(module, path.read_text("utf-8"), ast.parse(stub.read_text("utf-8"))))
        if candidates:
            found.setdefault(parts[0], []).extend(candidates)
    return found


def pypi(folder: Path) -> dict[str, list[Candidate]]:
    """Return the eligible functions of the packages that are unpacked in a folder, one folder each."""
    found: dict[str, list[Candidate]] = {}
    for package in PACKAGES:
        root = folder / package
        if not any(root.rglob("py.typed")) or any(root.rglob("*.so")):
            continue
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if any(part.startswith("_vendor") or "mypyc" in part for part in parts):
                continue
            module = ".".join(parts).removesuffix(".__init__")
            found.setdefault(package, []).extend(eligible(module, path.read_text("utf-8"), None))
    return {package: candidates for package, candidates in found.items() if candidates}


def draw(
    groups: dict[str, list[Candidate]], count: int, most: int, skip: set[str], chance: random.Random
) -> list[tuple[str, Candidate]]:
    """Draw `count` functions, one of each group, then a second of each, at most `most`."""
    order = sorted(groups)
    chance.shuffle(order)
    shuffled = {group: chance.sample(groups[group], len(groups[group])) for group in order}
    drawn: list[tuple[str, Candidate]] = []
    for _ in range(most):
        for group in order:
            while shuffled[group]:
                candidate = shuffled[group].pop(0)
                if f"{candidate.module}:{candidate.name}" not in skip:
                    drawn.append((group, candidate))
                    break
            if len(drawn) == count:
                return drawn
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, help="folder with the unpacked wheels, one folder a package")
    parser.add_argument(
        "--skip", type=Path, help="file of names that are passed over, one `module:name` a line"
    )
    parser.add_argument("--all", action="store_true", help="list every eligible function")
    options = parser.parse_args()
    skip = set()
    if options.skip:
        skip = {line.split()[0] for line in options.skip.read_text().splitlines() if line.strip()}
    sources = [(standard_library(), STANDARD, STANDARD)]
    if options.packages:
        sources.append((pypi(options.packages), PYPI, 2))
    for groups, count, most in sources:
        total = sum(map(len, groups.values()))
        print(f"# {total} eligible in {len(groups)} groups", file=sys.stderr)
        if options.all:
            chosen = [(group, candidate) for group in groups for candidate in groups[group]]
        else:
            chosen = draw(groups, count, most, skip, random.Random(SEED))
        for group, candidate in chosen:
            print(
                group,
                f"{candidate.module}:{candidate.name}",
                candidate.lines,
                candidate.sha256,
                candidate.signature,
            )


if __name__ == "__main__":
    main()
