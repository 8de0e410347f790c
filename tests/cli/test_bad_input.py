"""Bad input: one clear line (what, where, what to do), exit code 2, no traceback, and nothing half-written."""

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from bevatron import cli


@pytest.fixture
def place(curve, tmp_path, monkeypatch):
    """A copy of the small study's files, in a folder with its configuration."""
    shutil.copytree(curve.folder, tmp_path / "results")
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("studies: [curve]\naccelerator: cpu\n")
    tree = curve.study.model_dump(mode="json")
    (tmp_path / "config" / "studies" / "curve.yaml").write_text(yaml.safe_dump(tree))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bevatron(monkeypatch, capsys):
    """Runs a command in this process; gives the exit code and the lines that speak to the user."""

    def run(*arguments: str) -> tuple[int, list[str]]:
        logging.getLogger("bevatron").handlers.clear()  # the last call's standard error is gone
        monkeypatch.setattr(sys, "argv", ["bevatron", *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err + captured.out
        return exit_.value.code or 0, [x for x in captured.err.splitlines() if x.startswith("bevatron: ")]

    return run


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


TRAIN = ("train", "curve", "net", "--manifest", "results/dataset/manifest.json", "--output", "out")
PREPARE = ("prepare", "curve", "--raw", "results/raw/shard-0000.h5", "--output", "new")
MANIFEST = ("manifest", "curve", "--dataset", "results/dataset")
SIMULATE = ("simulate", "curve", "--shard", "0", "--output", "new/shard-0000.h5")


def refuses(bevatron, command, *words):
    code, lines = bevatron(*command)
    assert code == 2
    assert len(lines) == 1, lines
    for word in words:
        assert word in lines[0], lines[0]


def flip(path: Path, at: float = 0.5) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 0x10
    path.write_bytes(content)


def rewrite(place: Path, change) -> None:
    """Change the study's file."""
    path = place / "config" / "studies" / "curve.yaml"
    tree = yaml.safe_load(path.read_text())
    change(tree)
    path.write_text(yaml.safe_dump(tree))


def test_a_wrong_key(place, bevatron):
    rewrite(place, lambda tree: tree["models"]["net"]["training"].update(epoch=3))
    refuses(bevatron, ("validate",), "config/studies/curve.yaml", "models.net.training.epoch", "did you mean 'epochs'")


def test_a_wrong_value(place, bevatron):
    rewrite(place, lambda tree: tree["models"]["net"]["training"].update(batch_size=-1))
    refuses(bevatron, TRAIN, "config/studies/curve.yaml", "models.net.training.batch_size", "found -1")
    assert not (place / "out").exists()


def test_an_unknown_study_and_an_unknown_model(place, bevatron):
    refuses(bevatron, ("simulate", "quark", "--shard", "0", "--output", "x.h5"), "no study 'quark'", "curve")
    refuses(bevatron, (TRAIN[0], "curve", "ned", *TRAIN[3:]), "no model 'ned'", "net")


def test_a_missing_shard(place, bevatron):
    (place / "results" / "dataset" / "train-0000.h5").unlink()
    refuses(bevatron, TRAIN, "train-0000.h5")
    refuses(bevatron, ("verify", "results/dataset"), "train-0000.h5")
    refuses(bevatron, (*PREPARE[:3], "nowhere.h5", *PREPARE[4:]), "nowhere.h5")
    assert not (place / "out" / "runs.json").exists()


@pytest.mark.parametrize("fraction", [0.3, 0.9])
def test_a_truncated_shard(place, bevatron, fraction):
    for path in (place / "results" / "raw" / "shard-0000.h5", place / "results" / "dataset" / "train-0000.h5"):
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * fraction)])
    refuses(bevatron, PREPARE, "shard-0000.h5")
    assert not (place / "new").exists() or not any((place / "new").iterdir())
    refuses(bevatron, TRAIN, "train-0000.h5")
    refuses(bevatron, ("verify", "results/dataset"), "train-0000.h5")


@pytest.mark.parametrize("at", [0.02, 0.5, 0.97])
def test_a_flipped_bit(place, bevatron, at):
    flip(place / "results" / "dataset" / "train-0000.h5", at)
    refuses(bevatron, TRAIN, "train-0000.h5")
    refuses(bevatron, ("verify", "results/dataset"), "train-0000.h5")
    assert not (place / "out" / "runs.json").exists()


