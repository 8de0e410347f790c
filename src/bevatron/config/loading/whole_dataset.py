"""Whether a shard can be prepared by itself, or needs sums over all raw shards of the study."""

from bevatron.config.loading.kinds import RECIPES
from bevatron.config.sections.data_part import DataPart


def recipe_needs_totals(study: DataPart) -> bool:
    """Whether the recipe asks for sums, as its options and the source are."""
    needs = getattr(RECIPES[study.dataset.recipe.kind], "needs_totals", None)
    return needs is not None and needs(study.dataset.recipe, study.simulation.source)


def needs_totals(study: DataPart) -> bool:
    """Whether anything does: then `bevatron totals` runs between simulate and prepare."""
    return study.dataset.balance is not None or recipe_needs_totals(study)
