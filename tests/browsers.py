"""A browser for tests of pages, on screens of two sizes, light and dark; `make browser` installs it."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

_BROWSER = shutil.which("chromium")


def on_each_screen(test: Callable[..., None]) -> Any:
    """Have a slow test run for each `width` and `scheme`."""
    for mark in (
        pytest.mark.parametrize("width", [360, 1200]),
        pytest.mark.parametrize("scheme", ["light", "dark"]),
        pytest.mark.slow,
    ):
        test = mark(test)
    return test


@contextlib.contextmanager
def screen(width: int, scheme: str) -> Iterator[tuple[Page, list[str]]]:
    """Open a browser's page; what it complains of, or asks the network for, is in the list."""
    if _BROWSER is None or importlib.util.find_spec("playwright") is None:
        pytest.fail("chromium and playwright are not installed: make browser")
    from playwright.sync_api import sync_playwright

    complaints: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=_BROWSER, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
        shown.on("console", lambda message: complaints.append(message.text))
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        shown.on(
            "request",
            lambda request: (
                None if request.url.startswith(("file:", "data:")) else complaints.append(request.url)
            ),
        )
        yield shown, complaints
        browser.close()
