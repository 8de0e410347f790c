"""Results for notebooks: what the trained models predict for the test split, the metrics, and the verdicts."""

from pathlib import Path
from typing import TYPE_CHECKING

from bevatron.api.project import find_project
from bevatron.errors import UserError
from bevatron.store.files.plain_names import inside

if TYPE_CHECKING:
    import pandas as pd

    from bevatron.evaluate.predictions.stored import StoredPredictions


def predictions(study: str, model: str, project: str | Path | None = None) -> "StoredPredictions":
    """The predictions of a model of a study for the test split, from `predictions.h5`.

    Raises UserError where the file is missing, damaged, or of another study or model.
    """
    from bevatron.evaluate.predictions.stored import read_predictions

    folder = inside(find_project(project).results_of(study) / "evaluation", model)
    return read_predictions(folder / "predictions.h5", study, model)


def metrics(study: str, model: str | None = None, project: str | Path | None = None) -> "pd.DataFrame":
    """The metrics of a study's models (default: of all that were evaluated), a row for each model and metric.

    Columns: value (the mean over the seeds), error, low and high (the interval from the test split's size), seed_std,
    n_seeds, unit; of a cross-validation also fold_std, the standard deviation over the folds. Raises UserError where
    nothing was evaluated, or a file is damaged.
    """
    import pandas as pd

    from bevatron.store.records.metrics import read_metrics

    folder = find_project(project).results_of(study) / "evaluation"
    names = [model] if model is not None else sorted(path.parent.name for path in folder.glob("*/metrics.json"))
    if not names:
        raise UserError(folder, "holds no metrics", f"run the workflow for the study '{study}'")
    rows = {
        (name, metric): {
            "value": measured.value,
            "error": measured.error,
            "low": measured.low,
            "high": measured.high,
            "seed_std": measured.seed_std,
            "n_seeds": len(measured.per_seed),
            "unit": measured.unit,
            **({} if measured.fold_std is None else {"fold_std": measured.fold_std}),
        }
        for name in names
        for metric, measured in read_metrics(inside(folder, name) / "metrics.json", study, name).metrics.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=["model", "metric"])
    return table


def claims(study: str, project: str | Path | None = None) -> "pd.DataFrame":
    """A study's claims with their verdicts, a row for each, indexed by the claim's id, from the report's `claims.json`.

    Columns: verdict, statement, measured (the numbers in one sentence), source, exact (arithmetic or a theorem).
    Raises UserError where the study has no page, or the file is damaged.
    """
    import pandas as pd

    from bevatron.store.records.claims import read_claims

    record = read_claims(inside(find_project(project).results_of("report"), study) / "claims.json", study)
    rows = [
        {
            "verdict": claim.verdict,
            "statement": claim.statement,
            "measured": claim.sentence,
            "source": claim.source,
            "exact": claim.exact,
        }
        for claim in record.claims
    ]
    columns = ["verdict", "statement", "measured", "source", "exact"]
    return pd.DataFrame(rows, columns=columns, index=pd.Index([claim.id for claim in record.claims], name="claim"))
