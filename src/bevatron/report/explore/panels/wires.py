"""Displays of test events in liquid argon: the images of the wire planes, the truth, and what the networks say."""

from typing import Any

import numpy as np

from bevatron.config.sections.task import Classification, Detection, Segmentation
from bevatron.report.explore.displayed import (
    Displayed,
    class_probabilities,
    first_of_each_class,
    first_samples,
    has_group,
    most_accurate,
    predicted_outputs,
    raw_shard,
)
from bevatron.report.explore.panel import Panel, panels
from bevatron.report.explore.wire_display import boxes_of, found_boxes, groups_shown, image_of, primaries_of
from bevatron.report.results.study_results import StudyResults
from bevatron.store.shards.shard import Shard

PER_CLASS, EVENTS = 12, 24  # of a classification, of each class; of other tasks, altogether
LEAST = 0.05  # probability of a box that can be shown
BYTES = 2_000_000  # of the images of all events


@panels("wires")
def build_panels(results: StudyResults) -> list[Panel]:
    """One panel for a study whose images are made by the recipe `lartpc`; none for others."""
    task = results.study.task
    recipe: Any = results.study.dataset.recipe
    if recipe.kind != "lartpc" or not isinstance(task, Classification | Detection | Segmentation):
        return []
    permuted = {name for name, image in recipe.images.items() if image.permuted}
    first = results.manifest.element_targets[task.target].group if isinstance(task, Segmentation) else None
    groups = groups_shown(results.manifest.groups, permuted, first)
    if not groups:
        return []
    if isinstance(task, Classification):
        shown = first_of_each_class(results, task.target, len(task.classes), PER_CLASS)
    else:
        shown = first_samples(results, 2 * EVENTS)
    events = [event for entry in shown for event in _events(results, entry, groups)]
    if not isinstance(task, Classification):
        events = [event for event in events if event["images"][groups[0]]["stored"] > 0][:EVENTS]
    events = _within_budget(events)
    if not events:
        return []
    infos = results.manifest.groups
    data = {
        "task": task.kind,
        "classes": task.classes,
        "pixel_classes": list(_pixel_classes(results, groups)),
        "groups": {
            name: {"shape": list(infos[name].shape), "planes": list(infos[name].features), "unit": infos[name].units[0]}
            for name in groups
        },
        "segmented": first,
        "events": events,
        "models": _models(results, np.array([event["id"] for event in events], np.uint64)),
    }
    data["first"] = most_accurate(results, data["models"]) if isinstance(task, Classification) else 0
    for event in events:
        event["id"] = str(event["id"])
    return [Panel("wires", "Displays of events", _explain(results, events, data), data, "wires.js")]


def _events(results: StudyResults, entry: Displayed, groups: list[str]) -> list[dict[str, Any]]:
    task, events = results.study.task, []
    with Shard(entry.path) as shard, raw_shard(results, entry.path) as raw:
        labels = shard.read(f"targets/{task.target}") if isinstance(task, Classification) else None
        raw_ids = None if raw is None else raw.read("id")
        for row, own_id in zip(entry.rows.tolist(), entry.ids, strict=True):
            places = [] if raw_ids is None else np.flatnonzero(raw_ids == own_id)
            known = raw is not None and len(places) == 1 and has_group(raw, "primaries")
            events.append(
                {
                    "id": int(own_id),
                    "label": None if labels is None else int(labels[row]),
                    "images": {group: image_of(shard, group, row) for group in groups},
                    "boxes": boxes_of(shard, "boxes", row) if "boxes" in shard.targets else [],
                    "primaries": primaries_of(raw, int(places[0])) if known and raw is not None else None,
                }
            )
    return events


def _within_budget(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many events of each class as fit, the same number of each, at least one."""
    rank, n_before = [], {}
    for event in events:
        rank.append(n_before.get(event["label"], 0))
        n_before[event["label"]] = rank[-1] + 1
    sizes = [
        sum(
            len(part["base64"])
            for image in event["images"].values()
            for part in image.values()
            if isinstance(part, dict)
        )
        for event in events
    ]
    for most in range(max(n_before.values(), default=0), 1, -1):
        if sum(size for size, k in zip(sizes, rank, strict=True) if k < most) <= BYTES:
            return [event for event, k in zip(events, rank, strict=True) if k < most]
    return [event for event, k in zip(events, rank, strict=True) if k < 1]


def _pixel_classes(results: StudyResults, groups: list[str]) -> tuple[str, ...]:
    for name in groups:
        found = results.manifest.element_targets.get(f"{name}_class")
        if found is not None:
            return found.classes
    return ()


def _models(results: StudyResults, ids: np.ndarray) -> list[dict[str, Any]]:
    """What each model says of the events: probabilities, boxes of its first seed, or classes of pixels."""
    task = results.study.task
    if isinstance(task, Classification):
        return class_probabilities(results, ids)
    found = []
    for model in results.models.values():
        if isinstance(task, Detection):
            outputs = predicted_outputs(results, model, ids)
            if outputs is not None:
                boxes = [found_boxes(detections, LEAST) for detections in outputs[0]]
                found.append({"title": model.label, "boxes": boxes})
            continue
        pixels = {entry["id"]: entry for entry in model.curves.get("displays", [])}
        if pixels:
            selected = [pixels.get(str(own_id)) for own_id in ids]
            said = [None if e is None else {k: e[k] for k in ("predicted", "percent")} for e in selected]
            found.append({"title": model.label, "pixels": said})
    return found


def _explain(results: StudyResults, events: list[dict[str, Any]], data: dict[str, Any]) -> str:
    task = results.study.task
    if isinstance(task, Classification):
        most = max(sum(e["label"] == k for e in events) for k in range(len(task.classes)))
        which = f"The first {most} events of each class in the test split"
    else:
        which = f"The first {len(events)} events of the test split that have charge in the image"
    text = f"{which}: the charge on each wire of a plane against time, as networks read it."
    if any(len(group["planes"]) > 1 for group in data["groups"].values()):
        text += " Each plane sees the event from another angle."
    text += " White pixels are below the threshold."
    if any(event["boxes"] for event in events):
        text += " True boxes (full lines) lie in the collection plane, y."
    if isinstance(task, Detection) and data["models"]:
        text += " Dashed boxes are those that the model's first seed finds, with its probability for each."
    if isinstance(task, Classification) and data["models"]:
        text += " Probabilities are means over the trainings (seeds)."
    if isinstance(task, Segmentation) and data["models"]:
        text += " Predicted classes of pixels are those of the model's first seed."
    if not data["models"]:
        text += " What networks predict for these events was not kept; evaluate the models again to see it."
    if any(event["primaries"] is None for event in events):
        text += " The raw shards are gone, so that the true particles are not listed."
    return text
