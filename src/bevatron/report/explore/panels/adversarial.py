"""Images that are changed along the gradient, with a slider over ε, and what networks say of them."""

from typing import Any

import numpy as np

from bevatron.config.sections.task import Classification
from bevatron.report.explore.arrays import encode_array
from bevatron.report.explore.panel import Panel, panels
from bevatron.report.results.study_results import ModelResults, StudyResults

BYTES = 1_800_000  # of the changes of all models, before base64
KINDS = {"fgsm": "along the gradient's sign (FGSM)", "random": "random signs"}


@panels("adversarial")
def build_panels(results: StudyResults) -> list[Panel]:
    """One panel for a classification whose networks were attacked; none for others."""
    task = results.study.task
    if not isinstance(task, Classification) or task.attacks is None:
        return []
    attacked = {m.name: m for m in results.models.values() if m.curves.get("attacks")}
    kept = [m for m in attacked.values() if m.curves.get("attacked_images")]
    if attacked and not kept:
        raise ValueError("images under attack were not kept: evaluate the models again")
    images, models, left = {}, [], BYTES
    for m in kept:
        found = m.curves["attacked_images"]
        left -= int(np.size(found["image"])) * (len(KINDS) + 4)
        if models and left < 0:
            break
        key = "/".join(map(str, (found["group"], *found["row"])))
        images.setdefault(key, encode_array(np.array(found["image"], np.float32)))
        models.append(_model(m, found, key))
    if not models:
        return []
    explanation = (
        "The first attacked test image of each class. Each pixel is changed by at most ε: along the sign of the "
        "gradient of the network's own loss, or at random. Each position of the slider was evaluated, nothing is "
        "interpolated; networks are those of the first seed. A change that a person hardly sees, and that at random "
        "does nothing, can make a network name another class."
    )
    if len(models) < len(attacked):
        explanation += f" Of {len(attacked)} attacked networks {len(models)} are shown."
    data = {"classes": task.classes, "kinds": list(KINDS.items()), "images": images, "models": models}
    return [Panel("adversarial", "Images under attack", explanation, data, "adversarial.js")]


def _model(m: ModelResults, found: dict[str, Any], key: str) -> dict[str, Any]:
    """A model's changes as int8 (n, channels, height, width), and probabilities [image][ε][class]."""
    return {
        "title": m.label,
        "images": key,
        "labels": found["label"],
        "epsilons": found["epsilon"],
        "low": found["low"],
        "high": found["high"],
        "attacks": {
            kind: {
                "sign": encode_array(np.array(found[kind]["sign"], np.int8)),
                "probabilities": found[kind]["probabilities"],
            }
            for kind in KINDS
        },
    }
