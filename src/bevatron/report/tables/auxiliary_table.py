"""The table that compares models by their auxiliary tasks."""

from bevatron.report.provenance.origin import Origin
from bevatron.report.results.study_results import StudyResults
from bevatron.report.tables.metric_titles import title_of_auxiliary
from bevatron.report.tables.table import Table

OF_KIND = {
    "element_classification": ("accuracy",),
    "same_vertex": ("efficiency", "purity", "fake_rate", "pair_auc"),
    "regression": ("residual_mean", "residual_std", "mae"),
}


def auxiliary_table(results: StudyResults) -> Table | None:
    """The metrics that matter most of each auxiliary task, a row for each model that has any; None where none has."""
    models = [m for m in results.models.values() if m.curves.get("auxiliary")]
    if not models:
        return None
    columns: dict[str, None] = {}
    for m in models:
        for task, curve in m.curves["auxiliary"].items():
            for key in OF_KIND[curve["kind"]]:
                names = [name for name in curve.get("parts", {}) if name]
                of_task = [f"{task}.{key}.{name}" for name in names] or [f"{task}.{key}"]
                columns |= dict.fromkeys(metric for metric in of_task if metric in m.metrics.metrics)
    rows = tuple((m.title, *(results.metric(m.name, metric) for metric in columns)) for m in models)
    return Table(
        f"{results.study.name}_auxiliary",
        "Auxiliary tasks, which models learn beside their own: mean over the seeds; the error holds the test split's "
        "size and the spread of the seeds. Vertices are those of two elements or more.",
        ("model", *(title_of_auxiliary(metric) for metric in columns)),
        rows,
        tuple(Origin(results.study.name, "evaluate", m.name) for m in models),
        {i: {"metric": metric} for i, metric in enumerate(columns, start=1)},
    )
