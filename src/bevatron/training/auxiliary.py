"""Auxiliary tasks of a fit: checks of their targets, descriptions of their heads, and sizes of their losses."""

from collections.abc import Iterator

import numpy as np

from bevatron.config.sections.auxiliary import (
    OF_ELEMENTS,
    AuxiliaryRegression,
    AuxiliaryTask,
    ElementClassification,
    SameVertex,
)
from bevatron.errors import UserError
from bevatron.models.auxiliary.spec import AuxiliarySpec
from bevatron.near_names import did_you_mean
from bevatron.store.shards.dataset import Dataset
from bevatron.store.shards.manifest import Manifest
from bevatron.store.shards.shard import Shard
from bevatron.store.shards.target_statistics import TargetStatistics, moments_of_targets, statistics_of
from bevatron.training.job import FitJob


def check_auxiliary(job: FitJob, manifest: Manifest) -> None:
    """Checks the targets of the model's auxiliary tasks.

    Raises UserError, in one line, if the dataset does not have a target, has it in another form than the task learns,
    or has it for a list that the model does not read.
    """
    for name, task in job.model.auxiliary.items():
        what = f"the auxiliary task '{name}' of '{job.model.title}'"
        if task.kind in OF_ELEMENTS:
            _check_element_target(job, manifest, task, what)
        else:
            _check_numbers(job, manifest, task, what)


def _check_element_target(job: FitJob, manifest: Manifest, task: AuxiliaryTask, what: str) -> None:
    path, known = job.manifest_path, manifest.element_targets
    if task.target not in known:
        of_samples = ": it is one of samples" if task.target in manifest.targets else did_you_mean(task.target, known)
        todo = f"it has: {', '.join(known) or 'none'}"
        raise UserError(path, f"{what}: has no target of elements '{task.target}'{of_samples}", todo)
    info = known[task.target]
    if info.group not in job.model.inputs:
        found = f"'{task.target}' is of the elements of '{info.group}', which the model does not read"
        raise UserError(path, f"{what}: {found}", f"add '{info.group}' to the model's inputs")
    if isinstance(task, SameVertex) and info.classes:
        found = f"'{task.target}' has classes ({', '.join(info.classes)}), and no numbers of vertices"
        raise UserError(path, f"{what}: {found}", "learn it with kind: element_classification, or name another target")
    if not isinstance(task, ElementClassification):
        return
    if not info.classes:
        found = f"'{task.target}' has no classes, but numbers of what elements come from"
        raise UserError(path, f"{what}: {found}", "learn it with kind: same_vertex, or name another target")
    if task.classes and tuple(task.classes) != info.classes:
        found = f"has the classes {', '.join(task.classes)}; those of '{task.target}' are {', '.join(info.classes)}"
        raise UserError(path, f"{what} {found}", "give the same ones in one order, or leave them out")


def _check_numbers(job: FitJob, manifest: Manifest, task: AuxiliaryTask, what: str) -> None:
    path, known = job.manifest_path, manifest.targets
    if task.target not in known:
        of_elements = task.target in manifest.element_targets
        found = ": it is one of elements" if of_elements else did_you_mean(task.target, known)
        raise UserError(path, f"{what}: has no target '{task.target}'{found}", f"it has: {', '.join(known)}")
    shape = known[task.target].shape
    if len(shape) > 1 or 0 in shape:
        form = " × ".join(map(str, shape))
        raise UserError(path, f"{what}: '{task.target}' is {form} for each sample", "a regression needs numbers")


def auxiliary_specs(job: FitJob, manifest: Manifest) -> dict[str, AuxiliarySpec]:
    """The specifications of the model's auxiliary heads, by task name. Raises UserError as `check_auxiliary`."""
    check_auxiliary(job, manifest)
    return {name: _spec(task, manifest) for name, task in job.model.auxiliary.items()}


def _spec(task: AuxiliaryTask, manifest: Manifest) -> AuxiliarySpec:
    widths = tuple(task.widths)
    if isinstance(task, AuxiliaryRegression):
        return AuxiliarySpec(task.kind, task.target, widths, n_numbers=manifest.targets[task.target].n_numbers)
    info = manifest.element_targets[task.target]
    return AuxiliarySpec(task.kind, task.target, widths, info.group, info.classes)


def auxiliary_statistics(job: FitJob, manifest: Manifest) -> dict[str, tuple[TargetStatistics, ...]]:
    """The mean and the standard deviation of each number of each auxiliary regression.

    They are computed over the samples of the training split that have all numbers of the target, from float64 sums in
    the order of the shards. Raises UserError if there is no such sample.
    """
    tasks = {name: task for name, task in job.model.auxiliary.items() if isinstance(task, AuxiliaryRegression)}
    statistics = {}
    for name, task in tasks.items():
        moments = None
        for shard in _shards(job, manifest, "train"):
            values = shard.read(f"targets/{task.target}")
            of_shard = moments_of_targets({name: values[is_there(values)].astype(np.float64)})[name]
            moments = of_shard if moments is None else moments.merge(of_shard)
        if moments is None or moments.count == 0:
            what = f"no sample of the train split has the target '{task.target}' of the auxiliary task '{name}'"
            raise UserError(job.manifest_path, what, "leave the task out, or see what makes the target")
        statistics[name] = statistics_of(moments)
    return statistics


def terms_per_sample(job: FitJob, manifest: Manifest) -> dict[str, float]:
    """The mean number of terms that a sample of the training split adds to the loss of each auxiliary task.

    Terms are elements with a class, pairs of elements, or samples that have the numbers of a regression. Raises
    UserError if there is none in the training split.
    """
    return {name: _terms(job, manifest, name, task, "train") for name, task in job.model.auxiliary.items()}


def check_terms(job: FitJob, manifest: Manifest) -> None:
    """Raises UserError if the validation split has no term for an auxiliary task."""
    for name, task in job.model.auxiliary.items():
        _terms(job, manifest, name, task, "val")


def _terms(job: FitJob, manifest: Manifest, name: str, task: AuxiliaryTask, split: str) -> float:
    if isinstance(task, ElementClassification):
        total = sum(manifest.element_counts(task.target, split).values())
    elif isinstance(task, SameVertex):
        path = f"inputs/{manifest.element_targets[task.target].group}/offsets"
        lengths = (np.diff(shard.read(path)) for shard in _shards(job, manifest, split))
        total = sum(int((n * (n - 1) // 2).sum()) for n in lengths)
    else:
        values = (shard.read(f"targets/{task.target}") for shard in _shards(job, manifest, split))
        total = sum(int(is_there(of_shard).sum()) for of_shard in values)
    if total == 0:
        what = f"the auxiliary task '{name}' of '{job.model.title}' has nothing to learn from in the {split} split"
        raise UserError(job.manifest_path, what, f"leave it out, or see what makes the target '{task.target}'")
    return total / manifest.n_samples(split)


def is_there(values: np.ndarray) -> np.ndarray:
    """Whether each sample has all numbers of a target (n,) or (n, k): (n,) bool."""
    if values.dtype.kind != "f":
        return np.ones(len(values), bool)
    return np.logical_not(np.isnan(values.reshape(len(values), -1)).any(axis=1))


def _shards(job: FitJob, manifest: Manifest, split: str) -> Iterator[Shard]:
    return Dataset(job.manifest_path, manifest).open_shards(split)
