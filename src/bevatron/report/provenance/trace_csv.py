"""Every metric of a report in one small CSV table, with what it was measured from."""

from bevatron.csv_text import format_rows
from bevatron.errors import in_one_line
from bevatron.report.provenance.table_metrics import NumberPart, collect_metrics
from bevatron.report.provenance.trace import Trace

HEAD = ("study", "scale", "model", "metric", "variation", "value", "error", "trainings", "settings", "dataset")


def trace_csv(trace: Trace, table: str | None = None) -> str:
    """A row for each metric of each model and for each observable, with all digits.

    table: of this table alone. settings, dataset: the digests of the study's settings and of the dataset's manifest.
    """
    numbers = [NumberPart.model_validate(number) for number in trace.numbers(table)]
    rows: list[tuple[object, ...]] = [HEAD]
    for study, record in trace.payload["studies"].items():
        digests = (record["config_digest"], record["manifest_sha256"])
        for key, metric in collect_metrics(study, numbers).items():
            name = (study, record["scale"], key.model, key.metric, key.variation)
            error = "" if metric.error != metric.error else f"{metric.error:.10g}"
            rows.append((*map(in_one_line, name), f"{metric.value:.10g}", error, len(metric.per_seed), *digests))
    return format_rows(rows)
