"""The trained networks that a committee is made of."""

from pathlib import Path

from bevatron.config.sections.model import Model
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.store.files.publish import sha256_of
from bevatron.store.records.runs import load_runs
from bevatron.store.shards.dataset import Dataset


def select_members(
    study: Study, name: str, model: Model, dataset: Dataset, runs_by_member: dict[str, Path]
) -> dict[str, list[Path]]:
    """The folders of each member's runs in the order of their seeds, by the member's name, in the model's order.

    runs_by_member: runs.json by member. Raises UserError where one is missing, damaged, or of another dataset, and
    where one is given that is no member.
    """
    for other in runs_by_member:
        if other not in model.members:
            known = ", ".join(model.members) or "none, it is no committee"
            raise UserError(f"--member {other}", f"is no member of {study.name}/{name}", f"its members: {known}")
    folders = {}
    for member in model.members:
        if member not in runs_by_member:
            raise UserError(
                f"--member {member}",
                f"the committee {study.name}/{name} needs this model's runs",
                f"run `bevatron train {study.name} {member}` first, and give --member {member}=its runs.json",
            )
        runs = load_runs(runs_by_member[member], study.name, member, dataset.manifest.sha256).runs
        folders[member] = [(runs_by_member[member].parent / run.folder).resolve() for run in runs]
    return folders


def member_weights(folders: dict[str, Path]) -> dict[str, str]:
    """SHA-256 of the weights of each member."""
    return {name: sha256_of(folder / "weights.safetensors") for name, folder in folders.items()}
