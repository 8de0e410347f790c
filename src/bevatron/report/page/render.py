"""The pages: Jinja2 templates filled with verdicts, and with a study's chapter or with the ledger."""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bevatron.config.sections.course import Course
from bevatron.report.ledger.claims_table import rates_of
from bevatron.report.ledger.course_index import IndexRow
from bevatron.report.ledger.decided import decision_of
from bevatron.report.ledger.false_discovery import RATE, expected_false, leaning_p_value, takes_part
from bevatron.report.ledger.reported import VERDICTS, ReportedStudy
from bevatron.report.page.chapter import Chapter
from bevatron.report.page.margin_figure import margin_figure
from bevatron.report.tables.numbers import plain, probability, sigmas, with_error
from bevatron.store.records.claims import ClaimRecord
from bevatron.versions import versions


def render_study(
    chapter: Chapter, claims: tuple[ClaimRecord, ...], scale: str, failures: Sequence[tuple[str, str]], explore: str
) -> str:
    """A study's page as one text that needs no other file and no network.

    failures: figures, tables and panels that could not be made, and why; explore: the page to explore, to be linked.
    """
    content = {"c": chapter, "claims": claims, "rates": {}, "scale": scale, "failures": failures, "explore": explore}
    return render_template("study.html.j2", **content)


def render_ledger(
    studies: list[ReportedStudy],
    scale: str,
    missing: dict[str, str],
    course: Course | None = None,
    index: Sequence[IndexRow] = (),
) -> str:
    """The ledger as one text that needs no other file and no network; it links to the studies' pages.

    missing: studies left out, and why; course, index: a course whose statements the claims test, item by item.
    """
    counted = [study for study in studies if study.counts_at(scale)]
    claims = [claim for study in counted for claim in study.claims]
    rates = rates_of(studies, scale)
    decided = [
        rates[study.name, claim.id]
        for study in counted
        for claim in study.claims
        if (study.name, claim.id) in rates and claim.verdict in ("reproduced", "not reproduced")
    ]
    exact = [study.exact_checks() for study in counted]
    return render_template(
        "ledger.html.j2",
        studies=[study for study in studies if study.configured],
        strangers=[study for study in studies if not study.configured],
        counted=counted,
        tally={verdict: sum(study.tally()[verdict] for study in counted) for verdict in VERDICTS},
        exact=(sum(holding for holding, _ in exact), sum(total for _, total in exact)),
        rates=rates,
        rate=RATE,
        chance={
            "claims": sum(takes_part(claim) for claim in claims),
            "expected": expected_false(claims),
            "decided": len(decided),
            "standing": sum(rate <= RATE for rate in decided),
        },
        scale=scale,
        missing=missing,
        course=course,
        index=index,
        failures=[(failure.name, failure.reason) for study in counted for failure in study.failures],
    )


def render_template(template: str, **content: object) -> str:
    """A template of `bevatron/report/templates` filled with `content`, whose texts are escaped."""
    environment = Environment(
        loader=PackageLoader("bevatron.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "plain": plain,
        "sigmas": sigmas,
        "probability": probability,
        "longest_word": lambda text: max(map(len, text.split()), default=0),
        "slug": lambda text: text.replace(" ", "-"),
    }
    environment.globals |= {
        "with_error": with_error,
        "decision_of": decision_of,
        "leaning_p_value": leaning_p_value,
        "FALSE_DISCOVERIES": RATE,
        "margin_figure": lambda claim, decision: Markup(margin_figure(decision, claim.sigmas)),
    }
    return environment.get_template(template).render(versions=versions(), **content)
