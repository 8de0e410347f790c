"""Selects the jets that resampling keeps, and logs how many they are."""

import logging

import numpy as np

from bevatron.errors import UserError
from bevatron.prepare.jets.jet_options import Resampling
from bevatron.prepare.jets.resampling import cells_of, select_by_totals, select_resampled, share_kept

logger = logging.getLogger("bevatron")

KEY = "dataset.recipe.resampling"
FEW = 0.2  # fraction of the jets: a resampling that keeps fewer gives a warning


def select_rows(
    jets: tuple[np.ndarray, np.ndarray, np.ndarray],
    training: np.ndarray,
    options: Resampling,
    seed: int,
    totals: dict[str, np.ndarray] | None,
) -> np.ndarray:
    """The rows of the jets that resampling keeps. jets: their pt, eta and flavour; training (n,) bool: training jets.

    totals: the numbers of jets in "cells", over all shards; without them the numbers of this shard are used. Raises
    UserError if no jet is kept.
    """
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 1])))
    if totals is None:
        rows = select_resampled(*jets, training, options, random)
        logger.info(f"resampling keeps {len(rows)} of {len(training)} jets, about as many of each flavour")
        return rows
    share = share_kept(totals["cells"])
    rows = select_by_totals(cells_of(*jets, options), totals["cells"], random)
    what = f"keeps {len(rows)} of {len(training)} jets of this shard, {share:.0%} of all that are learned from"
    if share == 0.0:
        raise UserError(KEY, "keeps no jet: no bin has jets of each flavour", "choose wider bins, or set it to null")
    if share < FEW:
        logger.warning(f"{KEY} {what}: wider bins keep more, null keeps all")
    else:
        logger.info(f"{KEY} {what}")
    return rows
