"""`explore.html`: a study's panels with their data and scripts. plotly.js lies beside the studies' folders."""

import pkgutil

from markupsafe import Markup

from bevatron.config.sections.study import Study
from bevatron.report.explore.panel import Panel, script_file
from bevatron.report.page.render import render_template

EXPLORE, PLOTLY = "explore.html", "plotly.min.js"


def plotly_script() -> bytes:
    """plotly.js, as the Python package plotly ships it: about 5 MB, written once for all studies."""
    content = pkgutil.get_data("plotly", "package_data/plotly.min.js")
    if content is None:
        raise FileNotFoundError("the installed package plotly has no plotly.min.js")
    return content


def render_explore(study: Study, panels: list[Panel], scale: str) -> str:
    """The page as one text. It loads `../plotly.min.js` and nothing else, and works from disk."""
    names = list(dict.fromkeys(["explore.js", *(panel.script for panel in panels if not panel.failure)]))
    scripts = [Markup(_inline(script_file(name).read_text(encoding="utf-8"), name)) for name in names]
    return render_template("explore.html.j2", study=study, panels=panels, scripts=scripts, scale=scale, plotly=PLOTLY)


def _inline(script: str, name: str) -> str:
    """A script of ours as it stands in the page. Raises ValueError for one that would end its element early."""
    if "</script" in script.lower() or "<!--" in script:
        raise ValueError(f"{name} holds '</script' or '<!--'")
    return script
