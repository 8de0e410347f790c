"""Shards, manifests and digests know the version of the code that made them; seeds do not."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest

from bevatron.config.loading.code_versions import code_versions
from bevatron.config.loading.identity import dataset_digest, dataset_settings, raw_digest, raw_settings
from bevatron.config.loading.registry import Registry
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.prepare.recipes.function import FunctionSamples
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.raw import split
from bevatron.simulate.sources.function import Function
from bevatron.simulate.stage import simulate_shard
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.inspect import inspect
from bevatron.store.shards.manifest import load_manifest
from bevatron.store.shards.shard import read_shard, write_shard

TREE = {
    "name": "curve",
    "title": "A parabola",
    "summary": "y = x² with noise.",
    "simulation": {"shards": 2, "source": {"kind": "function", "train": 30, "val": 10, "test": 10}},
    "dataset": {"recipe": {"kind": "function", "noise": {"y": 5.0}}},
    "task": {"kind": "regression", "target": "y", "truth": "x_squared", "x": "x"},
    "models": {"net": {"title": "net", "inputs": ["x"], "architecture": {"kind": "mlp", "widths": [4]}}},
}
STUDY = Study.model_validate(TREE)


def raw_of(folder, shard):
    return folder / f"raw/shard-{shard:04d}.h5"


@pytest.fixture
def raw(tmp_path):
    for shard in range(2):
        simulate_shard(STUDY, shard, raw_of(tmp_path, shard))
    return tmp_path


@pytest.fixture
def dataset(raw):
    for shard in range(2):
        prepare_shard(STUDY, raw_of(raw, shard), raw / "dataset")
    write_manifest(STUDY, raw / "dataset")
    return raw / "dataset"


def rewrite(path, **attributes):
    """The shard with other attributes; None takes one away."""
    old = read_shard(path)
    found = {name: value for name, value in {**old.attributes, **attributes}.items() if value is not None}
    old.attributes.clear()
    write_shard(path, old, found)


def refuses(call, *pieces):
    with pytest.raises(UserError) as told:
        call()
    assert "\n" not in str(told.value)
    for piece in pieces:
        assert piece in str(told.value)


def test_a_raised_version_is_another_digest(monkeypatch):
    raw, dataset = raw_digest(STUDY), dataset_digest(STUDY)
    monkeypatch.setattr(FunctionSamples, "VERSION", 2)
    assert raw_digest(STUDY) == raw  # raw events do not depend on the recipe
    assert dataset_digest(STUDY) != dataset
    monkeypatch.undo()
    monkeypatch.setattr(Function, "VERSION", 2)
    assert raw_digest(STUDY) != raw
    assert dataset_digest(STUDY) != dataset
    monkeypatch.undo()
    monkeypatch.setattr("bevatron.config.loading.code_versions.SPLIT_VERSION", 2)
    assert raw_digest(STUDY) == raw
    assert dataset_digest(STUDY) != dataset


def test_seeds_follow_from_the_settings_alone(raw, monkeypatch):
    """The seeds by hand, from the canonical text of the settings as it was before components had versions."""

    def digest(*values):
        return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    source = {"kind": "function", "train": 30, "val": 10, "test": 10, "low": -10.0, "high": 10.0}
    fractions = {"train": 0.8, "val": 0.1, "test": 0.1}
    recipe = {"kind": "function", "noise": {"y": 5.0}}
    raw_text = digest("raw", "curve", source, 1)
    dataset_text = digest("dataset", raw_text, {"recipe": recipe, "split": fractions, "compression": "lz4"})
    assert (raw_settings(STUDY), dataset_settings(STUDY)) == (raw_text, dataset_text)
    monkeypatch.setattr(Function, "VERSION", 7)
    monkeypatch.setattr(FunctionSamples, "VERSION", 9)
    simulate_shard(STUDY, 1, raw / "again.h5")
    prepare_shard(STUDY, raw / "again.h5", raw / "dataset")
    seeds = [int(read_shard(path).attributes["seed"]) for path in (raw / "again.h5", raw / "dataset/train-0001.h5")]
    assert seeds == [int(digest("simulate", raw_text, 1)[:16], 16) >> 1,
                     int(digest("prepare", dataset_text, 1)[:16], 16) >> 1]  # fmt: skip
    before, after = read_shard(raw_of(raw, 1)), read_shard(raw / "again.h5")
    assert before.inputs["draw"].column.values.tobytes() == after.inputs["draw"].column.values.tobytes()


def test_shards_and_manifest_say_what_made_them(dataset):
    assert read_shard(dataset.parent / "raw/shard-0001.h5").attributes["source_version"] == 1
    attributes = read_shard(dataset / "val-0001.h5").attributes
    assert {name: int(attributes[f"{name}_version"]) for name in ("source", "recipe", "split")} == {
        "source": 1, "recipe": 1, "split": 1,
    }  # fmt: skip
    manifest = load_manifest(dataset / "manifest.json", dataset_digest(STUDY))
    assert manifest.code_versions == code_versions(STUDY) == {"source function": 1, "recipe function": 1, "split": 1}
    assert "recipe function 1, source function 1, split 1" in inspect(dataset)
    assert "source_version" in inspect(dataset.parent / "raw/shard-0000.h5")


def test_a_raw_shard_of_an_older_source_is_refused_by_name(raw, monkeypatch):
    monkeypatch.setattr(Function, "VERSION", 2)
    refuses(
        lambda: prepare_shard(STUDY, raw_of(raw, 0), raw / "dataset"),
        "shard-0000.h5: was made by version 1 of the source 'function', this Bevatron has version 2",
        "run the simulate stage again",
    )
    assert not (raw / "dataset").exists()


def test_a_shard_of_another_recipe_among_others_is_refused_by_name(raw, monkeypatch):
    """One shard was prepared before the recipe was changed, the other afterwards."""
    prepare_shard(STUDY, raw_of(raw, 0), raw / "dataset")
    monkeypatch.setattr(FunctionSamples, "VERSION", 2)
    prepare_shard(STUDY, raw_of(raw, 1), raw / "dataset")
    refuses(
        lambda: build_manifest(raw / "dataset", STUDY),
        "train-0000.h5: was made by version 1 of the recipe 'function', this Bevatron has version 2",
        "run the prepare stage again",
    )
    monkeypatch.undo()  # the older Bevatron once more: the other shard is the foreign one
    refuses(lambda: build_manifest(raw / "dataset", STUDY), "train-0001.h5", "version 2 of the recipe 'function'")


def test_another_division_into_splits_is_refused_by_name(dataset, monkeypatch):
    monkeypatch.setattr("bevatron.config.loading.code_versions.SPLIT_VERSION", 2)
    refuses(lambda: build_manifest(dataset, STUDY), "train-0000.h5", "version 1 of the division into splits")
    refuses(lambda: load_manifest(dataset / "manifest.json", dataset_digest(STUDY)), "division into splits")


@pytest.mark.parametrize(("component", "words"), [(Function, "source"), (FunctionSamples, "recipe")])
def test_a_manifest_of_an_older_version_is_refused_by_name(component, words, dataset, monkeypatch):
    monkeypatch.setattr(component, "VERSION", 3)
    path = dataset / "manifest.json"
    refuses(
        lambda: load_manifest(path, dataset_digest(STUDY)),
        f"manifest.json: was made by version 1 of the {words} 'function', this Bevatron has version 3",
    )
    assert load_manifest(path).code_versions[f"{words} function"] == 1  # it can still be looked at


@pytest.mark.parametrize("found", [None, "1", [1, 2], 1.0, -1])
def test_a_shard_that_names_no_version_is_refused(found, dataset):
    path = dataset.parent / "raw/shard-0000.h5"
    rewrite(path, source_version=found)
    refuses(lambda: prepare_shard(STUDY, path, dataset.parent / "new"), "shard-0000.h5", "source 'function'")
    for name, words in (("recipe_version", "recipe 'function'"), ("split_version", "division into splits")):
        kept = (dataset / "val-0001.h5").read_bytes()
        rewrite(dataset / "val-0001.h5", **{name: found})
        refuses(lambda: build_manifest(dataset, STUDY), "val-0001.h5", words)
        (dataset / "val-0001.h5").write_bytes(kept)


def test_a_manifest_that_names_no_versions_is_refused(dataset):
    path = dataset / "manifest.json"
    tree = json.loads(path.read_text())
    del tree["code_versions"]
    path.write_text(json.dumps(tree))
    refuses(lambda: load_manifest(path), "manifest.json: does not say which versions of source and recipe")


@pytest.mark.parametrize("version", [None, 0, -1, True, "1", 1.5])
def test_a_component_without_a_version_is_refused(version):
    attributes = {} if version is None else {"VERSION": version}
    register = Registry("recipe", "bevatron.prepare.recipes", versioned=True).register
    refuses(lambda: register("mine")(type("Mine", (), attributes)), "recipe 'mine'", "VERSION", "write VERSION = 1")
    register("mine")(type("Mine", (), {"VERSION": 1}))
    Registry("architecture", "bevatron.models").register("mine")(type("Mine", (), attributes))  # these have none


def test_the_command_line_tells_it_in_one_line(tmp_path):
    """A source of a person's own, dropped into its package, and named in a study."""
    program = (
        "import sys, types\n"
        "import bevatron.simulate.sources as package\n"
        "package.__path__.append(sys.argv.pop())\n"
        "from bevatron import cli\n"
        "cli.main()\n"
    )
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.py").write_text(
        "from bevatron.config.loading.kinds import Options, source\n\n\n"
        "@source('mine')\nclass Mine:\n    Options = Options\n"
    )
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("studies: [curve]\n")
    tree = json.loads(json.dumps(TREE)) | {"simulation": {"source": {"kind": "mine"}}}
    (tmp_path / "config" / "studies" / "curve.yaml").write_text(json.dumps(tree))
    command = ("simulate", "curve", "--shard", "0", "--output", "raw.h5", str(tmp_path / "own"))
    done = subprocess.run([sys.executable, "-c", program, *command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "source 'mine' (bevatron.simulate.sources.mine.Mine): has no VERSION" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_what_a_split_is_made_of_is_watched():
    """The hash and its cuts by an integer calculation of SplitMix64: another division must raise SPLIT_VERSION."""
    whole = 1 << 64

    def fraction(number):
        z = (number + 0x9E3779B97F4A7C15) % whole
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % whole
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % whole
        return ((z ^ (z >> 31)) >> 11) / 2**53

    numbers = [k * k << 20 | k for k in range(500)]
    assert split.uniform(np.array(numbers, np.uint64)).tolist() == [fraction(number) for number in numbers]
