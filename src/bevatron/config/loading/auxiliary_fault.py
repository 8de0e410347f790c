"""Why a study's model cannot learn one of its auxiliary tasks, as far as the configuration tells."""

from collections.abc import Mapping

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.config.sections.auxiliary import OF_ELEMENTS, AuxiliaryTask, ElementClassification
from bevatron.config.sections.data_part import StatedTarget
from bevatron.config.sections.model import Model
from bevatron.near_names import did_you_mean

FORMS = {  # by kind of an auxiliary task, the forms of the targets that it learns
    "element_classification": ("element_classes",),
    "same_vertex": ("element_index",),
    "regression": ("value", "values"),
}


def auxiliary_fault(model: Model, stated: Mapping[str, StatedTarget] | None) -> str | None:
    """The key below the model's section and what is wrong with it; None where nothing is.

    stated: the targets that the source's options state; None: they are known from the dataset alone.
    """
    if not model.auxiliary:
        return None
    kind = model.architecture.kind
    if not hasattr(ARCHITECTURES[kind], "encode"):
        able = [name for name in ARCHITECTURES.names() if hasattr(ARCHITECTURES[name], "encode")]
        what = f"'{kind}' encodes no elements that auxiliary tasks could begin from"
        return f"auxiliary: {what}; architectures that do: {', '.join(able)}"
    if model.training.adversarial is not None:
        return "auxiliary: a model that learns from adversarial examples cannot have auxiliary tasks"
    if stated is None:
        return None
    for name, task in model.auxiliary.items():
        if fault := _task_fault(model, task, stated):
            return f"auxiliary.{name}.{fault}"
    return None


def _task_fault(model: Model, task: AuxiliaryTask, stated: Mapping[str, StatedTarget]) -> str | None:
    if task.target not in stated:
        near, known = did_you_mean(task.target, stated), ", ".join(stated)
        return f"target: simulation.source.targets has no '{task.target}'{near}; allowed: {known}"
    target, forms = stated[task.target], FORMS[task.kind]
    if target.form not in forms:
        found = f"'{task.target}' has {target.form}, and '{task.kind}' needs {' or '.join(forms)}"
        kinds = [kind for kind, known in FORMS.items() if target.form in known]
        return f"target: {found}" + (f"; the task for {target.form} is {kinds[0]}" if kinds else "")
    group = getattr(target, "group", None)
    if task.kind in OF_ELEMENTS and group not in model.inputs:
        return f"target: '{task.target}' is of the elements of '{group}', which is none of the model's inputs"
    if isinstance(task, ElementClassification) and task.classes and list(task.classes) != list(target.class_names):
        known = ", ".join(target.class_names)
        return f"classes: {', '.join(task.classes)}; simulation.source.targets.{task.target} numbers them {known}"
    return None
