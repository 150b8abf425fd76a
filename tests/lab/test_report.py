"""The report's page: by itself, readable as HTML, and in a browser (`make report`)."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from browsers import on_each_screen, screen

from hardtack.lab.experiment import Bars, Claim, Experiment, Figure, Findings, Lines, Scatter, Settings
from hardtack.lab.report import Entry, page

if TYPE_CHECKING:
    from pathlib import Path

VOID = {"meta", "link", "use", "path", "br"}
PLOTS = [
    Lines(
        "Live & dead",
        "s",
        "MiB",
        {"live": [(0, 1), (1, 2)], "dead": [(0, 2), (1, 1)]},
        {"kill": [0.5]},
        ("M", 3),
    ),
    Bars("Kills", "kills", ["a ladder with a long name of its own", "b"], {"kills": [3, 0]}, ("most", 2)),
    Scatter("Peaks", "bytes", "bytes", {"calls": [(100, 200), (5000, 9000)]}, "equal"),
]


def _never(settings: Settings) -> Findings:
    raise AssertionError(settings)


def entry(name: str = "tried") -> Entry:
    experiment = Experiment(name, "Is <it> so?", "By trying.", lambda quick: 1, _never)
    claims = [
        Claim("It is.", "it was", "found & seen", True),
        Claim("It always is.", "", "not <b>always</b>", False),
    ]
    rows = [{"what": "one", "ms": Figure(2.0, 1.0, 3.0), "well": True, "none": None}]
    return Entry(experiment, 7, Findings(claims, rows, PLOTS), 1.5)


class Reader(HTMLParser):
    """Checks that elements are closed, and collects text, ids and addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src", "xlink:href"}:
                self.addresses.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def text() -> str:
    return page([entry(), entry("again")], quick=True)


def test_it_is_well_formed(text: str) -> None:
    assert Reader(text).open == []


def test_it_asks_no_network_for_anything(text: str) -> None:
    read = Reader(text)
    assert all(address.startswith(("#", "data:")) for address in read.addresses)
    assert "script" not in read.tags
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_it_shows_every_plot_claim_and_figure(text: str) -> None:
    read = Reader(text)
    assert read.tags["svg"] == 2 * len(PLOTS)
    for said in ("1 of 2 claims hold".replace("1 of 2", "2 of 4"), "Is <it> so?", "found & seen", "not <b>always</b>",
                 "2 (1 to 3)", "hardtack lab tried --quick --seed 7", "Live & dead"):  # fmt: skip
        assert said in read.text


def test_plots_take_their_colours_from_the_page(text: str) -> None:
    drawn = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert "var(--ink)" in drawn
    assert "var(--series-1)" in drawn
    assert not re.findall(r"#0[0-9a-f]{5}", drawn)


def test_the_text_of_plots_is_text(text: str) -> None:
    assert text.count("MiB") >= 2


def test_the_same_findings_make_the_same_page(text: str) -> None:
    assert page([entry(), entry("again")], quick=True) == text


@on_each_screen
def test_it_is_readable_in_a_browser(text: str, scheme: str, width: int, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(page([entry()], quick=True))
    with screen(width, scheme) as (shown, complaints):
        shown.goto((tmp_path / "report.html").as_uri())
        look(shown, width)
    assert complaints == []


def look(shown, width: int) -> None:
    """Every plot is drawn inside the page; every text stands out from what is behind it and is not tiny."""
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    for plot in shown.query_selector_all("svg"):
        box = plot.bounding_box()
        assert box["width"] > 250
        assert box["height"] > 60
        assert len(plot.query_selector_all("path")) > 5
        heights = [mark.bounding_box()["height"] for mark in plot.query_selector_all("text")]
        assert min(heights) >= 8
    colours = shown.evaluate(
        """() => [...document.querySelectorAll("h1, p, dd, dt, td, th, .mark, pre, svg text")].map(element => {
            const style = getComputedStyle(element);
            return element.tagName === "text" ? style.fill : style.color;
        })"""
    )
    paper = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    assert min(contrast(colour, paper) for colour in set(colours)) >= 4.5


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours."""
    lights = sorted(map(luminance, (one, other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
