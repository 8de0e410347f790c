"""Panels of jets, argon and denoising from files, also where some are missing, damaged, empty or odd."""

import json
from base64 import b64decode
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from bevatron.config.sections.model import Model
from bevatron.config.sections.task import Classification, Detection, Reconstruction
from bevatron.report.explore.panels import denoising, jets, wires
from bevatron.store.files.publish import sha256_of
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples, SparseImages
from bevatron.store.shards.shard import Shard, write_shard

HOSTILE = ["</script><b>", "a & b"]
IDS = np.array([11, 12, 13, 14], np.uint64)


def results_of(folder, samples, task, recipe, models=None, **options):
    path = folder / "dataset" / "test-0000.h5"
    path.parent.mkdir(exist_ok=True)
    write_shard(path, samples, {"digest": "d", "shard": 0, "raw_digest": "r"})
    with Shard(path) as shard:
        groups, targets = shard.groups, shard.targets
    entry = SimpleNamespace(file=path.name, bytes=path.stat().st_size, sha256=sha256_of(path), samples=len(samples))
    manifest = SimpleNamespace(
        splits={"test": [entry]}, dataset_digest="d", sha256="m", groups=groups, targets=targets, element_targets={}
    )
    study = SimpleNamespace(task=task, dataset=SimpleNamespace(recipe=SimpleNamespace(kind=recipe, **options)))
    return SimpleNamespace(
        folder=folder, manifest=manifest, study=study, models=models or {}, metric=lambda model, name: None
    )


def predict(folder, name, outputs, ids=IDS):
    path = folder / "evaluation" / name / "predictions.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["outputs"], file["id"], file.attrs["manifest_sha256"] = outputs.astype(np.float32), ids, "m"


def classification(names):
    return Classification.model_construct(
        kind="classification", target="label", classes=names, signal=names[0], attacks=None
    )


@pytest.fixture
def jet_results(tmp_path):
    """Four jets of the first class and one network; a jet without tracks, and one whose track is all zeros."""
    names = ("d0", "delta_phi", "q_over_p", "d0_significance", "pt", "delta_eta")
    tracks = np.array([[0.1, 0.2, 0.3, 5.0, 3.0, 0.0], [0.0] * 6, [0.2, -0.1, -0.2, 2.0, 5.0, 0.1]], np.float32)
    kinematics = np.array([[30, 0.1], [40, 0.2], [50, 0.3], [60, -9]], np.float32)
    inputs = {
        "jet": Group(Dense(kinematics), ("pt", "eta"), ("GeV", "")),
        "tracks": Group(Ragged(tracks, np.array([0, 1, 2, 2, 3])), names, ("",) * 6),
    }
    model = SimpleNamespace(name="one", label=HOSTILE[0])
    samples = Samples(inputs, {"label": np.zeros(4, np.int64)}, IDS)
    return results_of(tmp_path, samples, classification(HOSTILE), "jets_modern", {"one": model})


def write_raw(folder):
    momenta = np.array([[3.0, 0.1, 0.1, 4.0, 1e30, 0.0, 0.0], [2.0, 0.1, 0.1, 4.0, 1.0, 0.0, 0.0]], np.float32)
    names = ("px", "py", "pz", "energy", "x", "y", "z")
    offsets, none = np.array([0, 2, 2, 2, 2]), np.zeros(5, np.int64)
    ids = np.array([[211, 3], [211, 3]], np.int32)
    inputs = {
        "jet": Group(Dense(np.zeros((4, 2), np.float32)), ("pt", "phi"), ("", "")),
        "constituents": Group(Ragged(momenta, offsets), names, ("",) * 7),
        "constituent_ids": Group(Ragged(ids, offsets), ("pdg_id", "charge_thirds"), ("", "")),
        "hadrons": Group(Ragged(momenta[:0], none), names, ("",) * 7),
        "hadron_ids": Group(Ragged(ids[:0], none), ("pdg_id", "quark"), ("", "")),
    }
    path = folder / "raw" / "shard-0000.h5"
    path.parent.mkdir(exist_ok=True)
    write_shard(path, Samples(inputs, {"event": IDS}, IDS), {"digest": "r"})
    return path


def test_jets_without_tracks_numbers_raw_shards_or_predictions(jet_results):
    (panel,) = jets.build_panels(jet_results)
    shown = json.loads(panel.json)
    assert [jet["pt"] for jet in shown["jets"]] == [30.0, 40.0, 50.0, 60.0]
    assert [len(jet["tracks"]["x"]) for jet in shown["jets"]] == [1, 1, 0, 1]
    assert (shown["models"], shown["jets"][0]["truth"]) == ([], None)
    assert "</script" not in panel.json
    for words in ("no truth to show", "no probabilities"):
        assert words in panel.explanation


