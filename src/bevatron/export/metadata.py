"""What an ONNX file says of itself: ONNX's metadata_props, a text by name, mappings and lists as JSON."""

import json
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from bevatron.config.sections.study import Study
from bevatron.config.sections.task import MultiLabel
from bevatron.export.agreement import TOLERANCE, Agreement
from bevatron.export.graph import OPSET
from bevatron.export.port import Port
from bevatron.models.network import Network
from bevatron.store.records.runs import RunRecord
from bevatron.store.shards.manifest import Manifest
from bevatron.versions import versions

SCHEMA_VERSION = 1
WRITERS = ("onnx", "onnxruntime", "onnxscript")
PREFIX = "bevatron."
PREPROCESSING = f"{PREFIX}preprocessing"  # how files become inputs, as preprocessing.json says it


def metadata(
    study: Study,
    name: str,
    manifest: Manifest,
    run: RunRecord,
    network: Network,
    inputs: list[Port],
    outputs: list[Port],
    agreement: Agreement,
) -> dict[str, str]:
    """Everything that a user of the file alone needs, and what identifies it."""
    model = study.models[name]
    facts: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "study": study.name,
        "model": name,
        "title": model.title,
        "seed": run.seed,
        **({} if run.fold is None else {"fold": run.fold}),
        "run_digest": run.digest,
        "weights_sha256": run.files["weights.safetensors"],
        "manifest_sha256": manifest.sha256,
        "dataset_digest": manifest.dataset_digest,
        "task": study.task.kind,
        "target": model.target or study.task.target,
        "target_parts": list(manifest.targets[model.target or study.task.target].names),
        "target_scaling": target_scaling(network),
        "thresholds": thresholds_of(study, manifest),
        "classes": list(getattr(study.task, "classes", [])),
        "class_subset": class_subset_of(study, network),
        "signal": getattr(study.task, "signal", ""),
        "inputs": [input_of(port, manifest) for port in inputs],
        "outputs": [output_of(port) for port in outputs],
        "normalisation": normalisation(network),
        "normalisation_inside": True,
        "agreement": {
            "against": "PyTorch on the CPU",
            "samples_of_the_test_split": agreement.samples,
            "largest_difference": agreement.differences,
            "tolerance": TOLERANCE,
        },
        "opset": OPSET,
        "versions": {**versions(), **{package: version(package) for package in WRITERS}},
        "data_versions": manifest.versions,
    }
    return {
        PREFIX + key: value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
        for key, value in facts.items()
    }


def input_of(port: Port, manifest: Manifest) -> dict[str, Any]:
    """An input's name, shape, type, and the features along its last axis (of images: their channels) with units."""
    info = manifest.groups[port.group]
    counts = not port.shape
    return {
        **{key: value for key, value in asdict(port).items() if key not in ("task", "classes")},
        "shape": ["batch", *port.shape],
        "features": [] if counts else list(info.features),
        "units": [] if counts else list(info.units),
    }


def output_of(port: Port) -> dict[str, Any]:
    """An output's name, shape, type and meaning; of an auxiliary task also the task and its classes."""
    about = {**asdict(port), "shape": ["batch", *port.shape]}
    return {key: value for key, value in about.items() if key not in ("task", "classes") or port.task}


def target_scaling(network: Network) -> dict[str, Any]:
    """What the last layer does, with its numbers: y → centre + scale y, and a width times scale; 'plain': nothing."""
    layer = network.outputs
    if layer.kind == "plain":
        return {"kind": layer.kind}
    return {"kind": layer.kind, "centre": layer.centre.tolist(), "scale": layer.scale.tolist()}


def thresholds_of(study: Study, manifest: Manifest) -> dict[str, float]:
    """By label, the probability from which on a sample is said to have it; nothing for other tasks."""
    task = study.task
    if not isinstance(task, MultiLabel):
        return {}
    return {name: task.thresholds.get(name, task.threshold) for name in manifest.targets[task.target].names}


def class_subset_of(study: Study, network: Network) -> list[str]:
    """The classes that the network was asked to tell apart; the probability of the others is 0."""
    classes = list(getattr(study.task, "classes", []))
    asked = getattr(network, "answers", range(len(classes)))
    return [classes[number] for number in asked] if classes else []


def normalisation(network: Network) -> dict[str, Any]:
    """What the first layer does, with its numbers: x → (x − centre) / scale, and asinh of that if 'robust'; of a
    network that is made of others, each does so for itself.
    """
    kind, layer = network.spec.normalise, network.normalise
    members = [normalisation(member) for member in getattr(network.architecture, "members", [])]
    more = {"members": members} if members else {}
    if kind == "none":
        return {"kind": kind, **more}
    numbers = {
        name: {
            feature: {"centre": float(centre), "scale": float(scale)}
            for feature, centre, scale in zip(
                group.features, getattr(layer, f"{name}_centre"), getattr(layer, f"{name}_scale"), strict=True
            )
        }
        for name, group in network.spec.inputs.items()
    }
    return {"kind": kind, "features": numbers, **more}
