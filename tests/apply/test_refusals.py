"""What is refused: one line that says where, what and what to do, and nothing is written."""

import json
import os
import shutil
import sys

import numpy as np
import pytest
from applied import jets, write_root

from bevatron import cli
from bevatron.apply.stage import apply_model
from bevatron.errors import UserError
from bevatron.store.files.checksum import with_checksum


@pytest.fixture
def model(made, tmp_path):
    """A copy of a trained model's folder, to be damaged."""
    return shutil.copytree(made.model("mlp"), tmp_path / "model")


@pytest.fixture
def data(tmp_path):
    return write_root(tmp_path / "data.root", jets(60, 7, truth=False))


def refused(match: str, model, files, output, **options) -> None:
    before = output.read_bytes() if output.is_file() else None
    with pytest.raises(UserError, match=match) as caught:
        apply_model(model, files, output, **options)
    assert "\n" not in str(caught.value)
    assert (output.read_bytes() if output.is_file() else None) == before
    assert not list(output.parent.glob(".*.part"))


def change(path, **fields) -> None:
    """Other values in a published file, with the checksum of a file that was made so."""
    payload = json.loads(path.read_text()) | fields
    path.write_text(json.dumps(with_checksum(payload)))


def test_an_output_that_exists(made, data, tmp_path):
    output = tmp_path / "scores.root"
    output.write_bytes(b"mine")
    refused(
        r"scores\.root: exists; remove it, name another output, or give --overwrite", made.model("mlp"), [data], output
    )
    apply_model(made.model("mlp"), [data], output, overwrite=True)
    assert output.read_bytes()[:4] == b"root"


def test_an_output_that_appears_meanwhile(made, data, tmp_path, monkeypatch):
    from bevatron.apply.writers import root

    class Slow(root.RootWriter):
        def close(self) -> None:
            super().close()
            (tmp_path / "scores.root").write_bytes(b"of another process")

    monkeypatch.setattr(root, "RootWriter", Slow)
    with pytest.raises(UserError, match="exists"):
        apply_model(made.model("mlp"), [data], tmp_path / "scores.root")
    assert (tmp_path / "scores.root").read_bytes() == b"of another process"


def test_the_input_is_not_overwritten(made, data, tmp_path):
    refused(r"is one of the files to be read", made.model("mlp"), [data], data, overwrite=True)
    os.link(data, tmp_path / "link.root")
    refused(r"is one of the files to be read", made.model("mlp"), [data], tmp_path / "link.root", overwrite=True)


def test_two_files_with_one_output(made, data, tmp_path):
    (tmp_path / "other").mkdir()
    twin = shutil.copy(data, tmp_path / "other" / "data.root")
    refused(r"data\.root: would hold the scores of .* and of ", made.model("mlp"), [data, twin], tmp_path / "out")


@pytest.mark.parametrize("lost", ["pt", "trk_z0", "met"])
def test_a_file_without_a_branch(lost, made, data, tmp_path):
    """The second file lacks what an input or the selection is made from: not even the first is scored."""
    columns = jets(60, 8, truth=False)
    columns[f"{lost}_x"] = columns.pop(lost)
    worse = write_root(tmp_path / "worse.root", columns)
    match = rf"worse\.root: has no column '{lost}'; did you mean '{lost}_x'\?"
    refused(match, made.model("mlp"), [data, worse], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_observer_that_the_file_does_not_have(made, data, tmp_path):
    output = tmp_path / "scores.root"
    refused(r"has no column 'phi'; ", made.model("mlp"), [data], output, observers=["phi"])
    refused(r"has no column 'flav'", made.model("mlp"), [data], output, observers=["true_flavour"])
    refused(r"'trk_d0' holds a list in each row", made.model("mlp"), [data], output, observers=["trk_d0"])


def test_observers_with_the_name_of_a_score(made, tmp_path):
    path = write_root(tmp_path / "data.root", jets(60, 7) | {"passed": np.zeros(60), "p_light": np.zeros(60)})
    refused(r"'passed' is the name of a column", made.model("mlp"), [path], tmp_path / "o.root", observers=["passed"])


def test_a_model_of_an_earlier_bevatron(model, data, tmp_path):
    (model / "preprocessing.json").unlink()
    match = (
        r"preprocessing\.json: is missing; run `bevatron train applied mlp`.*; a model of an earlier Bevatron gets it"
    )
    refused(match, model, [data], tmp_path / "scores.root")


def test_damaged_parts_of_a_model(model, data, tmp_path):
    output, path = tmp_path / "scores.root", model / "preprocessing.json"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"2.5", b"3.5"))
    refused(r"preprocessing\.json: its content does not match its own digest", model, [data], output)
    path.write_bytes(whole[: len(whole) // 2])
    refused(r"preprocessing\.json: cannot be read: it is no JSON", model, [data], output)
    path.write_bytes(whole)
    weights = model / "seed-1" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    refused(r"weights\.safetensors: does not match its SHA-256", model, [data], output)


def test_parts_of_other_trainings(model, data, tmp_path):
    """Another dataset, settings that are not the dataset's, other features, another version of the recipe."""
    output, path = tmp_path / "scores.root", model / "preprocessing.json"
    whole, record = path.read_bytes(), json.loads(path.read_bytes())
    change(path, manifest_sha256="0" * 64)
    refused(r"was made for the dataset \(manifest\) 000000000000…", model, [data], output)
    path.write_bytes(whole)
    change(path, settings=record["settings"].replace("pt > 30", "pt > 20"))
    refused(r"its settings are those of the dataset", model, [data], output)
    path.write_bytes(whole)
    change(path, settings="[" * 100_000)
    refused(r"preprocessing\.json: is no description", model, [data], output)
    path.write_bytes(whole)
    change(path, code_versions=record["code_versions"] | {"recipe table": 99})
    refused(r"was made by version 99 of the recipe 'table'", model, [data], output)
    path.write_bytes(whole)
    record["groups"]["jet"]["features"] = record["groups"]["jet"]["features"][::-1]
    change(path, groups=record["groups"])
    refused(r"reads jet: pt, abs_eta.* makes jet: .*, abs_eta, pt", model, [data], output)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{model}/none", "{data}", "--output", "o.root"], ["no such file or folder", "results/STUDY/models/MODEL"]),
        (["{model}", "{data}", "--output", "o.root", "--seed", "7"], ["has no seed 7", "it has: 0, 1"]),
        (["{model}/seed-0", "{data}", "--output", "o.root", "--seed", "1"], ["has no seed 1"]),
        (["{model}", "none.root", "--output", "o.root"], ["none.root", "no such file"]),
        (["{model}", "{data}", "--output", "o.root", "--format", "hdf"], ["--format", "root, parquet, h5, csv"]),
        (["{model}", "{data}", "--output", "o.root", "--format", "csv"], ["ends as root"]),
        (["{model}", "{data}", "--output", "{model}/runs.json"], ["is a file of no known format"]),
        (["{model}", "{data}", "--output", "o.root", "--tree", "jet"], ["has no tree 'jet'"]),
        (["{data}", "{data}", "--output", "o.root"], ["holds no runs.json"]),
    ],
)
def test_the_command_ends_with_code_2(arguments, words, model, data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = [text.format(model=model, data=data) for text in arguments]
    monkeypatch.setattr(sys, "argv", ["bevatron", "apply", *given])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("bevatron: ")]
    assert ended.value.code == 2
    assert len(lines) == 1
    assert all(word in lines[0] for word in words), lines
    assert not (tmp_path / "o.root").exists()
