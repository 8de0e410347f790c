"""Images before and after auto-encoders, with a slider over the number of latent dimensions."""

from typing import Any

import numpy as np

from bevatron.config.sections.task import Reconstruction
from bevatron.report.explore.arrays import encode_array
from bevatron.report.explore.displayed import Displayed, first_samples, predicted_outputs, rounded
from bevatron.report.explore.panel import Panel, panels
from bevatron.report.results.study_results import ModelResults, StudyResults
from bevatron.store.shards.shard import Shard

IMAGES = 12
BYTES = 1_500_000  # of all images, before base64


@panels("denoising")
def build_panels(results: StudyResults) -> list[Panel]:
    """One panel for a study that gives images back; none for other tasks."""
    task = results.study.task
    if not isinstance(task, Reconstruction):
        return []
    families = [family for family in _families(results, task) if _shape(results, family[0], task) is not None]
    if not families:
        return []
    n_pixels = max(int(np.prod(_shape(results, family[0], task) or ())) for family in families)
    n_arrays = sum(len(family) + 2 for family in families)
    shown = first_samples(results, int(np.clip(BYTES // (4 * n_pixels * n_arrays), 1, IMAGES)))
    if not shown:
        return []
    found = [_family(results, family, task, shown) for family in families]
    found = [family for family in found if family["models"]]
    if not found:
        raise FileNotFoundError("the files evaluation/*/predictions.h5 are missing")
    n = sum(len(entry.rows) for entry in shown)
    explanation = (
        f"The first {n} samples of the test split: the image with its noise, as the network reads it, what the network "
        "gives back (first seed), the image without noise, and how far the output is from it. Few latent dimensions "
        "leave no room for the noise, nor for all of the image; many let the noise through. Nothing is interpolated: "
        "each position of the slider is a trained network."
    )
    channels = any((_shape(results, family[0], task) or (1,))[0] > 1 for family in families)
    explanation += " Of images with several channels the first is shown." if channels else ""
    return [Panel("denoising", "Through few latent dimensions", explanation, {"families": found}, "denoising.js")]


def _families(results: StudyResults, task: Reconstruction) -> list[list[ModelResults]]:
    """Models that differ in the number of latent dimensions alone, by that number; those of several models first."""
    found: dict[tuple[str, ...], list[ModelResults]] = {}
    for m in results.models.values():
        options = {name: v for name, v in m.model.architecture.model_dump().items() if name != "latent"}
        key = (*m.model.inputs, m.model.target or task.target, str(m.model.normalise), repr(sorted(options.items())))
        key = key if _latent(m) is not None else (*key, m.name)
        found.setdefault(key, []).append(m)
    families = [sorted(family, key=lambda m: _latent(m) or 0) for family in found.values()]
    return sorted(families, key=lambda family: len(family) == 1)


def _latent(m: ModelResults) -> int | None:
    return getattr(m.model.architecture, "latent", None)


def _truth(m: ModelResults, task: Reconstruction) -> str:
    """The target without noise."""
    target = m.model.target or task.target
    return task.truth.get(target, target)


def _shape(results: StudyResults, m: ModelResults, task: Reconstruction) -> tuple[int, ...] | None:
    """(channels, height, width) of a model's one input and of its target; None where they are not such images."""
    info = results.manifest.groups.get(m.model.inputs[0])
    target = results.manifest.targets.get(_truth(m, task))
    if info is None or target is None or info.layout != "dense" or len(m.model.inputs) != 1:
        return None
    shape = tuple(info.shape)
    return shape if len(shape) == 3 and shape == tuple(target.shape) else None


def _family(
    results: StudyResults, family: list[ModelResults], task: Reconstruction, shown: list[Displayed]
) -> dict[str, Any]:
    """The images (n, height, width) of a family: with noise, without, and each model's output, as encoded arrays."""
    first, ids = family[0], np.concatenate([entry.ids for entry in shown])
    shape = _shape(results, first, task) or ()
    noisy = _images(shown, f"inputs/{first.model.inputs[0]}")
    clean = _images(shown, f"targets/{_truth(first, task)}")
    models = []
    for m in family:
        outputs = predicted_outputs(results, m, ids)
        if outputs is None:
            continue
        left = results.metric(m.name, "mse_over_noise")
        models.append(
            {
                "title": m.label,
                "latent": _latent(m),
                "noise_left": None if left is None else rounded(np.array(left.value), 4),
                "output": encode_array(outputs[0].reshape(len(ids), *shape)[:, 0].astype(np.float32)),
            }
        )
    latents = ", ".join(str(m["latent"]) for m in models)
    title = first.label if len(models) < 2 else f"{first.model.inputs[0]} through {latents} latent dimensions"
    unit = results.manifest.groups[first.model.inputs[0]].units[0]
    return {
        "title": title,
        "unit": unit,
        "learned": first.model.target or task.target,
        "noisy": encode_array(noisy),
        "clean": encode_array(clean),
        "models": models,
    }


def _images(shown: list[Displayed], place: str) -> np.ndarray:
    """The first channel (n, height, width) float32 of images (.., channels, height, width) of the shown samples."""
    parts = []
    for entry in shown:
        with Shard(entry.path) as shard:
            parts.append(np.asarray(shard.dataset(place)[entry.rows])[:, 0])
    return np.concatenate(parts).astype(np.float32)
