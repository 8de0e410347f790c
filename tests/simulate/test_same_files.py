"""One content under two names counts twice: in training and in the test. Every external source refuses it."""

import gzip
import json
import os
import shutil

import numpy as np
import pytest

from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.simulate.external.external_files import FileOptions, open_plain_or_gzip, refuse_changes
from bevatron.simulate.sources.cifar10 import Cifar10
from bevatron.simulate.sources.digits import Digits
from bevatron.simulate.stage import simulate_shard

JETS = "".join(json.dumps([20.0 + k, 0.5, (0, 4, 5)[k % 3], [1.0] * 8, [1.0] * 6, []]) + "\n" for k in range(300))
JSONL = {"kind": "jet_flavour_jsonl", "files": ["x*.json*"]}
CSV = {
    "kind": "table",
    "files": ["x*.json*"],
    "shard_mb": 0.001,  # a shard for each
    "groups": {"jet": {"features": ["pt"]}},
    "targets": {"flavour": {"classes": {"light": "y == 0", "charm": "y == 4", "beauty": "y == 5"}}},
}
TABLE = "pt,y\n" + "".join(f"{k}.5,{(0, 4, 5)[k % 3]}\n" for k in range(300))


def study(source, shards=2):
    return Study.model_validate(
        {
            "name": "mine",
            "title": "t",
            "summary": "s",
            "simulation": {"source": source, "shards": shards},
            "dataset": {"recipe": {"kind": "table" if source["kind"] == "table" else "jet_flavour"}},
            "task": {"kind": "classification", "target": "flavour", "classes": ["light", "charm", "beauty"],
                     "signal": "beauty"},
            "models": {"net": {"title": "net", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": []}}},
        }
    )  # fmt: skip


def copy(path, other):
    shutil.copy(path, other)


def packed(path, other):
    other.with_suffix(".json.gz").write_bytes(gzip.compress(path.read_bytes(), 1))


@pytest.mark.parametrize(("source", "text"), [(JSONL, JETS), (CSV, TABLE)], ids=["lines", "table"])
@pytest.mark.parametrize("again", [copy, os.link, packed, lambda path, other: os.symlink(path, other)])
def test_a_content_under_two_names_is_refused_before_it_is_read(tmp_path, monkeypatch, source, text, again):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x1.json").write_text(text)
    again(tmp_path / "x1.json", tmp_path / "x2.json")
    for shard in (0, 1):
        with pytest.raises(UserError, match=r"simulation.source.files: 'x1.json' and 'x2.json(.gz)?' "):
            simulate_shard(study(source), shard, "raw.h5")
    assert not (tmp_path / "raw.h5").exists()


def test_gzip_files_of_several_members_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    end = gzip.compress(b"1,0\n")
    for k in (1, 2):
        (tmp_path / f"x{k}.json.gz").write_bytes(gzip.compress(f"pt,y\n{k},4\n".encode()) + end)
    simulate_shard(study(CSV), 0, "raw.h5")


@pytest.mark.parametrize(("source", "text"), [(JSONL, JETS), (CSV, TABLE)], ids=["lines", "table"])
def test_the_manifest_refuses_a_file_that_became_a_copy(tmp_path, monkeypatch, source, text):
    monkeypatch.chdir(tmp_path)
    of_mine = study(source)
    (tmp_path / "x1.json").write_text(text)
    (tmp_path / "x2.json").write_text(text.replace("5", "6", 1))
    simulate_shard(of_mine, 0, "raw-0.h5")
    (tmp_path / "x2.json").write_text(text)
    (tmp_path / "x1.json").write_text(text + "\n")
    simulate_shard(of_mine, 1, "raw-1.h5")
    for k in (0, 1):
        prepare_shard(of_mine, f"raw-{k}.h5", tmp_path / "dataset")
    with pytest.raises(UserError, match=r"'x1.json' and 'x2.json' have the same content: its samples count twice"):
        write_manifest(of_mine, tmp_path / "dataset")
    assert not (tmp_path / "dataset" / "manifest.json").exists()


def test_splits_may_not_share_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(TABLE.replace("1.5", f"{len(name)}.25", 1) + "\n" * (name == "b"))
    for files in (
        {"train": ["*.csv"], "test": ["b.csv"]},
        {"train": ["a.csv"], "val": ["./b.csv"], "test": ["x/../b.csv"]},
    ):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(UserError, match=r"'.*b.csv' (is named twice|and '.*b.csv' are one file)"):
            simulate_shard(study({**CSV, "files": files}), 0, "raw.h5")


def test_training_and_test_images_may_not_be_the_same(tmp_path):
    image = b"\0\0\x08\x03" + np.array([3, 2, 2], ">u4").tobytes() + bytes(range(12))
    labels = b"\0\0\x08\x01" + np.array([3], ">u4").tobytes() + bytes([1, 2, 3])
    for part in ("train", "t10k"):
        (tmp_path / f"{part}-images.idx3-ubyte").write_bytes(image)  # as Kaggle has them
        (tmp_path / f"{part}-labels.idx1-ubyte").write_bytes(labels)
    options = Digits.Options(kind="digits", folder=str(tmp_path), validation=1)
    with pytest.raises(UserError, match="have the same content"):
        Digits().simulate(options, 0, 1)
    for k in range(6):
        name = f"data_batch_{k + 1}.bin" if k < 5 else "test_batch.bin"
        (tmp_path / name).write_bytes(bytes([k % 5]) + bytes(3072))
    with pytest.raises(UserError, match=r"'.*data_batch_1.bin' and '.*test_batch.bin' have the same content"):
        Cifar10().simulate(Cifar10.Options(kind="cifar10", folder=str(tmp_path), validation=1), 0, 1)


@pytest.mark.parametrize(
    "names", [("emnist-mnist-train", "emnist-mnist-test"), ("emnist-digits-train", "emnist-digits-test")]
)
def test_files_with_the_names_of_emnist_are_found(tmp_path, names):
    for k, part in enumerate(names):
        image = b"\0\0\x08\x03" + np.array([3, 2, 2], ">u4").tobytes() + bytes(range(k, 12 + k))
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(image))
        labels = b"\0\0\x08\x01" + np.array([3], ">u4").tobytes() + bytes([1, 2, 3])
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    samples, _ = Digits().simulate(Digits.Options(kind="digits", folder=str(tmp_path), validation=1), 0, 1)
    assert samples.targets["split"].tolist() == [0, 0, 1, 2, 2, 2]
    shutil.copy(tmp_path / f"{names[0]}-images-idx3-ubyte.gz", tmp_path / "emnist-letters-train-images-idx3-ubyte")
    with pytest.raises(UserError, match="holds several such files"):
        Digits().simulate(Digits.Options(kind="digits", folder=str(tmp_path), validation=1), 0, 1)


@pytest.mark.parametrize("change", ["write", "replace", "remove"])
def test_a_file_that_changes_while_it_is_read_is_told(tmp_path, change):
    path = tmp_path / "a.json"
    path.write_text(JETS)
    part = FileOptions(kind="any", files=[str(path)]).part(0)

    def change_it():
        if change == "write":
            path.write_text(JETS * 2)
        elif change == "replace":
            (tmp_path / "b.json").write_text(JETS)
            os.replace(tmp_path / "b.json", path)
        else:
            path.unlink()

    with pytest.raises(UserError, match=r"a.json: was (changed|removed) while it was read"), refuse_changes(part):
        change_it()


@pytest.mark.parametrize(
    ("name", "content"), [("x.xz", b"\xfd7zXZ\0\0\0"), ("x.bz2", b"BZh9" + b"x" * 99), ("x.gz", b"\x1f\x8b\x08")]
)
def test_damaged_compressed_files_are_told_in_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with (
        pytest.raises(UserError, match=r"is a (damaged )?(xz|bzip2|gzip) file"),
        open_plain_or_gzip(tmp_path / name) as file,
    ):
        file.read()
