"""What preparing a raw shard needs of all the others, and the recipe's samples of it."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.loading.kinds import RECIPES
from bevatron.config.loading.whole_dataset import recipe_needs_totals
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.json_text import read_json
from bevatron.raw.raw_events import RawEvents
from bevatron.store.files.checksum import CHECKSUM, check_checksum

AGAIN = "run `bevatron totals` again"


@dataclass(frozen=True)
class Totals:
    """Sums over all raw shards: recipe: what the recipe asks for, by name; balance: (2, classes, bins).

    digest: the identity of these numbers, which every prepared shard carries.
    """

    recipe: dict[str, np.ndarray] = field(default_factory=dict)
    balance: np.ndarray | None = None
    digest: str = ""


def prepare_samples(study: DataPart, raw: RawEvents, totals: Totals) -> Any:
    """The recipe's samples of a raw shard, with their weights and observers."""
    options = study.dataset.recipe
    recipe = RECIPES[options.kind]()
    sums = {"totals": totals.recipe} if recipe_needs_totals(study) else {}
    samples = recipe.prepare(options, raw.events, raw.seed, raw.training, **sums)
    about = raw.of(samples)  # a recipe need not know of weights and observers
    return replace(
        samples,
        weight=about.weight if samples.weight is None else samples.weight,
        observers=samples.observers or about.observers,
    )


def read_totals(study: DataPart, path: Path) -> Totals:
    """The sums in a file; of a variation those of the nominal study.

    Raises UserError for a file that is missing, damaged, or of another configuration.
    """
    try:
        payload = read_json(path)
    except FileNotFoundError:
        raise UserError(path, "no such file", "run `bevatron totals`, which makes it") from None
    except OSError as error:
        raise UserError(path, f"cannot be read: {error.strerror}", "see whether it is a file you may read") from None
    except ValueError as error:
        raise UserError(path, f"is no JSON: {error}", AGAIN) from None
    if not isinstance(payload, dict) or CHECKSUM not in payload:
        raise UserError(path, "holds no totals", AGAIN)
    check_checksum(payload, path, AGAIN)
    nominal = study.nominal
    if payload["dataset_digest"] != dataset_digest(nominal) or payload["shards"] != nominal.simulation.shards:
        raise UserError(path, f"was made from another configuration of '{study.name}'", AGAIN)
    recipe = {name: np.array(values, np.float64) for name, values in payload["recipe"].items()}
    balance = None if payload["balance"] is None else np.array(payload["balance"], np.float64)
    return Totals(recipe, balance, payload[CHECKSUM])
