"""Displays of test jets: tracks and vertices across the beam, the truth, and what each network says of the jet."""

from typing import Any

import numpy as np

from bevatron.config.sections.task import Classification
from bevatron.report.explore.displayed import (
    Displayed,
    class_probabilities,
    features_of,
    first_of_each_class,
    has_group,
    most_accurate,
    raw_shard,
    rounded,
)
from bevatron.report.explore.jet_display import origin_names, tracks_of, truth_of, vertices_of
from bevatron.report.explore.jet_frame import axis_offset
from bevatron.report.explore.panel import Panel, panels
from bevatron.report.results.study_results import StudyResults
from bevatron.store.shards.shard import Shard

RECIPES = ("jets", "jets_modern")
PER_CLASS = 12


@panels("jets")
def build_panels(results: StudyResults) -> list[Panel]:
    """One panel for a classification of jets that were prepared by a recipe with tracks; none for others."""
    task = results.study.task
    if not isinstance(task, Classification) or results.study.dataset.recipe.kind not in RECIPES:
        return []
    groups = results.manifest.groups
    if not {"jet", "tracks"} <= set(groups) or not {"d0", "q_over_p"} < set(groups["tracks"].features):
        return []
    shown = first_of_each_class(results, task.target, len(task.classes), PER_CLASS)
    if not shown:
        return []
    jets = [jet for entry in shown for jet in _jets(results, entry, task.target)]
    models = class_probabilities(results, np.concatenate([entry.ids for entry in shown]))
    data = {"classes": task.classes, "jets": jets, "models": models, "first": most_accurate(results, models)}
    data["origins"] = origin_names()
    return [Panel("jets", "Displays of jets", _explain(results, jets, models), data, "jets.js")]


def _jets(results: StudyResults, entry: Displayed, target: str) -> list[dict[str, Any]]:
    found = []
    with Shard(entry.path) as shard, raw_shard(results, entry.path) as raw:
        labels = shard.read(f"targets/{target}")
        names = features_of(shard, "jet")
        raw_ids = None if raw is None else raw.read("id")
        for row, own_id in zip(entry.rows.tolist(), entry.ids, strict=True):
            kinematics = dict(zip(names, shard.dataset("inputs/jet")[row].tolist(), strict=True))
            jet: dict[str, Any] = {
                "id": str(own_id),
                "label": int(labels[row]),
                "pt": rounded(np.array(kinematics["pt"]), 2),
                "eta": rounded(np.array(kinematics["eta"])),
                "tracks": tracks_of(shard, row),
                "vertices": vertices_of(shard, row),
                "truth": None,
            }
            places = [] if raw_ids is None else np.flatnonzero(raw_ids == own_id)
            if raw is not None and len(places) == 1 and has_group(raw, "hadrons"):
                place = int(places[0])
                jet["truth"] = truth_of(raw, place, axis_offset(shard, row, raw, place))
            found.append(jet)
    return found


def _explain(results: StudyResults, jets: list[dict[str, Any]], models: list[dict[str, Any]]) -> str:
    text = (
        f"The first {PER_CLASS} jets of each class in the test split, across the beam: the primary vertex at (0, 0), "
        "the jet's axis to the right, each track as the straight line through its perigee. Distances across the axis "
        "can be stretched; as both tracks and vertices are stretched, tracks still cross where they cross. Beauty "
        "hadrons fly a few millimetres, so that tracks miss the primary vertex and cross in front of it."
    )
    if any(jet["truth"] is not None for jet in jets):
        text += (
            " The truth: where beauty and charm hadrons decay and where charged particles above 0.5 GeV start, from "
            "the generated collision, which the reconstructed primary vertex misses by some hundredths of a millimetre."
        )
        if results.study.dataset.recipe.kind == "jets_modern":
            text += " The truth is turned to the measured jet's axis, by the tracks that match particles."
    if any(jet["truth"] is None for jet in jets):
        text += " For jets whose raw shards are gone, there is no truth to show."
    if not models:
        text += " There are no predictions here, so that no probabilities are shown."
    else:
        text += " Probabilities are means over the trainings (seeds)."
    return text
