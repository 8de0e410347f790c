"""The inspector sees damage that is put into a finished workflow by hand, and nothing where there is none."""

import json
import shutil

import h5py
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def place(reference, tmp_path):
    return reference.copy(tmp_path / "place").root


def test_an_undisturbed_workflow_is_whole(inspector, place):
    found = inspector.look(place)
    assert found.whole, found
    assert len(inspector.files) > 80
    assert len(inspector.weights) == 5


def test_a_changed_number_is_a_corrupt_file(inspector, place):
    path = place / "results" / "curve" / "models" / "net" / "runs.json"
    tree = json.loads(path.read_text())
    tree["runs"][0]["seconds"] += 1.0  # a time, which differs from run to run
    path.write_text(json.dumps(tree))
    assert inspector.look(place).whole
    tree["runs"][0]["best_val_loss"] += 1e-12
    path.write_text(json.dumps(tree))
    assert inspector.look(place).corrupt == ["results/curve/models/net/runs.json"]


def test_swapped_weights_are_other_weights(inspector, place):
    one, two = (
        place / "results" / "curve" / "models" / "net" / f"seed-{seed}" / "weights.safetensors" for seed in (0, 1)
    )
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    assert len(inspector.look(place).weights) == 2


def test_a_duplicated_sample_is_counted(inspector, place):
    with h5py.File(place / "results" / "tagging" / "dataset" / "train-0000.h5", "r+") as file:
        file["id"][1] = file["id"][0]
    found = inspector.look(place)
    assert (found.lost, found.duplicated) == (1, 1)
    assert found.corrupt == ["results/tagging/dataset/train-0000.h5"]


def test_a_sample_in_two_splits_is_counted(inspector, place):
    folder = place / "results" / "tagging" / "dataset"
    n = len(h5py.File(folder / "val-0000.h5")["id"])
    shutil.copy(folder / "val-0000.h5", folder / "test-0000.h5")
    found = inspector.look(place)
    assert found.duplicated == n
    assert found.lost > 0


@pytest.mark.parametrize("file", ["index.html", "tables/claims.csv", "plots/curve-fits.svg"])
def test_a_report_cut_short_is_corrupt(inspector, place, file):
    path = place / "results" / "report" / file
    path.write_bytes(path.read_bytes()[:-20])
    found = inspector.look(place)
    assert f"results/report/{file}" in found.corrupt


def test_a_missing_file_is_missing_unless_it_is_yet_to_come(inspector, place):
    name = "results/curve/search/searched/best.yaml"
    (place / name).unlink()
    assert inspector.look(place).missing == [name]
    assert inspector.look(place, yet_to_come=[name]).whole


def test_what_a_killed_writer_leaves_under_a_hidden_name_does_no_harm(inspector, place):
    (place / "results" / "curve" / "dataset" / ".manifest.json.host-123.abcd.part").write_text("{")
    found = inspector.look(place)
    assert found.whole
    assert len(found.leftovers) == 1
    (place / "results" / "curve" / "dataset" / "val-0003.h5").write_text("no shard of this study's")
    assert not inspector.look(place).whole
