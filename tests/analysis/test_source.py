"""Finding targets and running mypy: nothing of the user's runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardtack.analysis.loading import errors_in, load
from hardtack.analysis.source import MypyRun, check
from hardtack.analysis.targets import TargetError, find_configuration, parse_target


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> MypyRun:
    return MypyRun(cache=tmp_path_factory.getbasetemp() / "mypy-cache")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('it ran')\n")
    (package / "cart.py").write_text(
        "from shop.prices import price\n"
        "raise SystemExit('it ran')\n"
        "class Cart:\n    def total(self, n: int) -> int:\n        return price(n)\n"
    )
    (package / "prices.py").write_text("def price(n: int) -> int:\n    return 2 * n\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_module_is_found_below_src_and_nothing_of_it_runs(project: Path, run: MypyRun) -> None:
    program, entries, errors = load(["shop.cart:Cart.total"], run)
    assert entries == ("shop.cart.Cart.total",)
    assert "shop.prices.price" in program.functions
    assert [error for error in errors if "total" in error.message] == []


def test_a_file_gets_the_module_name_of_its_package(project: Path) -> None:
    target = parse_target("src/shop/cart.py:Cart.total")
    assert (target.module, target.name) == ("shop.cart", "Cart.total")


@pytest.mark.parametrize("text", ["cart", "cart:", ":f", "no.such.module:f", "no_such.py:f"])
def test_what_names_nothing_is_refused(project: Path, text: str) -> None:
    with pytest.raises(TargetError):
        parse_target(text)


def test_a_function_that_is_not_there_is_refused(project: Path, run: MypyRun) -> None:
    with pytest.raises(TargetError, match=r"no function Cart\.size"):
        load(["shop.cart:Cart.size"], run)


def test_a_syntax_error_is_refused_with_its_place(tmp_path: Path, run: MypyRun) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n")
    with pytest.raises(TargetError, match=r"broken\.py:1"):
        load([f"{tmp_path}/broken.py:f"], run)


def test_what_mypy_reports_is_told_of_the_function_that_it_is_in(tmp_path: Path, run: MypyRun) -> None:
    path = tmp_path / "wrong.py"
    path.write_text("def good() -> int:\n    return 1\n\ndef bad() -> int:\n    return 'x'\n")
    program, _, errors = load([f"{path}:good"], run)
    assert errors_in(program.functions["wrong.good"], errors) == []
    (found,) = errors_in(program.functions["wrong.bad"], errors)
    assert (found.kind, found.line, found.column) == ("error", 5, 11)
    assert "Incompatible return value type" in found.message


def test_the_projects_own_strictness_is_respected(tmp_path: Path, run: MypyRun) -> None:
    (tmp_path / "loose.py").write_text("def f(x) -> int:\n    return len(x)\n")
    assert load([f"{tmp_path}/loose.py:f"], run)[2] == []
    (tmp_path / "mypy.ini").write_text("[mypy]\ndisallow_untyped_defs = True\n")
    assert find_configuration(tmp_path / "loose.py") == tmp_path / "mypy.ini"
    assert "missing a type annotation" in load([f"{tmp_path}/loose.py:f"], run)[2][0].message


def test_a_plugin_of_the_projects_does_not_run(tmp_path: Path, run: MypyRun) -> None:
    (tmp_path / "plug.py").write_text("raise SystemExit('it ran')\n")
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nplugins = {tmp_path}/plug.py\n")
    (tmp_path / "fine.py").write_text("def f(x: int) -> int:\n    return x\n")
    assert load([f"{tmp_path}/fine.py:f"], run)[1] == ("fine.f",)


def test_what_a_configuration_calls_never_true_is_lowered_all_the_same(tmp_path: Path, run: MypyRun) -> None:
    (tmp_path / "mypy.ini").write_text("[mypy]\nalways_false = DEBUG\n")
    (tmp_path / "fine.py").write_text(
        "DEBUG = True\ndef f() -> object:\n    if DEBUG:\n        return [1]\n    return None\n"
    )
    program, _, _ = load([f"{tmp_path}/fine.py:f"], run)
    assert "Build" in repr(program.functions["fine.f"])


def test_a_second_run_has_the_trees_that_mypys_cache_lacks(project: Path, run: MypyRun) -> None:
    first, _, _ = load(["shop.cart:Cart.total"], run)
    second, _, _ = load(["shop.cart:Cart.total"], run)
    assert second.functions == first.functions


def test_a_cache_that_is_broken_is_gone_without(project: Path, tmp_path: Path) -> None:
    run = MypyRun(cache=tmp_path / "cache")
    load(["shop.cart:Cart.total"], run)
    kept = [path for path in run.cache.rglob("*") if path.suffix == ".db"]
    for path in kept:
        path.write_bytes(b"broken" * 1000)
    program, _, _ = load(["shop.cart:Cart.total"], run)
    assert kept
    assert "shop.prices.price" in program.functions


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory of installed packages that lies in a project, with two that have types."""
    folder = tmp_path / "venv" / "site-packages"
    for name, text in (("one", "from two.b import g\ndef f() -> list[int]: return g()\n"), ("two", "")):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("")
        (folder / name / "py.typed").write_text("")
        (folder / name / "a.py").write_text(text)
    (folder / "two" / "b.py").write_text("def g() -> list[int]:\n    return [1]\n")
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nmypy_path = {folder}\n")  # it asks a Python of its own
    monkeypatch.syspath_prepend(folder)
    return folder


