"""What a generator that collapsed may not decide.

A collapsed generator satisfies many a statement without being what the statement is about: its images are no copies,
and D cannot tell what D never learned. A claim about the last generator of a model of which some training collapsed is
therefore not reproduced by it but "not at this scale". Claims about the course of the training stand: that it goes
wrong is what some of them say.
"""

from dataclasses import replace

from bevatron.report.claims.decision import Decision
from bevatron.report.results.measured import Measurements

COURSE = frozenset(
    {
        "frechet_distance.first",
        "frechet_distance.early",
        "frechet_distance.lost",
        "classifier_loss.lost",
        "frechet_distance_of_data",
        "reference_accuracy",
        "collapsed",
    }
)
"""Metrics that are not of the last generator's images, or say themselves that it collapsed."""


def without_collapsed(decision: Decision, measurements: Measurements) -> Decision:
    """The decision with a note where a generator it is about has collapsed; then it is not "reproduced"."""
    models = dict.fromkeys(n.trained for n in decision.numbers if n.trained is not None and n.metric not in COURSE)
    collapsed = {model: measurements.collapsed[model] for model in models if measurements.collapsed.get(model)}
    if not collapsed:
        return decision
    words = "; ".join(f"{measurements.title(model)}, {_seeds(seeds)}" for model, seeds in collapsed.items())
    if decision.verdict != "reproduced":
        return replace(decision, notes=(*decision.notes, f"collapsed: {words}"))
    note = f"would be reproduced, but the generator collapsed: {words}"
    return replace(
        decision, verdict="not at this scale", notes=(*decision.notes, note), p_reproduced=1.0, p_not_reproduced=1.0
    )


def _seeds(seeds: tuple[int, ...]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}"
