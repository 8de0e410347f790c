"""Which targets a task can learn: one number, several numbers, or a class number for each sample."""

from pathlib import Path

from bevatron.config.sections.task import Task
from bevatron.errors import UserError
from bevatron.store.shards.contract import TargetInfo

TARGET_FORMS = {  # by task, the numbers of axes that its target may have, and that in words
    "regression": ((0, 1), "one number or a list of numbers"),
    "classification": ((0,), "one class number"),
    "classification_2d": ((0,), "one class number"),
    "generation": ((0,), "one class number"),
    "multi_label": ((1,), "a list of zeros and ones, one for each label"),
}


def check_target_form(path: Path, task: Task, name: str, target: TargetInfo) -> None:
    """Raises UserError, naming `path`, for a target of another form than the task learns, or that samples may lack."""
    if target.optional:
        what = f"target '{name}' is missing in some samples: it can be that of an auxiliary task, and not of the task"
        raise UserError(path, what, "name another target in the study's task or model")
    axes, words = TARGET_FORMS.get(task.kind, ((len(target.shape),), ""))
    if len(target.shape) in axes and 0 not in target.shape:
        return
    found = " × ".join(map(str, target.shape)) or "one number"
    todo = "name another target in the study's task or model, or use another task"
    raise UserError(path, f"target '{name}' is {found} for each sample; a {task.kind} needs {words}", todo)
