"""Compare a study's source, and its recipe, with published numbers."""

import logging
from pathlib import Path
from time import perf_counter

from bevatron.config.loading.digest import seed_of
from bevatron.config.loading.identity import raw_settings, validation_digest
from bevatron.config.loading.kinds import RECIPES, SOURCES
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.raw.comparison import Comparison
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_json
from bevatron.versions import versions

logger = logging.getLogger("bevatron")
SCHEMA_VERSION = 2


def validate_source(study: DataPart, output: Path) -> None:
    """Publishes `source.json`: for each comparison of the source, and of the recipe where both offer what it takes, its
    curves, ours and the published ones.

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
    content = {
        "schema_version": SCHEMA_VERSION,
        "study": study.name,
        "digest": validation_digest(study),
        "versions": versions(),
        "comparisons": [comparison.to_json() for comparison in comparisons],
    }
    publish_json(output, with_checksum(content))
    logger.info(
        f"{study.name}: {len(comparisons)} comparisons with published numbers in {perf_counter() - start:.1f} s"
    )


def _comparisons_of_recipe(study: DataPart) -> list[Comparison]:
    """Those of the recipe, of a small sample of the source; none where either does not offer it.

    The recipe is found by its name, as everywhere outside of its stage, and prepares the sample itself.
    """
    options = study.simulation.source
    source, recipe = SOURCES[options.kind](), RECIPES[study.dataset.recipe.kind]()
    if not (hasattr(source, "validation_sample") and hasattr(recipe, "comparisons")):
        return []
    settings = raw_settings(study)
    raw = source.validation_sample(options, ShardSeed.of(f"validation {settings}", 0))
    return recipe.comparisons(study.dataset.recipe, raw, seed_of("validation", "recipe", settings))
