"""Compare a study's source, and its recipe, with published numbers."""

import logging
from pathlib import Path
from time import perf_counter
from typing import Any

from bevatron.config.loading.digest import seed_of
from bevatron.config.loading.identity import raw_settings, validation_digest
from bevatron.config.loading.kinds import RECIPES, SOURCES
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.raw.comparison import Comparison
from bevatron.raw.detector_effects import DetectorEffects
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_json
from bevatron.versions import versions

logger = logging.getLogger("bevatron")
SCHEMA_VERSION = 2


def validate_source(study: DataPart, output: Path) -> None:
    """Publishes `source.json`: for each comparison of the source, and of the recipe where both offer what it takes, its
    curves, ours and the published ones; and one event with each effect of a recipe's detector.

    Raises UserError for a source that offers none.
    """
    start, options = perf_counter(), study.simulation.source
    source = SOURCES[options.kind]()
    if not hasattr(source, "comparisons"):
        offering = ", ".join(name for name in SOURCES.names() if hasattr(SOURCES[name], "comparisons"))
        raise UserError(
            f"study '{study.name}', evaluation.validate_source",
            f"the source '{options.kind}' offers no comparison with published numbers",
            f"set it to false; sources that do: {offering}",
        )
    seed = seed_of("validation", raw_settings(study))
    comparisons = [*source.comparisons(options, seed), *_comparisons_of_recipe(study)]
    effects = _effects_of_recipe(study)
    content = {
        "schema_version": SCHEMA_VERSION,
        "study": study.name,
        "digest": validation_digest(study),
        "versions": versions(),
        "comparisons": [comparison.to_json() for comparison in comparisons],
        **({} if effects is None else {"effects": effects.to_json()}),
    }
    publish_json(output, with_checksum(content))
    logger.info(
        f"{study.name}: {len(comparisons)} comparisons with published numbers in {perf_counter() - start:.1f} s"
    )


def _comparisons_of_recipe(study: DataPart) -> list[Comparison]:
    """Those of the recipe, of a small sample of the source; none where either does not offer it.

    The recipe is found by its name, as everywhere outside of its stage, and prepares the sample itself.
    """
    return _offered_by_recipe(study, "comparisons") or []


def _effects_of_recipe(study: DataPart) -> DetectorEffects | None:
    """Those of the recipe's detector on a small sample of the source; None where either does not offer it."""
    return _offered_by_recipe(study, "effects")


def _offered_by_recipe(study: DataPart, what: str) -> Any:
    options = study.simulation.source
    source, recipe = SOURCES[options.kind](), RECIPES[study.dataset.recipe.kind]()
    if not (hasattr(source, "validation_sample") and hasattr(recipe, what)):
        return None
    settings = raw_settings(study)
    raw = source.validation_sample(options, ShardSeed.of(f"validation {settings}", 0))
    return getattr(recipe, what)(study.dataset.recipe, raw, seed_of("validation", "recipe", settings))
