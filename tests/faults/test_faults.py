"""A dozen of the benchmark's injections, one of every kind and some more; `python benchmarks/faults.py` makes 200."""

import random
from concurrent.futures import ThreadPoolExecutor

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
    stages = {"simulate", "prepare", "manifest", "observe", "search", "train", "evaluate", "report"}
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
