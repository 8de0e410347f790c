"""Which targets of a dataset a model learns."""

from bevatron.config.sections.data_part import DataPart
from bevatron.config.sections.model import Model
from bevatron.config.sections.task import OF_ELEMENTS


def learned_targets(study: DataPart, model: Model) -> tuple[list[str], list[str]]:
    """Targets of samples, and targets of elements, each once: the task's, and those of the model's auxiliary tasks."""
    target = model.target or study.task.target
    of_samples, of_elements = list(model.auxiliary_targets), list(model.element_targets)
    (of_elements if study.task.kind in OF_ELEMENTS else of_samples).insert(0, target)
    return list(dict.fromkeys(of_samples)), list(dict.fromkeys(of_elements))
