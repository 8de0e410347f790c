"""The page: Jinja2 templates filled with the ledger and the chapters."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bevatron.config.sections.workflow import Workflow
from bevatron.report.page.chapter import Chapter
from bevatron.report.page.ledger import Entry, tally
from bevatron.report.page.margin_figure import margin_figure
from bevatron.report.tables.numbers import plain, sigmas, with_error
from bevatron.versions import versions


def render(workflow: Workflow, ledger: list[Entry], chapters: list[Chapter], missing: dict[str, str]) -> str:
    """The whole page as one text that needs no other file and no network."""
    environment = Environment(
        loader=PackageLoader("bevatron.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"plain": plain, "sigmas": sigmas, "slug": lambda text: text.replace(" ", "-")}
    environment.globals |= {
        "with_error": with_error,
        "margin_figure": lambda e: Markup(margin_figure(e.decision, e.claim.test.sigmas)),
    }
    return environment.get_template("index.html.j2").render(
        workflow=workflow,
        ledger=ledger,
        tally=tally(ledger),
        chapters=chapters,
        failures=[failure for chapter in chapters for failure in chapter.failures],
        missing=missing,
        versions=versions(),
    )
