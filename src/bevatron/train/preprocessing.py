"""What goes beside a trained model so that it can be applied to new files."""

import logging
from pathlib import Path

import numpy as np

from bevatron.config.loading.whole_dataset import recipe_needs_totals
from bevatron.config.sections.model import Model
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.raw.prepare_samples import Totals, read_totals
from bevatron.store.records.preprocessing import FILE, InputRecord, PreprocessingRecord, SumRecord, write_preprocessing
from bevatron.store.shards.dataset import Dataset

log = logging.getLogger("bevatron")
TOTALS = "totals.json"  # beside the dataset's folder, where the workflow has it


def publish_preprocessing(study: Study, name: str, model: Model, dataset: Dataset, folder: Path) -> None:
    """preprocessing.json in the model's `folder`. It is no part of any digest.

    A dataset made with sums over all raw shards needs them; where they are gone, the model is published all the same,
    and the log says that it cannot be applied.
    """
    manifest, target = dataset.manifest, model.target or study.task.target
    try:
        totals = _totals(study, dataset)
    except UserError as error:
        log.warning("%s/%s cannot be applied to new files: %s", study.name, name, error)
        (folder / FILE).unlink(missing_ok=True)
        return
    info = manifest.target_info(target)
    record = PreprocessingRecord(
        study=study.name,
        model=name,
        manifest_sha256=manifest.sha256,
        dataset_digest=manifest.dataset_digest,
        code_versions=manifest.code_versions,
        settings=PreprocessingRecord.settings_of(study),
        groups={group: InputRecord.of(manifest.groups[group]) for group in model.inputs},
        target=target,
        parts=info.names,
        sums={key: SumRecord.of(np.asarray(values)) for key, values in totals.recipe.items()},
        threads=model.training.threads,
    )
    write_preprocessing(folder / FILE, record)


def _totals(study: Study, dataset: Dataset) -> Totals:
    if not recipe_needs_totals(study):
        return Totals()
    return read_totals(study, dataset.manifest_path.parent.parent / TOTALS)
