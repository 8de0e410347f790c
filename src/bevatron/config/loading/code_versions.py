"""The versions of the code that makes samples: of a study's source and recipe, and of the division into splits.

They are raised by hand when the output changes for the same settings (docs/how-to/extend.md), so that a comment or a
change of form leaves a month of simulation valid, and a change of numbers does not. Shards carry them, the digests in
`config.identity` hold them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.config.loading.kinds import RECIPES, SOURCES
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError

SPLIT_VERSION = 1  # of raw/split.py, which says which split an event falls into
FOLDS_VERSION = 1  # of store/shards/folds.py, which says which fold an event falls into
SPLIT, FOLDS = "split", "folds"
STAGES = {"source": "simulate", "recipe": "prepare", SPLIT: "prepare", FOLDS: "prepare"}  # what is run again


def source_version(study: DataPart) -> dict[str, int]:
    """What this Bevatron has of the code behind the study's raw events: 'source <kind>'."""
    kind = study.simulation.source.kind
    return {f"source {kind}": SOURCES[kind].VERSION}


def code_versions(study: DataPart) -> dict[str, int]:
    """The same of its samples: 'source <kind>', 'recipe <kind>' and 'split', and of a cross-validation 'folds'."""
    kind = study.dataset.recipe.kind
    versions = {**source_version(study), f"recipe {kind}": RECIPES[kind].VERSION, SPLIT: SPLIT_VERSION}
    return versions if study.dataset.folds is None else {**versions, FOLDS: FOLDS_VERSION}


def version_attributes(study: DataPart) -> dict[str, int]:
    """Those as the attributes of a dataset shard; a raw shard has `source_version` alone."""
    return {f"{component.split()[0]}_version": version for component, version in code_versions(study).items()}


def check_code_versions(path: Path, attributes: Mapping[str, Any], expected: Mapping[str, int]) -> None:
    """Raises UserError, naming the component and both versions, for a shard that other code made than `expected`.

    attributes: the shard's. A shard of another source or recipe passes: its digest tells it.
    """
    for component, version in expected.items():
        word, _, kind = component.partition(" ")
        if attributes.get(word, kind) != kind:
            continue
        recorded = attributes.get(f"{word}_version")
        if not isinstance(recorded, int | np.integer):
            what = f"does not say which version of the {_describe(component)} made it, as an older Bevatron's"
            raise UserError(path, what, f"run the {STAGES[word]} stage again")
        if recorded != version:
            raise UserError(path, *_version_problem(component, int(recorded), version))


def check_manifest_versions(path: Path, recorded: Mapping[str, int]) -> None:
    """Raises UserError for a manifest over samples that other code made than this Bevatron's; found: its versions."""
    for component, version in recorded.items():
        current = _current_version(component)
        if current not in (None, version):
            raise UserError(path, *_version_problem(component, version, current))


def _current_version(component: str) -> int | None:
    """The version that this Bevatron has of a component; None of one that it does not know."""
    word, _, kind = component.partition(" ")
    if word == SPLIT:
        return SPLIT_VERSION
    if word == FOLDS:
        return FOLDS_VERSION
    registry = {"source": SOURCES, "recipe": RECIPES}.get(word)
    return registry[kind].VERSION if registry is not None and kind in registry else None


def _version_problem(component: str, recorded: int, current: int) -> tuple[str, str]:
    stage = STAGES[component.split()[0]]
    return (
        f"was made by version {recorded} of the {_describe(component)}, this Bevatron has version {current}",
        f"run the {stage} stage again, or take the Bevatron that made it",
    )


def _describe(component: str) -> str:
    word, _, kind = component.partition(" ")
    return f"{word} '{kind}'" if kind else f"division into {'folds' if word == FOLDS else 'splits'}"
