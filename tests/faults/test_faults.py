"""A dozen of the benchmark's injections, and its inspector, who must see damage done by hand and nothing else.

`python benchmarks/faults.py` makes 200 injections. One file, so that one undisturbed run serves all these tests.
"""

import json
import random
import shutil
from concurrent.futures import ThreadPoolExecutor

import h5py
import pytest
from injection.outcome import Outcome, counts
from injection.place import Command, Reference
from injection.plan import KINDS, Injection, carry_out, draw
from injection.scene import Scene

INJECTIONS = (
    ("Ray's head killed", "raylet"),
    ("trial's process killed", "search curve searched"),
    ("Snakemake master killed", "evaluate"),
    ("stage killed", "train, once it saves its state"),
    ("live state damaged", "runs/*/*.ckpt for train"),
    ("killed while writing a checkpoint", "train: runs/*/*.ckpt: renamed"),
    ("killed while writing a result", "train: results/*/runs.json: flushed"),
    ("bit of a published file turned", "results/*/search/*/best.yaml for train"),
    ("published file cut short", "results/*/dataset/*-*.h5 for manifest"),
    ("disk full", "prepare"),
    ("stage killed", "simulate"),
    ("killed while writing the data set", "manifest: results/*/dataset/manifest.json: half written"),
)


def test_the_dozen_has_every_kind():
    assert {kind for kind, _ in INJECTIONS} == {kind.name for kind in KINDS}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("fork_server")  # commands that start by themselves are for the benchmark, which has the time
def test_nothing_is_broken_by_a_dozen_faults(reference, inspector, tmp_path):
    kinds = {kind.name: kind for kind in KINDS}
    drawn = [Injection(k, kinds[kind], target, f"test/{k}") for k, (kind, target) in enumerate(INJECTIONS)]
    assert all(i.target in i.kind.targets(reference) for i in drawn)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda i: carry_out(i, reference, inspector, tmp_path), drawn))
    assert not any(counts(outcomes).values()), [o.as_dict() for o in outcomes if o.faulty]
    skipped = [o for o in outcomes if o.skipped]
    assert all(o.kind == "disk full" for o in skipped), skipped
    assert all(o.injected for o in outcomes if not o.skipped)


def test_a_seed_stands_for_its_injections(tmp_path):
    reference = Reference(tmp_path)
    drawn = draw(7, 200, reference)
    assert len(drawn) == 200
    assert drawn == draw(7, 200, reference)
    assert drawn != draw(8, 200, reference)
    assert {i.kind.name for i in drawn} == {kind.name for kind in KINDS}
    targets = {i.target for i in drawn if i.kind.name == "stage killed"}
    stages = {"simulate", "prepare", "manifest", "observables", "search", "train", "evaluate", "report_study", "report"}
    assert stages <= targets


@pytest.mark.slow
def test_a_success_that_is_none_is_counted(reference, inspector, tmp_path):
    """A command that ends with 0 and has made nothing, and one that refuses without a word."""
    outcome = Outcome(1, "pretended", "manifest")
    scene = Scene(reference, inspector, tmp_path / "place", outcome, "seed")
    scene.place.remove(random.Random(1).choice(reference.of_stage("manifest")))
    scene.judge(Command(["true"], scene.root, tmp_path / "log"), "pretended")
    assert (outcome.false_successes, outcome.crashes) == (1, 0)
    scene.judge(Command(["false"], scene.root, tmp_path / "log"), "pretended")
    assert (outcome.false_successes, outcome.crashes) == (1, 1)


@pytest.fixture
def place(reference, tmp_path):
    return reference.copy(tmp_path / "place").root


@pytest.mark.slow
def test_an_undisturbed_workflow_is_whole(inspector, place):
    found = inspector.look(place)
    assert found.whole, found
    assert len(inspector.files) > 80
    assert len(inspector.weights) == 5


@pytest.mark.slow
def test_a_changed_number_is_a_corrupt_file(inspector, place):
    path = place / "results" / "curve" / "models" / "net" / "runs.json"
    tree = json.loads(path.read_text())
    tree["runs"][0]["seconds"] += 1.0  # a time, which differs from run to run
    path.write_text(json.dumps(tree))
    assert inspector.look(place).whole
    tree["runs"][0]["best_val_loss"] += 1e-12
    path.write_text(json.dumps(tree))
    assert inspector.look(place).corrupt == ["results/curve/models/net/runs.json"]


@pytest.mark.slow
def test_a_digest_that_was_damaged_on_purpose_makes_no_other_file_corrupt(inspector, place):
    """The bit that an injection turns may be one of the digest of a file that is whole."""
    path = place / "results" / "curve" / "models" / "net" / "runs.json"
    tree = json.loads(path.read_text())
    tree["runs"][0]["files"]["history.csv"] = "0" * 64  # it has times, so every run has another
    path.write_text(json.dumps(tree))
    name = "results/curve/models/net/runs.json"
    assert inspector.look(place).corrupt == ["results/curve/models/net/seed-0/history.csv"]
    assert inspector.look(place, damaged_on_purpose=[name]).whole


@pytest.mark.slow
def test_swapped_weights_are_other_weights(inspector, place):
    one, two = (
        place / "results" / "curve" / "models" / "net" / f"seed-{seed}" / "weights.safetensors" for seed in (0, 1)
    )
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    assert len(inspector.look(place).weights) == 2


@pytest.mark.slow
def test_a_duplicated_sample_is_counted(inspector, place):
    with h5py.File(place / "results" / "tagging" / "dataset" / "train-0000.h5", "r+") as file:
        file["id"][1] = file["id"][0]
    found = inspector.look(place)
    assert (found.lost, found.duplicated) == (1, 1)
    assert found.corrupt == ["results/tagging/dataset/train-0000.h5"]


@pytest.mark.slow
def test_a_sample_in_two_splits_is_counted(inspector, place):
    folder = place / "results" / "tagging" / "dataset"
    n = len(h5py.File(folder / "val-0000.h5")["id"])
    shutil.copy(folder / "val-0000.h5", folder / "test-0000.h5")
    found = inspector.look(place)
    assert found.duplicated == n
    assert found.lost > 0


@pytest.mark.parametrize(
    "file", ["index.html", "tables/claims.csv", "curve/index.html", "curve/claims.json", "curve/plots/curve-fits.svg"]
)
@pytest.mark.slow
def test_a_report_cut_short_is_corrupt(inspector, place, file):
    path = place / "results" / "report" / file
    path.write_bytes(path.read_bytes()[:-20])
    found = inspector.look(place)
    assert f"results/report/{file}" in found.corrupt


@pytest.mark.slow
def test_a_missing_file_is_missing_unless_it_is_yet_to_come(inspector, place):
    name = "results/curve/search/searched/best.yaml"
    (place / name).unlink()
    assert inspector.look(place).missing == [name]
    assert inspector.look(place, yet_to_come=[name]).whole


@pytest.mark.slow
def test_what_a_killed_writer_leaves_under_a_hidden_name_does_no_harm(inspector, place):
    (place / "results" / "curve" / "dataset" / ".manifest.json.host-123.abcd.part").write_text("{")
    found = inspector.look(place)
    assert found.whole
    assert len(found.leftovers) == 1
    (place / "results" / "curve" / "dataset" / "val-0003.h5").write_text("no shard of this study's")
    assert not inspector.look(place).whole
