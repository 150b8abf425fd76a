"""`hardtack bound` as a person at a shell, and a job in CI, use it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hardtack.analysis.report import rounded
from hardtack.symbolic import Size

SHOP = """\
def words(text: str) -> list[str]:
    found: list[str] = []
    for word in text.split(","):
        found.append(word)
    return found


def forever(start: int) -> list[int]:
    found: list[int] = []
    while start != 1:
        found.append(start)
        start = start // 2 if start % 2 == 0 else 3 * start + 1
    return found


class Order:
    def __init__(self, lines: list[int]) -> None:
        self.lines = lines

    def total(self) -> int:
        return len(self.lines)


raise SystemExit("this module was run")
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.py"
    path.write_text(SHOP)
    return path


def test_says_the_peak_and_what_is_returned(cli, shop):
    done = cli("bound", f"{shop}:words")
    assert done.status == 0, done
    peak = re.search(r"^  peak +(.*) bytes$", done.stdout, re.MULTILINE)
    assert Size.parse(peak[1]).symbols() == {"len(text)"}
    assert re.search(r"^  returned +\S.* bytes$", done.stdout, re.MULTILINE)
    assert re.search(r"^  retained +nothing$", done.stdout, re.MULTILINE)


def test_takes_a_module_on_the_path_and_a_method(cli, shop):
    done = cli("bound", "shop:Order.total", "shop:words", cwd=shop.parent)
    assert done.status == 0, done
    assert [line for line in done.stdout.splitlines() if line[:1] not in {" ", ""}] == [
        "shop:Order.total",
        "shop:words",
    ]


def test_a_loop_without_a_bound_is_a_finding_with_its_place_and_a_remedy(cli, shop):
    done = cli("bound", f"{shop}:forever")
    assert done.status == 1, done
    assert "no bound" in done.stdout
    assert re.search(r"shop\.py:10:\d+: loop: ", done.stdout), done.stdout
    assert "settle it: " in done.stdout


def test_assume_gives_a_number_that_is_marked(cli, tmp_path):
    path = tmp_path / "odd.py"
    path.write_text("def odd(path: str) -> int:\n    open(path)\n    return 1\n")
    done = cli("bound", "--assume", f"{path}:odd")
    assert done.status == 1, done
    assert "assumed" in done.stdout


def test_json_holds_the_same_bound(cli, shop, tmp_path):
    out = tmp_path / "out.json"
    done = cli("bound", f"{shop}:words", f"{shop}:forever", "--json", out)
    assert done.status == 1, done
    words, forever = json.loads(out.read_text())["entries"]
    assert words["entry"] == "shop:words"
    assert f"{rounded(Size.parse(words['peak']))} bytes" in done.stdout
    assert words["findings"] == []
    assert [loop["line"] for loop in words["loops"]] == [3]
    shares = sum((Size.parse(link["share"]) for link in words["chain"]), Size.const(0))
    large = {"len(text)": 1_000_000}
    assert shares.evaluate(large) == Size.parse(words["peak"]).evaluate(large)
    assert forever["peak"] is None
    assert {"kind", "file", "line", "column", "message", "remedy"} == set(forever["findings"][0])


def test_a_bound_that_grew_fails_the_check(cli, shop, tmp_path):
    file = tmp_path / "bounds.json"
    written = cli("bound", "shop:words", "shop:Order.total", "--write", file, cwd=shop.parent)
    assert written.status == 0, written
    same = cli("bound", "--check", file, cwd=shop.parent)
    assert (same.status, same.stdout) == (0, "2 bounds hold\n"), same
    shop.write_text(SHOP.replace("found.append(word)", "found.append(word + word)"))
    grown = cli("bound", "--check", file, cwd=shop.parent)
    assert grown.status == 1, grown
    assert "FAILS  shop:words: grew: peak was " in grown.stdout
    figures = re.search(r"every length and number 100: (\S+) bytes before, (\S+) now", grown.stdout)
    before, now = (int(text.replace(",", "")) for text in figures.groups())
    assert before < now
    assert re.search(r"most of it now: shop\.py:4  \S+ bytes  ", grown.stdout), grown.stdout
    assert "1 of 2 bounds fails the check" in grown.stdout
    assert "shop:Order.total" not in grown.stdout


