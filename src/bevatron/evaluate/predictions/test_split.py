"""What the trained networks of one model say of the test split, beside what it is compared with."""

from dataclasses import replace

import numpy as np

from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EVALUATIONS, EvaluationContext, Predictions
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.store.shards.dataset import Dataset


def predict_test_split(context: EvaluationContext) -> Predictions:
    """What the trained networks say of the test split, with all that the study's task compares it with."""
    from bevatron.evaluate.predictions.inference import predict  # torch

    study, model, dataset = context.study, context.model, context.dataset
    targets = EVALUATIONS[study.task.kind]().targets(study.task, model)
    dataset.check_names(model.inputs, targets)
    of_task = getattr(EVALUATIONS[study.task.kind](), "predict", None)
    if of_task is None:
        predictions = predict(context.folders, dataset, model.inputs, targets, context.workflow, model.training.threads)
    else:
        predictions = of_task(study.task, context)
    expected = EVALUATIONS[study.task.kind]().outputs(study.task, context.target_info)
    shape = predictions.outputs.shape[2:]
    if len(shape) != len(expected) or any(n not in (None, m) for n, m in zip(expected, shape, strict=True)):
        needed = " × ".join("n" if n is None else str(n) for n in expected)
        what = f"has {' × '.join(map(str, shape))} outputs, the task needs {needed}"
        raise UserError(
            context.folders[0] / "model.json", what, f"run `bevatron train {study.name} {context.model_name}` again"
        )
    feature = getattr(study.task, "x", None)
    x = None if feature is None else _read_feature(feature, dataset)
    columns = TestColumns(dataset)
    event = columns.events()
    return replace(
        predictions,
        x=x,
        event=None if np.array_equal(event, predictions.id) else event,
        weight=columns.weights(),
        observers={name: columns.observer(name) for name in dataset.manifest.observers},
    )


def _read_feature(name: str, dataset: Dataset) -> np.ndarray:
    values = TestColumns(dataset).find_feature(name)
    if values is None:
        raise UserError(
            dataset.manifest_path, f"has no dense feature '{name}', which task.x names", "fix task.x in the study"
        )
    return values
