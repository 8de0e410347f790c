"""The step `totals`: what preparing a shard needs to know of all the others, summed over the raw shards.

How many samples of each class are in each bin, which balancing needs; sums of features, whose means stand for missing
values. Everything is a sum over shards, so that no shard is held longer than it takes to count it.
"""

import logging
from pathlib import Path
from time import perf_counter

import numpy as np

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.loading.kinds import RECIPES
from bevatron.config.loading.whole_dataset import recipe_needs_totals
from bevatron.config.sections.data_part import DataPart
from bevatron.prepare.balance import KEY, Cells
from bevatron.raw.prepare_samples import Totals, prepare_samples
from bevatron.raw.raw_events import read_raw
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.names import raw_shard
from bevatron.store.files.publish import publish_json

FEW = 0.2  # of the training split: a resampling that leaves less is told

logger = logging.getLogger("bevatron")


def write_totals(study: DataPart, folder: Path, output: Path) -> None:
    """Publishes the sums over the study's raw shards in `folder` as JSON. Raises UserError as `read_raw` does, and
    where balancing leaves nothing.
    """
    start = perf_counter()
    shards = [Path(folder) / raw_shard(number) for number in range(study.simulation.shards)]
    of_recipe: dict[str, np.ndarray] = {}
    balance = None
    if recipe_needs_totals(study):
        for path in shards:
            raw = read_raw(study, path)
            counted = RECIPES[study.dataset.recipe.kind]().count(
                study.dataset.recipe, raw.events, raw.seed, raw.training, len(shards)
            )
            of_recipe = {name: values + of_recipe.get(name, 0.0) for name, values in counted.items()}
    totals = Totals(of_recipe)
    if study.dataset.balance is not None:
        cells = Cells.of(study)
        balance = np.zeros((2, *cells.shape))
        for path in shards:
            raw = read_raw(study, path)
            samples = prepare_samples(study, raw, totals)
            balance += cells.add_up(samples.take(raw.rows_of(study, samples)["train"]))
        _tell(cells, balance)
    payload = {
        "study": study.name,
        "dataset_digest": dataset_digest(study),
        "shards": len(shards),
        "recipe": {name: values.tolist() for name, values in of_recipe.items()},
        "balance": None if balance is None else balance.tolist(),
    }
    publish_json(output, with_checksum(payload))
    if study.dataset.folds is not None:
        logger.warning(
            f"{study.name}: these totals are of what is learned from in all {study.dataset.folds} folds together, so "
            "that balancing, and means for missing values, know a little of the fold that is left out"
        )
    logger.info(f"totals of {study.name} over {len(shards)} raw shards in {perf_counter() - start:.1f} s")


def _tell(cells: Cells, totals: np.ndarray) -> None:
    factors = cells.factors(totals)
    counts = totals[1]
    share = (counts * factors).sum() / counts.sum() if cells.balance.method == "resample" else 1.0
    logger.info(f"{KEY}: of the training split are left: {cells.kept(totals, factors)}")
    if bins := cells.left_out(totals):
        so = "are left out" if cells.balance.method == "resample" else "keep other spectra"
        logger.warning(f"{KEY}: bins in which a class has no sample and another has: {bins}; these {so}")
    if share < FEW:
        logger.warning(f"{KEY} leaves {share:.1%} of the training split; wider bins or 'reweight' leave more")
