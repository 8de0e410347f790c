import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bevatron.config.loading import rule_facts
from bevatron.config.loading.identity import dataset_digest, external_files, raw_digest
from bevatron.config.loading.load import load_study
from bevatron.config.loading.rule_facts import load_facts
from bevatron.errors import UserError

STUDIES = Path(__file__).parents[2] / "config" / "studies"


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "state" / "studies.json"


@pytest.fixture
def validated(monkeypatch):
    """Names of the studies that were validated, in order."""
    names = []

    def load(name, *arguments):
        names.append(name)
        return load_study(name, *arguments)

    monkeypatch.setattr(rule_facts, "load_study", load)
    return names


@pytest.fixture
def folder(tmp_path):
    """A folder with the study `function` alone."""
    folder = tmp_path / "studies"
    folder.mkdir()
    (folder / "function.yaml").write_text((STUDIES / "function.yaml").read_text())
    return folder


def change(folder, key, value):
    path = folder / "function.yaml"
    payload = yaml.safe_load(path.read_text())
    payload[key] = value
    path.write_text(yaml.safe_dump(payload, sort_keys=False, allow_unicode=True))


def test_facts_are_those_of_the_validated_study(kept):
    facts = load_facts(["jets", "lartpc"], "demo", STUDIES, kept)
    jets = load_study("jets", "demo", STUDIES)
    found = facts["jets"]
    assert (found.raw, found.dataset) == (raw_digest(jets), dataset_digest(jets))
    assert found.shards == jets.simulation.shards
    assert list(found.models) == list(jets.models)
    for name, model in jets.models.items():
        assert found.models[name].threads == model.training.threads
        assert found.models[name].members == tuple(model.members)
        assert found.models[name].searched == (model.search is not None)
    assert len({model.settings for model in found.models.values()}) == len(jets.models)


def test_facts_are_the_same_from_the_file(kept, validated):
    names = ["function", "perceptron", "digits", "sky_gan"]
    first = load_facts(names, "demo", STUDIES, kept)
    again = load_facts(names, "demo", STUDIES, kept)
    assert again == first
    assert validated == names  # once each


def test_a_scale_has_its_own_facts(folder, kept, validated):
    demo = load_facts(["function"], "demo", folder, kept)
    paper = load_facts(["function"], "paper", folder, kept)
    assert load_facts(["function"], "demo", folder, kept) == demo != paper
    assert len(validated) == 2


def test_a_changed_study_is_validated_again(folder, kept, validated):
    before = load_facts(["function"], "demo", folder, kept)["function"]
    change(folder, "title", "Another curve")
    after = load_facts(["function"], "demo", folder, kept)["function"]
    assert len(validated) == 2
    assert after.whole != before.whole
    assert after.raw == before.raw
    change(folder, "title", ["many"])
    with pytest.raises(UserError, match="title"):
        load_facts(["function"], "demo", folder, kept)


def test_changed_code_validates_again(folder, kept, validated, monkeypatch):
    load_facts(["function"], "demo", folder, kept)
    monkeypatch.setattr(rule_facts, "_code_digest", lambda: "of another Bevatron")
    load_facts(["function"], "demo", folder, kept)
    assert len(validated) == 2


def test_the_digest_of_the_code_follows_every_module(tmp_path, monkeypatch):
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("A = 1\n")
    monkeypatch.setattr(rule_facts, "PACKAGE", tmp_path)
    digest = rule_facts._code_digest.__wrapped__
    before = digest()
    assert digest() == before
    (tmp_path / "two.py").write_text("A = 2\n")
    changed = digest()
    (tmp_path / "two.py").rename(tmp_path / "three.py")
    assert len({before, changed, digest()}) == 3


@pytest.mark.parametrize("content", ["", "[]", "{", '{"function demo": 3}', "null"])
def test_a_damaged_file_is_replaced(content, folder, kept, validated):
    facts = load_facts(["function"], "demo", folder, kept)
    kept.write_text(content)
    assert load_facts(["function"], "demo", folder, kept) == facts
    assert load_facts(["function"], "demo", folder, kept) == facts
    assert len(validated) == 2


@pytest.mark.parametrize("damage", [{"models": 3}, {"models": {"a": {}}}, {"more": 1}, {"reads": {"source": 3}}])
def test_facts_of_another_form_are_made_again(damage, folder, kept, validated):
    facts = load_facts(["function"], "demo", folder, kept)
    content = json.loads(kept.read_text())
    content["function demo"]["facts"] |= damage
    kept.write_text(json.dumps(content))
    assert load_facts(["function"], "demo", folder, kept) == facts
    assert len(validated) == 2


def test_a_folder_that_cannot_be_written_changes_nothing(folder, tmp_path):
    (tmp_path / "file").touch()
    kept = tmp_path / "file" / "studies.json"
    assert load_facts(["function"], "demo", folder, kept) == load_facts(["function"], "demo", folder, kept)


def test_external_files_are_looked_for_each_time(kept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    missing = load_facts(["digits"], "paper", STUDIES, kept)["digits"].missing
    assert missing is not None
    assert load_facts(["digits"], "paper", STUDIES, kept)["digits"].missing == missing
    study = load_study("digits", "paper", STUDIES)
    mnist = Path(study.simulation.source.folder)
    mnist.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (mnist / f"{name}-ubyte").touch()
    found = load_facts(["digits"], "paper", STUDIES, kept)["digits"]
    assert found.missing is None
    assert [list(files) for files in found.files] == external_files(study.simulation)


def test_known_studies_need_no_pytorch(kept):
    code = (
        "import sys; from pathlib import Path; from bevatron.config.loading.rule_facts import load_facts;"
        f"load_facts(['jets', 'lartpc', 'digits'], 'demo', Path({str(STUDIES)!r}), Path({str(kept)!r}));"
        "print('torch' in sys.modules, 'scipy' in sys.modules)"
    )
    said = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["True", "True"], ["False", "False"]]