def test_jets_with_predictions_and_truth(jet_results):
    write_raw(jet_results.folder)
    logits = np.array([[[0.0, -np.inf], [1, 1], [np.nan, 0], [0, 3]]])
    predict(jet_results.folder, "one", logits[:, ::-1], IDS[::-1])
    (panel,) = jets.build_panels(jet_results)
    shown = json.loads(panel.json)
    assert shown["models"][0]["probabilities"][:3] == [[1.0, 0.0], [0.5, 0.5], [None, None]]
    assert shown["jets"][0]["truth"]["particles"]["x"] == [1.0]  # the other starts too far away
    assert "no truth" not in panel.explanation


@pytest.mark.parametrize("length", [0, 100, 0.6])
def test_a_damaged_raw_shard_costs_the_truth_alone(jet_results, length):
    path = write_raw(jet_results.folder)
    content = path.read_bytes()
    path.write_bytes(content[: int(length * len(content)) if isinstance(length, float) else length])
    (panel,) = jets.build_panels(jet_results)
    assert "no truth to show" in panel.explanation


def test_studies_of_other_recipes_or_without_tracks_have_no_jets(jet_results, tmp_path):
    jet_results.study.dataset.recipe.kind = "table"
    assert jets.build_panels(jet_results) == []
    jet_results.study.dataset.recipe.kind = "jets"
    del jet_results.manifest.groups["tracks"]
    assert jets.build_panels(jet_results) == []


@pytest.mark.parametrize("task", ["classification", "detection"])
def test_images_in_argon_without_charge_numbers_boxes_or_predictions(tmp_path, task):
    images = SparseImages(
        np.array([3, 7, 5], np.int32), np.array([2.0, -3.0, 1e30], np.float32), np.array([0, 0, 2, 3, 3]), (1, 3, 4)
    )
    targets = {"label": np.array([0, 0, 1, 1]), "boxes": np.full((4, 1, 5), -1.0, np.float32)}
    samples = Samples({"plane": Group(images, ("y",), ("ke",))}, targets, IDS)
    setting = (
        classification(HOSTILE) if task == "classification" else Detection(kind=task, target="boxes", classes=["x"])
    )
    model = SimpleNamespace(name="one", label="one", curves={})
    recipe_images = {"plane": SimpleNamespace(permuted=False)}
    results = results_of(tmp_path, samples, setting, "lartpc", {"one": model}, images=recipe_images)
    (panel,) = wires.build_panels(results)
    assert "was not kept" in panel.explanation
    expected = [0, 2, 1, 0] if task == "classification" else [2, 1]  # a detection shows no empty images
    assert [event["images"]["plane"]["stored"] for event in json.loads(panel.json)["events"]] == expected


def autoencoder(name, latent, widths=(8,)):
    architecture = {"kind": "autoencoder", "latent": latent, "widths": list(widths)}
    model = Model.model_validate({"title": name, "inputs": ["galaxy"], "architecture": architecture})
    return SimpleNamespace(name=name, label=name, model=model)


def test_networks_that_differ_in_latent_dimensions_alone_share_a_slider(tmp_path):
    rng = np.random.default_rng(2)
    noisy, clean = rng.normal(size=(2, 4, 1, 3, 3)).astype(np.float32)
    samples = Samples({"galaxy": Group(Dense(noisy), ("flux",), ("counts",))}, {"galaxy": clean}, IDS)
    models = {
        n: autoencoder(n, k, w) for n, k, w in (("h4", 4, (8,)), ("wide", 3, (9,)), ("h1", 1, (8,)), ("h16", 16, (8,)))
    }
    task = Reconstruction(kind="reconstruction", target="galaxy")
    results = results_of(tmp_path, samples, task, "sky", models)
    with pytest.raises(FileNotFoundError, match="missing"):
        denoising.build_panels(results)
    outputs = {name: rng.normal(size=(2, 4, 9)) for name in ("h4", "wide", "h1")}  # h16 was not evaluated
    for name, values in outputs.items():
        predict(tmp_path, name, values)
    (panel,) = denoising.build_panels(results)
    first, second = panel.data["families"]
    assert [m["latent"] for m in first["models"]] == [1, 4]
    assert [m["title"] for m in second["models"]] == ["wide"]
    for encoded, expected in (
        (first["noisy"], noisy[:, 0]), (first["clean"], clean[:, 0]),
        (first["models"][1]["output"], outputs["h4"][0].reshape(4, 3, 3)),
    ):  # fmt: skip
        values = np.frombuffer(b64decode(encoded["base64"]), np.float32)
        np.testing.assert_allclose(values.reshape(encoded["shape"]), expected, rtol=1e-6)
