"""Results of models with the curves and predictions that panels read, drawn at random."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from bevatron.config.sections.task import Classification, Generation

CLASSES = ["zero", "one", "two"]
EPSILONS = [0.0, 0.05, 0.1, 0.25]


def results_of(task: Any, curves: dict[str, dict[str, Any]], **metrics: float) -> Any:
    """Models by name with their curves; the same metrics of each."""
    models = {name: SimpleNamespace(name=name, label=f"network <{name}>", curves=c) for name, c in curves.items()}
    measured = {name: SimpleNamespace(value=value) for name, value in metrics.items()}
    study = SimpleNamespace(task=task, name="shown")
    return SimpleNamespace(study=study, models=models, metric=lambda model, name: measured.get(name))


def attacked(channels: int = 1, n: int = 2) -> tuple[Any, dict[str, dict[str, Any]]]:
    """Results of two attacked networks, and their curves by name."""
    rng = np.random.default_rng(8)
    image = np.round(rng.random((n, channels, 4, 5)), 3)
    curves = {}
    for name in ("first", "second"):
        shown: dict[str, Any] = {
            "epsilon": EPSILONS, "label": list(range(n)), "row": list(range(n)), "group": "image",
            "image": image.tolist(), "low": 0.0, "high": 1.0,
        }  # fmt: skip
        for kind in ("fgsm", "random"):
            p = rng.dirichlet(np.ones(3), (n, len(EPSILONS)))
            shown[kind] = {"sign": rng.integers(-1, 2, image.shape).tolist(), "probabilities": np.round(p, 4).tolist()}
        curves[name] = {"attacks": {"epsilon": EPSILONS}, "attacked_images": shown}
    task = Classification(
        kind="classification", target="label", classes=CLASSES, signal="one", attacks={"epsilons": EPSILONS[1:]}
    )
    return results_of(task, curves), curves


def generated(n: int = 6) -> tuple[Any, np.ndarray, np.ndarray]:
    """Results of one generator, n real images, which are bright, and n generated ones, which are dark."""
    rng = np.random.default_rng(6)
    real, made = rng.uniform(0.6, 1, (n, 4, 4)), rng.uniform(0.0, 0.4, (n, 4, 4))
    real[0, 0, 0] = 0.0  # the range of real images is that of all
    curves = {"gan": {"samples": [made[::-1].tolist(), made.tolist()], "test": real.tolist()}}
    task = Generation(kind="generation", target="label", classes=CLASSES)
    return results_of(task, curves, spotted=0.83, d_accuracy=0.7), real, made
