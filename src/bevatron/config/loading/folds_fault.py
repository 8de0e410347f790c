"""Why a study cannot be cross-validated, where it cannot."""

from bevatron.config.sections.dataset import DatasetSection
from bevatron.config.sections.simulation import Simulation
from bevatron.config.sections.task import Task

TASKS = ("classification", "regression", "multi_label")  # whose predictions of one sample depend on no other


def folds_fault(simulation: Simulation, dataset: DatasetSection, task: Task) -> str | None:
    """What of the study does not go together with `dataset.folds`, in words; None where all does."""
    if dataset.folds is None:
        return None
    if task.kind not in TASKS:
        return f"a {task.kind} cannot be cross-validated; tasks that can: {', '.join(TASKS)}"
    if getattr(task, "attacks", None) is not None:
        return "adversarial examples of a cross-validation cannot be made; take task.attacks away"
    source, balance = simulation.source, dataset.balance
    if isinstance(getattr(source, "files", None), dict):
        return "simulation.source.files are given by split, and cross-validation makes its own; give one list"
    if getattr(source, "test_selection", None) is not None:
        return "every sample is learned from and tested on; take simulation.source.test_selection away"
    if balance is not None and len(set(balance.splits)) < 3:
        if balance.method == "reweight":
            return (
                "a sample has one weight, in training and in the test alike; set dataset.balance.splits to "
                "[train, val, test], or resample"
            )
        if "test" in balance.splits:
            return (
                "a balanced test needs all balanced; set dataset.balance.splits to [train, val, test] or leave it out"
            )
    return None
