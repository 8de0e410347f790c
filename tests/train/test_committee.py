"""A committee takes its members' trained networks, seed by seed, and is whole without them."""

import json
import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from bevatron import cli
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.stage import evaluate_model
from bevatron.models.layers.inputs import Padded
from bevatron.models.network import load_network
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_json
from bevatron.train.stage import train_model

MEMBERS = ("beauty_or_charm", "charm_or_light", "trees")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("committee")


@pytest.fixture(scope="module")
def workflow(place) -> Workflow:
    return Workflow(studies=["flavours"], runs_dir=str(place / "runs"), accelerator="cpu")


@pytest.fixture(scope="module")
def train(flavours, workflow, place) -> Callable[..., Path]:
    def call(model: str, folder: Path | None = None, **members: Path) -> Path:
        folder = folder or place / model
        train_model(flavours.study, workflow, model, flavours.manifest, None, folder, members=members)
        return folder / "runs.json"

    return call


@pytest.fixture(scope="module")
def members(train) -> dict[str, Path]:
    return {name: train(name) for name in MEMBERS}


@pytest.fixture(scope="module")
def committee(train, members) -> Path:
    return train("committee", **members)


def some_jets():
    torch.manual_seed(1)
    n_valid = torch.tensor([0, 2, 5, 1])
    tracks = torch.randn(4, 5, 2) * (torch.arange(5) < n_valid.unsqueeze(1)).unsqueeze(2)
    return {"jet": torch.randn(4, 2), "tracks": Padded(tracks, n_valid)}


def run(runs: Path, seed: int) -> dict:
    return json.loads(runs.read_text())["runs"][seed]


def test_each_seed_holds_its_members_of_the_same_seed_unchanged(committee, members):
    for seed in (0, 1):
        whole = load_network(committee.parent / f"seed-{seed}")
        for member, name in zip(whole.architecture.members, MEMBERS, strict=True):
            alone = load_network(members[name].parent / f"seed-{seed}")
            assert torch.equal(member(some_jets()), alone(some_jets()))
            told = run(committee, seed)["members"][name]
            assert told == run(members[name], seed)["files"]["weights.safetensors"]


def test_it_is_whole_without_its_members(committee, place, tmp_path):
    shutil.copytree(committee.parent / "seed-0", tmp_path / "moved")
    expected = load_network(committee.parent / "seed-0")(some_jets())
    assert torch.equal(load_network(tmp_path / "moved")(some_jets()), expected)


def test_it_is_evaluated_like_any_model_and_keeps_its_members_in_the_metrics(committee, flavours, workflow, tmp_path):
    evaluate_model(flavours.study, workflow, "committee", flavours.manifest, committee, tmp_path)
    tree = json.loads((tmp_path / "metrics.json").read_text())
    assert tree["metrics"]["auc.beauty_vs_rest"]["value"] > 0.7
    assert set(tree["runs"][0]["members"]) == set(MEMBERS)


def test_an_expert_is_evaluated_on_all_classes_with_finite_numbers(members, flavours, workflow, tmp_path):
    evaluate_model(flavours.study, workflow, MEMBERS[0], flavours.manifest, members[MEMBERS[0]], tmp_path)
    tree = json.loads((tmp_path / "metrics.json").read_text())
    assert tree["metrics"]["auc.beauty_vs_charm"]["value"] > 0.55


def test_another_member_s_weights_are_another_run(committee, train, members, flavours, tmp_path):
    """The member's two seeds are swapped, which changes the identity of every run."""
    name, folder = "charm_or_light", tmp_path / "swapped"
    shutil.copytree(members[name].parent, folder)
    tree = json.loads((folder / "runs.json").read_text())
    tree.pop("sha256")
    first, second = tree["runs"]
    tree["runs"] = [second | {"seed": 0}, first | {"seed": 1}]
    publish_json(folder / "runs.json", with_checksum(tree))
    again = train("committee", tmp_path / "out", **{**members, name: folder / "runs.json"})
    assert run(again, 0)["digest"] != run(committee, 0)["digest"]
    assert run(again, 0)["members"][name] == run(committee, 1)["members"][name]


def test_training_again_fits_nothing_and_gives_the_same_bytes(committee, train, members, tmp_path):
    assert train("committee", tmp_path, **members).read_bytes() == committee.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trees": None}, r"--member trees: .*needs this model's runs; run `bevatron train flavours trees` first"),
        ({"fisher": "trees"}, r"--member fisher: is no member of flavours/committee; its members: beauty_or_charm"),
        ({"trees": "charm_or_light"}, r"runs\.json: was made for the model 'charm_or_light', expected 'trees'"),
    ],
)
def test_members_that_are_missing_or_wrong_are_one_line(change, message, train, members, tmp_path):
    given = {**members, **{name: members.get(other) for name, other in change.items()}}
    with pytest.raises(UserError, match=message) as caught:
        train("committee", tmp_path, **{name: runs for name, runs in given.items() if runs})
    assert "\n" not in str(caught.value)


def test_a_damaged_member_is_refused_by_name(train, members, tmp_path):
    folder = tmp_path / "trees"
    shutil.copytree(members["trees"].parent, folder)
    weights = folder / "seed-1" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(UserError, match=r"seed-1/weights\.safetensors: does not match its SHA-256"):
        train("committee", tmp_path / "out", **{**members, "trees": folder / "runs.json"})


def test_the_command_takes_members_by_name(committee, flavours, members, workflow, tmp_path, monkeypatch, capsys):
    (tmp_path / "config" / "studies").mkdir(parents=True)
    settings = f"studies: [flavours]\naccelerator: cpu\nruns_dir: {workflow.runs_dir}\n"
    (tmp_path / "config" / "config.yaml").write_text(settings)
    study = flavours.study.model_dump(mode="json")
    (tmp_path / "config" / "studies" / "flavours.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    monkeypatch.chdir(tmp_path)

    def bevatron(*options: str) -> int:
        logging.getLogger("bevatron").handlers.clear()
        command = ["train", "flavours", "committee", "--manifest", str(flavours.manifest), "--output", "out", *options]
        monkeypatch.setattr(sys, "argv", ["bevatron", *command])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0

    assert bevatron(*(f"--member={name}={runs}" for name, runs in members.items())) == 0
    assert Path("out/runs.json").read_bytes() == committee.read_bytes()
    capsys.readouterr()
    assert bevatron("--member=trees") == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("give it as MODEL=path/to/runs.json")


def test_asked_for_several_workers_a_solved_model_takes_one(flavours, members, tmp_path):
    """No Ray is started for it: the files are those of one worker."""
    fresh = Workflow(studies=["flavours"], runs_dir=str(tmp_path / "runs"), accelerator="cpu")
    train_model(flavours.study, fresh, "trees", flavours.manifest, None, tmp_path / "out", workers=2)
    again = run(tmp_path / "out" / "runs.json", 1)
    assert again["files"]["weights.safetensors"] == run(members["trees"], 1)["files"]["weights.safetensors"]
    assert again["workers"] == 1