def test_a_flipped_bit_in_raw_data(place, bevatron):
    path = place / "results" / "raw" / "shard-0000.h5"
    with h5py.File(path) as file:
        found = []
        file["inputs"].visititems(lambda _, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
        chunk = found[0].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[chunk + 100] ^= 0x01
    path.write_bytes(content)
    refuses(bevatron, PREPARE, "shard-0000.h5")
    assert not (place / "new").exists() or not any((place / "new").iterdir())


def test_a_number_that_is_none(place, bevatron, monkeypatch):
    from bevatron.prepare.recipes.function import FunctionSamples

    honest = FunctionSamples.prepare

    def spoiled(self, options, raw, seed, training):
        samples = honest(self, options, raw, seed, training)
        samples.inputs["x"].column.values[41, 0] = np.nan
        return samples

    monkeypatch.setattr(FunctionSamples, "prepare", spoiled)
    refuses(bevatron, PREPARE, "x", "41")
    assert not (place / "new").exists() or not any((place / "new").iterdir())


def test_a_manifest_of_another_configuration(place, bevatron):
    rewrite(place, lambda tree: tree["dataset"]["recipe"]["noise"].update(y=6.0))
    refuses(bevatron, TRAIN, "manifest.json", "config")


def test_raw_events_of_another_configuration(place, bevatron):
    rewrite(place, lambda tree: tree["simulation"].update(seed=9))
    refuses(bevatron, PREPARE, "shard-0000.h5", "config")


def test_an_empty_class(place, bevatron):
    """Jets of which none is beauty: the manifest names the class and the split."""
    from bevatron.config.loading.code_versions import version_attributes
    from bevatron.config.loading.identity import dataset_digest
    from bevatron.config.loading.load import load_study
    from bevatron.store.shards.columns import Dense, Group, Samples
    from bevatron.store.shards.shard import write_shard

    def classify(tree):
        tree["task"] = {
            "kind": "classification",
            "target": "flavour",
            "classes": ["light", "charm", "beauty"],
            "signal": "beauty",
        }

    rewrite(place, classify)
    study = load_study("curve", "demo", place / "config" / "studies")
    digest = dataset_digest(study)
    for first, split in enumerate(("train", "val", "test")):
        ids = np.arange(10 * first, 10 * first + 10, dtype=np.uint64)
        group = Group(Dense(np.ones((10, 1), np.float32)), ("pt",), ("GeV",))
        samples = Samples({"x": group}, {"flavour": (np.arange(10) % 2).astype(np.int64)}, ids)
        attributes = {
            "study": "curve", "source": "function", "versions": {}, "digest": digest, "raw_digest": "r", "seed": 1,
            "shard": 0, "classes": ["light", "charm", "beauty"], **version_attributes(study),
        }  # fmt: skip
        write_shard(place / "new" / f"{split}-0000.h5", samples, attributes)
    refuses(bevatron, (*MANIFEST[:-1], "new"), "beauty")
    assert not (place / "new" / "manifest.json").exists()


def test_an_unwritable_folder(place, bevatron):
    (place / "new").write_text("a file where a folder should be")
    refuses(bevatron, SIMULATE, "new")
    refuses(bevatron, PREPARE, "new")
    (place / "out").write_text("likewise")
    refuses(bevatron, TRAIN, "out")


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 64 kB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(place, bevatron, tiny_disk):
    (tiny_disk / "ballast").write_bytes(b"x" * (60 << 10))
    before = sorted(p.name for p in tiny_disk.iterdir())
    refuses(bevatron, (*SIMULATE[:-1], str(tiny_disk / "shard-0000.h5")), "shard-0000.h5", "full")
    refuses(bevatron, (*PREPARE[:-1], str(tiny_disk)), "full")
    assert sorted(p.name for p in tiny_disk.iterdir()) == before


def test_what_was_there_stays_when_a_command_fails(place, bevatron):
    flip(place / "results" / "dataset" / "val-0000.h5")
    before = files(place / "results")
    bevatron(*MANIFEST)
    bevatron(*TRAIN)
    assert files(place / "results") == before


def test_a_real_process_says_one_line_and_exits_with_2(place):
    (place / "results" / "dataset" / "manifest.json").write_text("{")
    done = subprocess.run([sys.executable, "-m", "bevatron.cli", *TRAIN], capture_output=True, text=True, cwd=place)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("bevatron: results/dataset/manifest.json")
