"""The tables that compare models by their auxiliary tasks."""

from bevatron.report.provenance.origin import Origin
from bevatron.report.results.study_results import ModelResults, StudyResults
from bevatron.report.tables.metric_titles import title_of_auxiliary
from bevatron.report.tables.table import Table

OF_KIND = {
    "element_classification": ("accuracy",),
    "same_vertex": ("efficiency", "purity", "fake_rate", "pair_auc"),
    "regression": ("residual_mean", "residual_std", "mae"),
}


def auxiliary_tables(results: StudyResults) -> list[Table]:
    """A table for each auxiliary task: the metrics that matter most, a row for each model that has it."""
    by_task: dict[str, list[ModelResults]] = {}
    for m in results.models.values():
        for task in m.curves.get("auxiliary", {}):
            by_task.setdefault(task, []).append(m)
    return [_table(results, task, models) for task, models in by_task.items()]


def _table(results: StudyResults, task: str, models: list[ModelResults]) -> Table:
    columns: dict[str, None] = {}
    for m in models:
        curve = m.curves["auxiliary"][task]
        for key in OF_KIND[curve["kind"]]:
            names = [name for name in curve.get("parts", {}) if name]
            of_task = [f"{task}.{key}.{name}" for name in names] or [f"{task}.{key}"]
            columns |= dict.fromkeys(metric for metric in of_task if metric in m.metrics.metrics)
    kinds = {m.curves["auxiliary"][task]["kind"] for m in models}
    return Table(
        f"{results.study.name}_auxiliary_{task}",
        f"Auxiliary task {task}, which models learn in addition to their own: mean over the seeds; errors contain the "
        "test split's size and the spread of the seeds."
        + (" Only vertices of two or more elements count." if "same_vertex" in kinds else ""),
        ("model", *(title_of_auxiliary(metric).partition(": ")[2] for metric in columns)),
        tuple((m.title, *(results.metric(m.name, metric) for metric in columns)) for m in models),
        tuple(Origin(results.study.name, "evaluate", m.name) for m in models),
        {i: {"metric": metric} for i, metric in enumerate(columns, start=1)},
    )
