"""Whether the dataset has what a fit reads, before the fit begins."""

from difflib import get_close_matches

from bevatron.errors import UserError
from bevatron.store.shards.manifest import Manifest
from bevatron.training.auxiliary import check_auxiliary
from bevatron.training.job import FitJob


def check_inputs(job: FitJob, manifest: Manifest) -> None:
    """Raises UserError for an input group or a target that the dataset lacks, a group without anything in it, and an
    auxiliary task that cannot learn from the dataset.
    """
    for kind, requested, known in (
        ("input group", job.model.inputs, manifest.groups),
        ("target", [job.target], manifest.targets),
    ):
        for name in requested:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                todo = (f"did you mean '{near[0]}'? " if near else "") + f"it has: {', '.join(known)}"
                raise UserError(job.manifest_path, f"has no {kind} '{name}'", todo)
    for name in job.model.inputs:
        if manifest.is_empty(name, "train"):
            what = f"'{name}' is empty in all samples of the train split: there is nothing to learn from it"
            todo = "leave it out of the model's inputs, or see which selection leaves nothing"
            raise UserError(job.manifest_path, what, todo)
    check_auxiliary(job, manifest)
