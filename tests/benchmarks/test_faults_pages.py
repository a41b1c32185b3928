"""Pages in a browser: each fault is found."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults.pages import SCHEMES, inspect_page, inspect_pages, open_browser

PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

HEAD = "<meta charset=utf-8><meta name=viewport content='width=device-width'>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    pytest.importorskip("selenium")
    if shutil.which("chromedriver") is None:
        pytest.skip("needs Chromium and its driver")
    with open_browser() as browser:
        yield browser


@pytest.mark.slow
@pytest.mark.usefixtures("browser")
def test_reports_and_documentation_can_be_read(tmp_path: Path) -> None:
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package)
    outcome = inspect_pages(tmp_path)
    assert outcome.failures == []
    assert outcome.tried == outcome.survived > 100


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("<p>text<table><tr><td>caf\u00e9</table><del>a</del><ins>b</ins>", []),
        (f"<img src='{PIXEL}'>", []),
        ("<p style='width: 1000px'>text", ["scrolls sideways: 1008 px"]),
        ("<img src='none.png'>", ["no picture", "console"]),
        ("<script>console.error('said')</script>", ["console"]),
        ("<script>undefined.name</script>", ["console"]),
        ("<table><tr><td>cafe\u0301</table>", ["not composed: cafe\u0301"]),
        ("<p>\u05d0<ins>\u05b8</ins>", ["a mark without its letter: \u05b8"]),
        ("<p><del>\u0915</del>\u093f", ["a mark without its letter"]),
        ("<style>del { text-decoration: none }</style><del>a</del>", ["only a colour marks a"]),
        ("<p style='color: #777; background: #888'>grey", ["contrast 1.3: grey"]),
        ("<svg style='fill: #eee; background: #fff'><text y=9>pale</text></svg>", ["contrast 1.2"]),
        ("<p style='background: #fff; color: #000; opacity: .1'>pale", ["contrast 1.3: pale"]),
        ("<p style='background: #fff; color: rgb(0 0 0 / 10%)'>pale", ["contrast 1.3: pale"]),
        ("<p hidden style='color: #777; background: #888'>grey", []),
    ],
)
def test_what_is_wrong_with_a_page_is_found(
    body: str, wrong: list[str], browser: Any, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_text(f"<!DOCTYPE html>{HEAD}<title>page</title>{body}", encoding="utf-8")
    outcome = inspect_page(browser, path, 390, "light")
    assert outcome[:2] == (1, not wrong)
    assert [any(part in text for text in outcome.failures) for part in wrong] == [True] * len(wrong)
    assert len(outcome.failures) == len(wrong)


def test_a_page_without_a_viewport_is_found(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<!DOCTYPE html><p style='width: 900px'>text")
    (found,) = inspect_page(browser, path, 390, "light").failures
    assert "no viewport" in found


def test_dark_is_another_scheme(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        f"<!DOCTYPE html>{HEAD}<style>@media (prefers-color-scheme: dark) {{ p {{ color: #333; "
        "background: #222 } }</style><p>text"
    )
    found = [inspect_page(browser, path, 1280, scheme).survived for scheme in SCHEMES]
    assert found == [True, False]
