"""What systematic variations of the test events make of each metric."""

from pathlib import Path

import numpy as np

from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.report.results.measured import Measured
from bevatron.store.records.metrics import MetricsRecord, read_metrics


def read_variations(
    folder: Path, study: Study, nominal: dict[str, MetricsRecord]
) -> dict[str, dict[str, MetricsRecord]]:
    """metrics.json of each variation and model, in the study's folder of results.

    Raises UserError for one that is missing or damaged, of another variation, or of other networks than those of the
    nominal metrics.
    """
    records: dict[str, dict[str, MetricsRecord]] = {}
    for variation in study.variations:
        records[variation] = {}
        for model, of_model in nominal.items():
            path = folder / "variations" / variation / "evaluation" / model / "metrics.json"
            record = read_metrics(path, study.name, model)
            again = f"run `bevatron evaluate {study.name} {model} --variation {variation}` again, or the workflow"
            if record.variation != variation:
                found = f"the variation '{record.variation}'" if record.variation else "the nominal test events"
                raise UserError(path, f"was measured on {found}, expected '{variation}'", again)
            digests = [run.digest for run in record.runs], [run.digest for run in of_model.runs]
            if record.nominal_sha256 != of_model.manifest_sha256 or digests[0] != digests[1]:
                raise UserError(path, "was measured with other networks than the nominal metrics", again)
            records[variation][model] = record
    return records


def shift_of(nominal: Measured, varied: Measured, label: str) -> Measured:
    """The varied number minus the nominal one.

    Both are of the same networks and bootstrap replicas, which draw an event alike in both: what is common to the two
    cancels, seed by seed and replica by replica. The error is the root of the sum of squares of the replicas' standard
    deviation and of the seeds' over the root of their number, as that of other metrics.
    """
    value = varied.value - nominal.value
    per_seed = varied.per_seed - nominal.per_seed
    replicas = varied.replicas - nominal.replicas
    finite = replicas[np.isfinite(replicas)]
    enough = len(finite) >= max(2, 0.9 * len(replicas))
    split_error = float(finite.std(ddof=1)) if enough else np.nan
    of_seeds = per_seed.std(ddof=1) / np.sqrt(len(per_seed)) if len(per_seed) > 1 else 0.0
    return Measured(
        label,
        value,
        float(np.hypot(split_error, of_seeds)) if np.isfinite(value) else np.nan,
        *(value + split_error * sign for sign in (-1, 1)),
        per_seed=per_seed,
        replicas=replicas,
        trained=nominal.trained,
        unit=nominal.unit,
        split_error=split_error,
        metric=varied.metric,
        variation=varied.variation,
        shift=True,
    )
