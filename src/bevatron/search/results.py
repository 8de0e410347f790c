"""What a search publishes of its trials: a table, the best values, and the learning curves."""

from collections import Counter
from typing import Any

from bevatron.config.sections.search import Search
from bevatron.csv_text import format_rows
from bevatron.errors import UserError
from bevatron.search.space import values_of
from bevatron.search.trial_log import Trial
from bevatron.store.records.search import SearchFile, SearchRecord, TrialRecord


def trials_csv(search: Search, checkpoint: str, trials: list[Trial]) -> str:
    """A row for each trial: its values, its validation loss, how far it came, and why it ended.

    Of a repeated search only the column `seconds`, the time in the fit, differs.
    """
    rows: list[list[Any]] = [["trial", *search.space, "val_loss", "epochs", "seconds", "status", "reason"]]
    for trial in trials:
        loss = trial.val_loss(checkpoint)
        rows.append(
            [
                trial.number,
                *values_of(search.space, trial.sampled).values(),
                "" if loss is None else loss,
                f"{trial.epochs:g}",
                f"{trial.seconds:.3f}",
                trial.status,
                trial.reason,
            ]
        )
    return format_rows(rows)


def best_of(checkpoint: str, trials: list[Trial], where: str) -> Trial:
    """The trial of the lowest validation loss among those that finished or were stopped early.

    Raises UserError, naming trials and reasons, if there is none.
    """
    succeeded = [trial for trial in trials if trial.succeeded]
    if not succeeded:
        reasons = [f"trial {t.number} {t.status}" + (f" ({t.reason})" if t.reason else "") for t in trials]
        more = f" and {len(reasons) - 5} more alike" if len(reasons) > 5 else ""
        raise UserError(
            where,
            f"none of its {len(trials)} trials came to a validation loss: {'; '.join(reasons[:5])}{more}",
            "narrow the space or fix the cause, then search again",
        )
    return min(succeeded, key=lambda trial: (trial.val_loss(checkpoint), trial.number))


def best_values(
    search: Search, checkpoint: str, trials: list[Trial], best: Trial, identity: dict[str, str]
) -> dict[str, Any]:
    """The content of best.yaml: `values` by dotted key, as `Model.with_values` takes them."""
    return {
        **identity,
        "values": values_of(search.space, best.sampled),
        "val_loss": best.val_loss(checkpoint),
        "trial": best.number,
        "epochs": best.epochs,
        "seed": search.seed,
        "trials": len(trials),
        "ended": dict(sorted(Counter(trial.status for trial in trials).items())),
    }


def search_record(
    search: Search, trials: list[Trial], identity: dict[str, str], files: dict[SearchFile, str]
) -> SearchRecord:
    """search.json: every trial's validation loss by epoch.

    trials: those that have ended; identity: study, model, digest and order; files: SHA-256 of the search's table and
    figure.
    """
    return SearchRecord(
        study=identity["study"],
        model=identity["model"],
        digest=identity["digest"],
        order=identity["order"],
        space={key: distribution.model_dump(mode="json") for key, distribution in search.space.items()},
        trials=tuple(
            TrialRecord(
                trial=trial.number,
                values=values_of(search.space, trial.sampled),
                epoch=tuple(trial.losses),
                val_loss=tuple(trial.losses.values()),
                status=trial.status,
            )
            for trial in trials
            if trial.status is not None
        ),
        files=files,
    )