def test_a_bound_that_shrank_passes_the_check_and_is_told(cli, shop, tmp_path):
    file = tmp_path / "bounds.json"
    cli("bound", "shop:words", "--write", file, cwd=shop.parent)
    shop.write_text(SHOP.replace("found.append(word)", "pass"))
    done = cli("bound", "--check", file, cwd=shop.parent)
    assert done.status == 0, done
    assert "passes shop:words: shrank: peak" in done.stdout
    assert done.stdout.endswith("\n1 bound holds\n")


def test_a_function_that_is_not_there_any_more_fails_the_check_of_the_others_too(cli, shop, tmp_path):
    file = tmp_path / "bounds.json"
    cli("bound", "shop:words", "shop:Order.total", "--write", file, cwd=shop.parent)
    shop.write_text(SHOP.replace("def words", "def split"))
    done = cli("bound", "--check", file, cwd=shop.parent)
    assert (done.status, done.stderr) == (1, ""), done
    assert re.search(r"FAILS  shop:words: gone: .* no function words.*renamed or deleted", done.stdout)
    assert "1 of 2 bounds fails the check" in done.stdout


def test_a_module_that_cannot_be_read_any_more_fails_the_check(cli, shop, tmp_path):
    file = tmp_path / "bounds.json"
    cli("bound", "shop:words", "--write", file, cwd=shop.parent)
    shop.write_text("def words(:\n")
    done = cli("bound", "--check", file, cwd=shop.parent)
    assert done.status == 1, done
    assert re.search(r"FAILS  shop:words: gone: .*shop\.py:1:12: ", done.stdout), done.stdout
    assert "renamed" not in done.stdout


def test_a_bound_that_is_lost_is_told_with_its_findings(cli, shop, tmp_path):
    file = tmp_path / "bounds.json"
    cli("bound", "shop:words", "--write", file, cwd=shop.parent)
    shop.write_text(SHOP.replace("found.append(word)", "open(word)"))
    done = cli("bound", "--check", file, cwd=shop.parent)
    assert done.status == 1, done
    assert re.search(r"FAILS  shop:words: lost: .*\n    shop\.py:4:\d+: ", done.stdout), done.stdout


def test_a_bound_that_is_long_to_read_has_figures(cli, tmp_path):
    path = tmp_path / "pairs.py"
    path.write_text(
        "def pairs(first: str, second: str) -> list[str]:\n    return [first + second for _ in second]\n"
    )
    done = cli("bound", f"{path}:pairs", "--json", tmp_path / "out.json")
    assert done.status == 0, done
    (entry,) = json.loads((tmp_path / "out.json").read_text())["entries"]
    peak = Size.parse(entry["peak"])
    shown = [f"{n}: {peak.evaluate(dict.fromkeys(peak.symbols(), n)):,} bytes" for n in (10, 100, 1000)]
    assert f"figures   with every length and number {'; '.join(shown)}" in done.stdout


def test_no_bounds_file_is_written_without_a_bound(cli, shop, tmp_path):
    file = tmp_path / "bounds.json"
    done = cli("bound", f"{shop}:forever", "--write", file)
    assert done.status == 1, done
    assert f"{shop}:forever has no bound" in done.error
    assert not file.exists()


def test_a_file_that_cannot_be_written_to_the_end_is_named(cli, shop):
    for option in ("--json", "--html", "--write"):
        done = cli("bound", f"{shop}:words", option, "/dev/full")
        assert (done.status, done.error) == (1, f"hardtack: {option} /dev/full: No space left on device")


@pytest.mark.parametrize("folder", [".", "inner/most"])
def test_what_was_named_by_its_file_is_checked_by_file_and_alone(cli, tmp_path, folder):
    shop = tmp_path / folder / "shop.py"
    shop.parent.mkdir(parents=True, exist_ok=True)
    shop.write_text(SHOP)
    target, file = f"{folder}/shop.py:words", tmp_path / "bounds.json"
    assert cli("bound", target, "--write", file, cwd=tmp_path).status == 0
    for arguments in ((target, "--check", file), ("--check", file)):
        done = cli("bound", *arguments, cwd=tmp_path)
        assert (done.status, done.stdout) == (0, "1 bound holds\n"), done
    shop.write_text(SHOP.replace("found.append(word)", "found.append(word + word)"))
    for arguments in ((target, "--check", file), ("--check", file)):
        done = cli("bound", *arguments, cwd=tmp_path)
        assert "words: grew: peak was " in done.stdout, done


