"""A small dataset of jets with known answers, and networks whose predictions can be worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from run_records import run_record

from bevatron.config.loading.code_versions import version_attributes
from bevatron.config.loading.identity import dataset_digest, raw_digest
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.store.files.publish import publish_json, sha256_of
from bevatron.store.records.record import payload_of
from bevatron.store.records.runs import RunsRecord
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples
from bevatron.store.shards.manifest import Manifest, write_manifest
from bevatron.store.shards.shard import write_shard

STUDY = yaml.safe_load("""
name: toy
title: Toy
summary: Toy
simulation: {source: {kind: jets}, shards: 2}
dataset: {recipe: {kind: jets}}
task: {kind: classification, target: flavour, classes: [light, beauty], signal: beauty}
models:
  linear: {title: Linear, inputs: [jet], normalise: none, architecture: {kind: mlp, widths: []}}
evaluation:
  bootstrap: 30
  observables:
    second_d0: {title: d0, group: tracks, feature: d0, position: 1, range: [0, 10]}
    pt: {title: pt, group: jet, feature: pt}
""")


@pytest.fixture
def study() -> Study:
    return Study.model_validate(STUDY)


@pytest.fixture
def workflow() -> Workflow:
    return Workflow(studies=["toy"], accelerator="cpu")


def shard_samples(rng: np.random.Generator, start: int, n: int = 150) -> Samples:
    """pt separates the two flavours; jets have 0 to 3 tracks, d0 rises with their place in the list."""
    flavour = rng.integers(0, 2, n)
    pt = (30 + 10 * flavour + rng.normal(0, 5, n)).astype(np.float32)
    lengths = rng.integers(0, 4, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rank = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    d0 = (rank + 4 * np.repeat(flavour, lengths)).astype(np.float32)
    inputs = {
        "jet": Group(Dense(np.column_stack([pt, -pt])), ("pt", "minus_pt"), ("GeV", "GeV")),
        "tracks": Group(Ragged(d0[:, None], offsets), ("d0",), ("mm",)),
    }
    return Samples(inputs, {"flavour": flavour}, np.arange(start, start + n, dtype=np.uint64))


@pytest.fixture
def dataset(tmp_path: Path, study: Study) -> tuple[Path, Manifest, Samples]:
    """Path of the manifest, the manifest, and the samples of the test split's two shards by hand."""
    rng, folder, test = np.random.default_rng(10), tmp_path / "dataset", []
    attributes = {
        "study": study.name,
        "source": "jets",
        "versions": {"generator": "1"},
        "digest": dataset_digest(study),
        "raw_digest": raw_digest(study),
        **version_attributes(study),
        "classes": ["light", "beauty"],
    }
    for k, split in enumerate(("train", "val", "test")):
        for shard in range(2):
            samples = shard_samples(rng, 1000 * (2 * k + shard))
            write_shard(folder / f"{split}-{shard:04d}.h5", samples, attributes | {"shard": shard})
            if split == "test":
                test.append(samples)
    manifest = build_manifest(folder, study)
    write_manifest(folder / "manifest.json", manifest)
    return folder / "manifest.json", manifest, test


@pytest.fixture
def trained(tmp_path: Path, dataset, study) -> Path:
    """runs.json of two seeds whose logits are (0, 0.1 (pt - 35)) and (0, 0.2 (pt - 36))."""
    import torch

    from bevatron.models.layers.inputs import InputGroup
    from bevatron.models.network import Network, NetworkSpec, weights_bytes

    _, manifest, _ = dataset
    place, runs = tmp_path / "models", []
    for seed, (slope, middle) in enumerate(((0.1, 35.0), (0.2, 36.0))):
        inputs = {"jet": InputGroup((2,), ("pt", "minus_pt"))}
        network = Network(NetworkSpec({"kind": "mlp", "widths": []}, inputs, 2, "none"))
        with torch.no_grad():
            layer = network.architecture.layers[-1]
            layer.weight.copy_(torch.tensor([[0.0, 0.0], [slope, 0.0]]))
            layer.bias.copy_(torch.tensor([0.0, -slope * middle]))
        folder = place / f"seed-{seed}"
        folder.mkdir(parents=True)
        (folder / "weights.safetensors").write_bytes(weights_bytes(network))
        tree = {
            "architecture": {"kind": "mlp", "widths": []},
            "inputs": [{"name": "jet", "shape": [2], "features": ["pt", "minus_pt"], "is_ragged": False}],
            "n_outputs": 2,
            "normalise": "none",
        }
        publish_json(folder / "model.json", {"network": tree})
        files = {name: sha256_of(folder / name) for name in ("weights.safetensors", "model.json")}
        runs.append(run_record(seed, files=files, n_weights=6))
    digests = {"manifest_sha256": manifest.sha256, "dataset_digest": manifest.dataset_digest}
    settings = study.models["linear"].model_dump(mode="json", exclude={"search"})
    record = RunsRecord(study="toy", model="linear", **digests, settings=settings, runs=tuple(runs))
    publish_json(place / "runs.json", payload_of(record))  # without a checksum: tests change it
    return place / "runs.json"
