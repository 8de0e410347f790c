"""Systematic variations: what the networks, trained on the nominal dataset, say of events that are varied."""

from pathlib import Path

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.store.shards.dataset import Dataset, load_dataset


def load_nominal(varied: Dataset, nominal_manifest: Path, study: Study) -> Dataset:
    """The dataset that the networks have learned from.

    Raises UserError where the varied samples have other groups or features than the networks read, lists that are
    longer than the dataset's, or other classes.
    """
    nominal = load_dataset(nominal_manifest, dataset_digest(study.nominal))
    path, again = varied.manifest_path, "a variation changes the values of features, not which there are"
    for name, expected in nominal.manifest.groups.items():
        found = varied.manifest.groups.get(name)
        if found is None:
            raise UserError(path, f"has no input group '{name}', which the nominal dataset has", again)
        for key in ("layout", "features", "units"):
            values = getattr(found, key), getattr(expected, key)
            if values[0] != values[1]:
                raise UserError(path, f"group '{name}' has the {key} {values[0]}, the nominal {values[1]}", again)
        if (found.max_length or 0) > (expected.max_length or 0):
            what = f"group '{name}' has a list of {found.max_length} elements, the nominal dataset up to "
            todo = f"set max_length of the group to {expected.max_length}, or to what you want, and train again"
            raise UserError(path, f"{what}{expected.max_length}", todo)
        if found.layout != "ragged" and tuple(found.shape) != tuple(expected.shape):
            raise UserError(path, f"group '{name}' has the shape {found.shape}, the nominal {expected.shape}", again)
    if varied.manifest.classes != nominal.manifest.classes:
        raise UserError(path, f"has the classes {', '.join(varied.manifest.classes)}; not the nominal dataset's", again)
    return nominal
