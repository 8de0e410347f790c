"""Pages with one panel each, in the browser of the tests of the report."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bevatron.config.sections.study import Study
from bevatron.report.explore.page import PLOTLY, plotly_script, render_explore
from bevatron.report.explore.panel import Panel

HOSTILE = "</script><b>bold</b> & $x$"
STUDY = {
    "name": "shown",
    "title": HOSTILE,
    "summary": "Nothing.",
    "simulation": {"source": {"kind": "digits"}},
    "dataset": {"recipe": {"kind": "images"}},
    "task": {"kind": "classification", "target": "label", "classes": ["a", "b"], "signal": "a"},
    "models": {"one": {"title": "One", "inputs": ["image"], "architecture": {"kind": "mlp", "widths": []}}},
}


@pytest.fixture(scope="module")
def plotly_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    (folder / PLOTLY).write_bytes(plotly_script())
    return folder


@pytest.fixture
def show(browser: Any, plotly_folder: Path) -> Iterator[Callable[[Panel], "Shown"]]:
    """Opens a page with one panel; afterwards the browser must have nothing to complain about."""

    def open_panel(panel: Panel) -> Shown:
        page = plotly_folder / panel.kind / "explore.html"
        page.parent.mkdir(exist_ok=True)
        page.write_text(render_explore(Study.model_validate(STUDY), [panel], "demo"), encoding="utf-8")
        browser.open(page)
        shown = Shown(browser.driver)
        assert browser.run("return document.querySelector('section.panel').dataset.drawn") == "yes", shown.text()
        return shown

    yield open_panel
    assert browser.errors() == []


class Shown:
    """The panel that a browser shows."""

    def __init__(self, browser: Any):
        self.browser = browser

    def find(self, selector: str) -> Any:
        return self.browser.find_element("css selector", f".panel .content {selector}")

    def text(self, selector: str = "") -> str:
        return self.browser.find_element("css selector", f".panel .content {selector}".strip()).text

    def labelled(self, label: str) -> Any:
        """The control with a label."""
        name = self.browser.find_element("xpath", f"//label[starts-with(normalize-space(), '{label}')]")
        return self.browser.find_element("id", name.get_attribute("for"))

    def choose(self, label: str, text: str) -> None:
        from selenium.webdriver.support.ui import Select

        Select(self.labelled(label)).select_by_visible_text(text)

    def press(self, label: str, key: str, times: int = 1) -> None:
        for _ in range(times):
            self.labelled(label).send_keys(key)

    def drawn(self, selector: str) -> dict[str, Any]:
        """The traces and the layout of a plot."""
        script = (
            "const p = document.querySelector('.panel .content ' + arguments[0]);"
            "return JSON.parse(JSON.stringify({data: p.data, layout: {xaxis: {range: p.layout.xaxis.range},"
            "yaxis: {range: p.layout.yaxis.range}, shapes: p.layout.shapes || []}}));"
        )
        return self.browser.execute_script(script, selector)