def test_the_page_holds_the_source_and_loads_nothing(cli, shop, tmp_path):
    page = tmp_path / "page.html"
    done = cli("bound", f"{shop}:words", f"{shop}:forever", "--html", page)
    assert done.status == 1, done
    text = page.read_text()
    assert "found.append(word)" in text
    assert "len(text)" in text
    assert "No bound" in text
    assert not re.search(r"(src|href)=|https?://|@import|url\(", text)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("words", "is not of the form"),
        ("no.such.module:f", "no.such.module"),
        ("no.such.module:f", "looked for in "),
        ("nowhere.py:f", "nowhere.py"),
        ("shop.py:nothing", "nothing"),
        ("shop:Order", "shop:Order is a class; name a method: shop:Order.__init__, shop:Order.total"),
        ("shop:Order.totl", "defines no function Order.totl; it defines shop:Order.total"),
        ("shop", "it has shop:words, shop:forever, shop:Order.__init__, shop:Order.total"),
        ("shop.py", "it has shop.py:words, shop.py:forever"),
    ],
)
def test_a_target_that_is_none_is_wrong_use_in_one_line(cli, shop, target, message):
    done = cli("bound", target, cwd=shop.parent)
    assert done.status == 2, done
    assert message in done.error


def test_a_module_that_cannot_be_read_has_no_bound_in_one_line(cli, shop):
    (shop.parent / "broken.py").write_text("def f(:\n")
    done = cli("bound", "broken.py:f", cwd=shop.parent)
    assert done.status == 1, done
    assert "broken.py" in done.error


def test_a_target_that_is_none_does_not_hide_the_others(cli, shop):
    done = cli("bound", "shop:nothing", "shop:words", cwd=shop.parent)
    assert done.status == 2, done
    assert done.stdout.startswith("shop:words\n")
    assert "nothing" in done.error


def test_no_home_is_needed(cli, shop, monkeypatch):
    monkeypatch.setenv("HOME", "/proc/nohome")
    done = cli("bound", "--no-cache", f"{shop}:words")
    assert (done.status, done.stderr) == (0, ""), done


def test_no_target_is_wrong_use(cli):
    assert cli("bound").status == 2


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"python": "3.11"}', '{"python": "2.7", "entries": {}}']
)
def test_a_file_that_holds_no_bounds_is_told_apart(cli, tmp_path, content):
    file = tmp_path / "bounds.json"
    file.write_text(content)
    done = cli("bound", "--check", file)
    assert done.status == 1, done
    assert "bounds.json is no bounds file: " in done.error or "for CPython 2.7" in done.error


def test_models_of_ones_own(cli, tmp_path):
    path = tmp_path / "calls.py"
    path.write_text("from native import pack\n\n\ndef send(data: bytes) -> bytes:\n    return pack(data)\n")
    (tmp_path / "native.pyi").write_text("def pack(data: bytes) -> bytes: ...\n")
    assert cli("bound", "calls:send", cwd=tmp_path).status == 1
    models = tmp_path / "models.toml"
    models.write_text(
        '["native.pack"]\nsignature = "data"\nresult = "fresh(bytes, length=2 * len(data))"\nsource = "pack.c"\n'
    )
    given = cli("bound", "--models", models, "calls:send", cwd=tmp_path)
    assert given.status == 0, given
    (tmp_path / "pyproject.toml").write_text('[tool.hardtack]\nmodels = ["models.toml"]\n')
    assert cli("bound", "calls:send", cwd=tmp_path).stdout == given.stdout


def test_a_model_that_makes_no_sense_is_named(cli, shop, tmp_path):
    models = tmp_path / "models.toml"
    models.write_text(
        '["native.pack"]\nsignature = "data"\nresult = "fresh(bytes, length=size(data))"\nsource = "x"\n'
    )
    done = cli("bound", "--models", models, f"{shop}:words")
    assert done.status == 1, done
    assert "models.toml" in done.error
    assert "native.pack" in done.error
