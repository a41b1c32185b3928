"""Pages in a browser without a screen: reports of runs, and the documentation."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.checkout import ROOT
from benchmarks.faults.outcome import Outcome, add_up
from benchmarks.faults.training.runs import TASKS, train

WIDTHS = (390, 1280)
"""Pixels of a telephone and of a screen."""

SCHEMES = ("light", "dark")

MARKED = (
    "tìm tím tịm tầm", "ἄνθρωπος ἀνθρώπου ᾧ", "लड़की लड़कियाँ कि", "שָׁלוֹם שְׁלוֹמִי", "kṛṣṇa ǭ ḗ",
    "ﻻ كِتَابٌ كُتُبٌ", "क\u200dष क\u200dि", "می\u200cخواهم", "e\u0323\u0302 ệ e\u0302\u0323",
    "각 각 닭", "ñandú ÿ å Å", "กำ ที่นี่",
)  # fmt: skip
"""Texts with marks, some of which are one character with their letter and some not."""

INSPECT = """
const found = [], root = document.documentElement;
const luminance = color => color.map(c => c / 255)
  .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const parse = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
const behind = element => {
  for (let e = element; e; e = e.parentElement) {
    const color = parse(getComputedStyle(e).backgroundColor);
    if (color.length < 4 || color[3] > 0.5) return color.slice(0, 3);
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
};
if (!document.querySelector("meta[name=viewport]"))
  found.push("no viewport: a telephone shows the page small");
if (root.scrollWidth > root.clientWidth)
  found.push(`scrolls sideways: ${root.scrollWidth} px`);
for (const image of document.images) {
  image.loading = "eager";
  if (!image.complete || !image.naturalWidth) found.push(`no picture: ${image.src}`);
}
for (const cell of document.querySelectorAll("td, th, .rewritten"))
  if (cell.innerText !== cell.innerText.normalize("NFC"))
    found.push(`not composed: ${cell.innerText}`);
for (const [tag, line] of [["del", "line-through"], ["ins", "underline"]])
  for (const element of document.querySelectorAll(tag))
    if (!getComputedStyle(element).textDecorationLine.includes(line))
      found.push(`only a colour marks ${element.innerText}`);
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let text; text = texts.nextNode();) {
  const element = text.parentElement;
  if (/^\\p{M}/u.test(text.data))
    found.push(`a mark without its letter: ${element.innerText}`);
  if (!text.data.trim() || !element.checkVisibility()) continue;
  const svg = element.closest("svg"), style = getComputedStyle(element);
  const color = parse(svg ? style.fill : style.color), ground = behind(svg || element);
  let opacity = color[3] ?? 1;
  for (let e = element; e; e = e.parentElement) opacity *= getComputedStyle(e).opacity;
  const seen = ground.map((value, i) => opacity * color[i] + (1 - opacity) * value);
  const [a, b] = [seen, ground].map(luminance);
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) found.push(`contrast ${contrast.toFixed(1)}: ${text.data.trim()}`);
}
return found;
"""
"""Returns what is wrong with a page. Contrast (WCAG 2.2, 1.4.3) does not depend on hues: text that
has it can be read without colours."""


def inspect_pages(folder: Path) -> Outcome:
    """Open the reports of runs and the documentation, at both widths, light and dark.

    A page survives if it does not scroll sideways, says nothing in the console, loads its pictures,
    has composed texts in its tables, marks nothing by colours alone, and has enough contrast. Needs
    Chromium, its driver and selenium.

    Args:
        folder: An empty folder.
    """
    paths = [*make_reports(folder), *build_documentation(folder / "docs")]
    with open_browser() as browser:
        return add_up(
            inspect_page(browser, path, width, scheme)
            for path in paths
            for width in WIDTHS
            for scheme in SCHEMES
        )


def inspect_page(browser: Any, path: Path, width: int, scheme: str) -> Outcome:
    """Open a page, and return what is wrong with it."""
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 800}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get(path.as_uri())
    found = browser.execute_script(INSPECT)
    found += [f"console: {entry['message']}" for entry in browser.get_log("browser")]
    where = f"{path.parent.name}/{path.name}, {width} px, {scheme}"
    return Outcome(1, int(not found), 0, [f"{where}: {text}" for text in sorted(set(found))[:30]])


@contextmanager
def open_browser() -> Iterator[Any]:
    """Start Chromium without a screen."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    # Without the path, selenium asks the network for a driver.
    driver = shutil.which("chromedriver")
    if driver is None:
        raise FileNotFoundError("chromedriver: no such program (it is a package of its own)")
    options = ChromeOptions()
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "hide-scrollbars"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with Chrome(options, ChromeService(driver)) as browser:
        yield browser


def make_reports(folder: Path) -> list[Path]:
    """Train short runs, one of them on texts with marks, and return their reports."""
    options = {name: make(folder) for name, make in TASKS.items()}
    marked = folder / "marked.tsv"
    words = [word for text in MARKED for word in (text, *text.split())]
    marked.write_text("".join(f"{w}\t{w[::-1] if len(w) < 4 else w[:-1]}\n" for w in words))
    own = [f"--data.{name}={marked}" for name in ("train", "val")]
    # The first options of the text are replaced by those behind them.
    options["marked"] = [*options["text"], *own]
    return [train(given, folder / name) / "report.html" for name, given in options.items()]


def build_documentation(folder: Path) -> list[Path]:
    """Build the documentation and return its pages."""
    command = [sys.executable, "-m", "sphinx", "--quiet", str(ROOT / "docs"), str(folder)]
    subprocess.run(command, check=True)
    return sorted(path for path in folder.rglob("*.html") if "_static" not in path.parts)