def test_what_mypys_cache_has_of_a_folder_that_was_moved_is_read_where_it_is(
    installed: Path, run: MypyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "ask.py").write_text("from two.b import g\ndef f() -> list[int]: return g()\n")
    target = parse_target(f"{project}/ask.py:f")
    check([target], run)
    moved = installed.rename(tmp_path / "moved")
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nmypy_path = {moved}\n")
    monkeypatch.syspath_prepend(moved)
    sources = check([target], run)
    assert sources.everything["two.b"].is_cache_skeleton
    assert sources.syntax("two.b").path == moved / "two/b.py"


def test_an_installed_package_that_is_analysed_keeps_its_bodies(installed: Path, run: MypyRun) -> None:
    program, _, _ = load([f"{installed}/two/b.py:g"], run)
    assert "Build" in repr(program.functions["two.b.g"])


@pytest.mark.usefixtures("installed")
def test_a_package_that_is_installed_as_well_is_analysed_where_the_target_is(
    tmp_path: Path, run: MypyRun
) -> None:
    mine = tmp_path / "copies" / "two"
    mine.mkdir(parents=True)
    (mine / "__init__.py").write_text("")
    (mine / "b.py").write_text("def g() -> list[int]:\n    return [1, 2]\n")
    program, _, _ = load([f"{mine}/b.py:g"], run)
    assert "Build" in repr(program.functions["two.b.g"])


def test_other_installed_packages_are_not_analysed_as_if_they_did_nothing(
    installed: Path, run: MypyRun
) -> None:
    program, _, _ = load(["one.a:f"], run)
    assert "Callee(kind='model', name='two.b.g'" in repr(program.functions["one.a.f"])
    assert "two.b.g" not in program.functions


@pytest.mark.usefixtures("installed")
def test_nor_are_they_where_they_lie_in_the_project(tmp_path: Path, run: MypyRun) -> None:
    (tmp_path / "mine.py").write_text("from two.b import g\ndef f() -> list[int]:\n    return g()\n")
    program, _, _ = load([f"{tmp_path}/mine.py:f"], run)
    assert "Callee(kind='model', name='two.b.g'" in repr(program.functions["mine.f"])


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("from hardtack.annotations import bounded\n", False),
        ("from hardtack import bounded\n", False),
        ("from hardtack import bounded, Heap\n", True),
        ("from hardtack import (\n    Heap,\n)\n", True),
        ("from hardtack import heap\n", True),
        ("from hardtack.heap import Heap\n", True),
        ("from hardtack import *\n", True),
        ("import hardtack.annotations\n", True),
        ("def f() -> None:\n    import hardtack\n", True),
        ("from hardtack.errors import ProgramError\n", True),
    ],
)
@pytest.mark.parametrize("by_the_target", [True, False])
def test_of_hardtack_all_is_read_that_a_module_may_name(
    project: Path, run: MypyRun, written: str, named: bool, by_the_target: bool
) -> None:
    """What takes long to read is left out where only annotations are named, whoever names them."""
    changed = project / "src" / "shop" / ("cart.py" if by_the_target else "prices.py")
    changed.write_text(written + changed.read_text())
    sources = check([parse_target("shop.cart:Cart.total")], run)
    assert ("hardtack.heap" in sources.everything) == named
    assert "hardtack.annotations" in sources.everything
    assert {"shop.cart", "shop.prices"} <= sources.modules.keys()
    assert [one.message for one in sources.errors if "import" in one.message] == []


def test_of_hardtack_all_is_read_where_an_installed_package_may_name_it(
    installed: Path, run: MypyRun
) -> None:
    for _ in ("without mypy's cache", "with it"):
        (installed / "other.py").write_text("from hardtack.heap import Heap\n\ndef make() -> Heap: ...\n")
        (installed / "user.py").write_text("import other\n\ndef f() -> object:\n    return other.make()\n")
        sources = check([parse_target(f"{installed}/user.py:f")], run)
        assert "hardtack.heap" in sources.everything
