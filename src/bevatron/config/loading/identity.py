"""What identifies raw shards, datasets and runs: digests of just that on which their bytes depend.

Settings, and the versions of the code that makes samples of them. The seeds of simulation and preparation follow from
the settings alone (`raw_settings`, `dataset_settings`): a new version of a recipe leaves the noise of all else as it
was, and what a study has drawn so far stays its own. Of components in the user's project, digests hold the code.
"""

import re
from typing import Any

from bevatron.config.loading.code_versions import code_versions, source_version
from bevatron.config.loading.digest import digest_of
from bevatron.config.loading.kinds import ARCHITECTURES, RECIPES, SOURCES
from bevatron.config.loading.project_modules import code_digests
from bevatron.config.sections.data_part import DataPart
from bevatron.config.sections.model import Model
from bevatron.config.sections.simulation import Simulation
from bevatron.config.sections.study import Study
from bevatron.errors import UserError

WILDCARD = re.compile(r"\{\s*\w")
LEARNING_VERSION = 2
"""Raise it by one whenever a fit with the same settings gives another result than before, beyond rounding: by a change
of an architecture, a loss, an optimiser, the order of samples, what is drawn. It is part of the digest of every run and
search, so that what an earlier Bevatron has learned is not taken for this one's. A test holds what fits of each kind
come to."""

# Raised when published numbers, or what is shown beside them, change: the settings do not have them.
COMPARISONS_VERSION = 2


def raw_settings(study: DataPart) -> str:
    """Of the settings behind raw shards, without versions: what the seeds of simulation follow from."""
    return digest_of("raw", study.name, study.simulation.source, study.simulation.seed)


def dataset_settings(study: DataPart) -> str:
    """Of the settings behind dataset shards, without versions: what the seeds of preparation follow from."""
    return digest_of("dataset", raw_settings(study), study.dataset)


def raw_digest(study: DataPart) -> str:
    """Of everything that a raw shard's content depends on, but its number: more shards leave the others valid."""
    return digest_of("raw", raw_settings(study), source_version(study), *_code(SOURCES[study.simulation.source.kind]))


def dataset_digest(study: DataPart) -> str:
    """Of everything that a dataset shard's content depends on, but its number."""
    components = SOURCES[study.simulation.source.kind], RECIPES[study.dataset.recipe.kind]
    return digest_of("dataset", dataset_settings(study), code_versions(study), *_code(*components))


def validation_digest(study: DataPart) -> str:
    """Of everything that the comparisons with published numbers depend on: with those of a recipe, or what it shows of
    its detector, on the dataset.
    """
    recipe = RECIPES[study.dataset.recipe.kind]
    of_recipe = hasattr(recipe, "comparisons") or hasattr(recipe, "effects")
    return digest_of("comparisons", COMPARISONS_VERSION, dataset_digest(study) if of_recipe else raw_digest(study))


def external_files(simulation: Simulation) -> list[list[str]]:
    """For each shard the files that somebody else simulated, of a source that reads such; else none.

    Their content is not in `raw_digest`, for a digest of the settings must not read gigabytes: a shard keeps the
    SHA-256 of each file in its attributes, and the manifest, whose digest is part of every run's, all of them. Raises
    UserError for a name that the workflow cannot pass on.
    """
    files_by_shard = getattr(simulation.source, "files_by_shard", None)
    if files_by_shard is None:
        return [[]] * simulation.shards
    names = [[str(path) for path in files] for files in files_by_shard(simulation.shards)]
    for name in (name for files in names for name in files if WILDCARD.search(name)):
        what = f"'{name}' has a word in braces, which Snakemake takes for a wildcard"
        raise UserError("simulation.source.files", what, "rename the file, or run the stages by hand")
    return names


def learned_task(study: DataPart) -> dict[str, Any]:
    """The part of the task on which learning depends; the rest only says how results are looked at."""
    looked_at = {"efficiencies", "background_fractions", "signal", "truth", "x", "threshold", "thresholds"}
    return study.task.model_dump(mode="json", exclude=looked_at)


def run_digest(
    study: Study,
    model: Model,
    manifest_sha256: str,
    seed: int,
    order: str,
    members: dict[str, str] | None = None,
) -> str:
    """The identity of one training: model, task, dataset, seed, the order in which its samples come, and the version of
    the code that learns. A search is not part of it, its result is.

    order: what the order of samples depends on beside these (`training.reading_order`). members: of a committee, the
    SHA-256 of each member's weights by its name.
    """
    settings = _learned_settings(model, {"search", "title", "published"})
    settings["training"].pop("checkpoint_seconds")  # when state is saved does not change what is learned
    code = _code(ARCHITECTURES[model.architecture.kind])
    parts = (study.name, learned_task(study), settings, manifest_sha256, seed, order, *filter(None, [members]), *code)
    return digest_of("run", LEARNING_VERSION, *parts)


def search_digest(study: Study, model: Model, manifest_sha256: str, order: str) -> str:
    """The identity of one search; order: as in `run_digest`, of the model as its section has it."""
    settings = _learned_settings(model, {"title", "published"})
    parts = (study.name, learned_task(study), settings, manifest_sha256, order)
    return digest_of("search", LEARNING_VERSION, *parts, *_code(ARCHITECTURES[model.architecture.kind]))


def _code(*components: Any) -> list[dict[str, dict[str, str]]]:
    """What a digest holds of components in the user's project; nothing for Bevatron's own, which have versions."""
    code = code_digests(*components)
    return [{"project's modules": code}] if code else []


def _learned_settings(model: Model, left_out: set[str]) -> dict[str, Any]:
    """A model's settings without those left out, and without a new one at its default, under which nothing changed."""
    settings = model.model_dump(mode="json", exclude=left_out)
    if settings["training"]["negative_weights"] == "refuse":
        del settings["training"]["negative_weights"]
    return settings
