"""Tables of systematic variations."""

from bevatron.report.provenance.origin import Origin
from bevatron.report.results.study_results import StudyResults
from bevatron.report.tables.metric_titles import title_of
from bevatron.report.tables.table import Cell, Table

CAPTION = (
    "Varied minus nominal, of the same networks and, where the variation has the same events, on the same events: the "
    "error is that of the difference."
)


def shifts_table(results: StudyResults, metrics: list[str]) -> Table | None:
    """The shifts of the metrics that matter most, a row for each model and variation; None without variations."""
    study, rows, origins = results.study, [], []
    for m in results.models.values():
        for variation in study.variations:
            shifts = results.measurements.shifts[variation][m.name]
            rows.append((m.title, study.variation_title(variation), *(shifts.get(metric) for metric in metrics)))
            origins.append(Origin(study.name, "evaluate", m.name, variation=variation))
    if not rows:
        return None
    head = ("model", "variation", *(title_of(metric) for metric in metrics))
    by_column = {i: {"metric": metric} for i, metric in enumerate(metrics, start=2)}
    return Table(f"{study.name}_shifts", CAPTION, head, tuple(rows), tuple(origins), by_column)


def variations_table(results: StudyResults) -> Table | None:
    """Every metric of every model under each variation; None without variations."""
    study, origins = results.study, []
    rows: list[tuple[Cell, ...]] = []
    for m in results.models.values():
        for variation in study.variations:
            varied = results.measurements.varied[variation][m.name]
            for metric, shift in results.measurements.shifts[variation][m.name].items():
                nominal = results.measurements.models[m.name][metric]
                in_errors = shift.value / shift.error if shift.error > 0 else None
                rows.append((m.title, variation, metric, nominal, varied[metric], shift, in_errors))
                origins.append(Origin(study.name, "evaluate", m.name, metric=metric, variation=variation))
    if not rows:
        return None
    head = ("model", "variation", "metric", "nominal", "varied", "shift", "shift / error")
    return Table(f"{study.name}_variations", CAPTION, head, tuple(rows), tuple(origins), {3: {"variation": None}})
