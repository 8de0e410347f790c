"""Whether the dataset has what a fit reads, before the fit begins."""

from difflib import get_close_matches

from bevatron.config.sections.task import OF_ELEMENTS, Segmentation
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
        ("target of pixels", [job.target], manifest.element_targets)
        if job.study.task.kind in OF_ELEMENTS
        else ("target", [job.target], manifest.targets),
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
    if isinstance(job.study.task, Segmentation):
        check_segmentation(job, manifest, job.study.task)
    check_auxiliary(job, manifest)


def check_segmentation(job: FitJob, manifest: Manifest, task: Segmentation) -> None:
    """Raises UserError where a segmentation's target is not one of the pixels that the model reads, has other classes,
    or no pixel to learn from.
    """
    info = manifest.element_targets[job.target]
    if info.group not in job.model.inputs or manifest.groups[info.group].layout != "sparse":
        found = f"'{job.target}' is of the elements of '{info.group}', which the model does not read as sparse images"
        raise UserError(job.manifest_path, found, f"name the target of one of: {', '.join(job.model.inputs)}")
    if info.classes != tuple(task.classes):
        found = f"'{job.target}' has the classes {', '.join(info.classes) or 'none'}; the task's are"
        todo = "give the task the dataset's classes, in their order"
        raise UserError(job.manifest_path, f"{found} {', '.join(task.classes)}", todo)
    for split in ("train", "val"):
        if not sum(manifest.element_counts(job.target, split).values()):
            what = f"no pixel of the {split} split has a class of '{job.target}'"
            raise UserError(job.manifest_path, what, "simulate more events, or see what makes the target")
