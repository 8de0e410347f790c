"""A panel of `explore.html`: a module of `bevatron.report.explore.panels` registers what builds its kind."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from bevatron.config.loading.registry import Registry
from bevatron.figures import log_failure
from bevatron.report.results.study_results import StudyResults

PANELS = Registry("panel", "bevatron.report.explore.panels")
panels = PANELS.register
"""Decorator of a module's `build_panels(results: StudyResults) -> list[Panel]`, empty where a study has none."""

GENERAL = ("threshold", "learning_curves", "searches")
"""Kinds that nearly every study has; they come after those of the study's own physics, in this order."""
SCRIPTS = files("bevatron.report.explore") / "scripts"


@dataclass(frozen=True)
class Panel:
    """One panel: `script` draws `data` in the browser.

    name: unique on the page, of letters, digits and hyphens, as it becomes part of an id. title, explanation: plain
    text. data: what `json.dumps` takes, without NaN; arrays by `encode_array`. script: the name of a file in
    `explore/scripts/`, which calls `bevatron.panel("<name without .js>", (element, data) => {...})`.
    failure: why the panel could not be made; it has no data then.
    """

    name: str
    title: str
    explanation: str
    data: dict[str, Any]
    script: str
    failure: str = ""

    @property
    def kind(self) -> str:
        """The name under which the script registers."""
        return self.script.removesuffix(".js")

    @property
    def json(self) -> str:
        """The data as JSON that can stand in a `script` element: no character of it starts a tag or a comment.

        Raises ValueError for NaN and infinities, TypeError for what JSON does not know.
        """
        text = json.dumps(self.data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def script_file(name: str) -> Traversable:
    """The file of a panel's script. Raises ValueError for a name that is no plain file name."""
    if not name.removesuffix(".js").replace("_", "").isalnum() or not name.endswith(".js"):
        raise ValueError(f"'{name}' is no name of a script")
    return SCRIPTS / name


def build_all_panels(results: StudyResults) -> list[Panel]:
    """The panels of a study, those of its physics first; one that cannot be made says why, and the others stand.

    Also a UserError, of a damaged file, costs only its panel: the page decides nothing.
    """
    names = PANELS.names()
    ordered = [name for name in names if name not in GENERAL] + [name for name in GENERAL if name in names]
    return [panel for name in ordered for panel in _panels_or_failure(name, results)]


def _panels_or_failure(kind: str, results: StudyResults) -> Iterator[Panel]:
    try:
        built = [_checked(panel) for panel in PANELS[kind](results)]
    except Exception as error:
        reason = log_failure(error, f"panel {results.study.name}/explore/{kind}")
        built = [Panel(kind.replace("_", "-"), kind.replace("_", " ").capitalize(), "", {}, f"{kind}.js", reason)]
    yield from built


def _checked(panel: Panel) -> Panel:
    """The panel, if it has a script and its data can be written."""
    if not script_file(panel.script).is_file():
        raise FileNotFoundError(f"there is no script {panel.script}")
    if not panel.name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"'{panel.name}' is no name of a panel")
    _ = panel.json
    return panel
