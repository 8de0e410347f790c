"""docs/how-to/apply.md: its commands, run one after another on the study of the guide for ROOT."""

import re
import shlex
from pathlib import Path

import guide_files
import numpy as np
import pandas as pd
import pytest
import uproot
import yaml
from test_guides import GUIDES, studies

from bevatron.cli import app
from bevatron.config.loading.load import load_study
from bevatron.config.sections.workflow import Workflow
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.simulate.stage import simulate_shard
from bevatron.train.stage import train_model

PAGE = (GUIDES.parent / "apply.md").read_text()
RUN = [
    line
    for line in re.findall(r"^bevatron apply .*$", PAGE, re.M)
    if not any(part in line for part in ("/export/", "jets/raw", "my_folds"))
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The study `my_jets`, its model trained with two seeds, and new files without labels."""
    place = tmp_path_factory.mktemp("guide")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        Path("data").mkdir()
        guide_files.root(Path("data"))
        tree = yaml.safe_load(studies("root.md")["my_jets"]) | {"n_seeds": 2}
        Path("my_jets.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
        study, results = load_study("my_jets", "demo", place), Path("results/my_jets")
        for number in range(study.simulation.shards):
            simulate_shard(study, number, results / "raw" / f"shard-{number:04d}.h5")
            prepare_shard(study, results / "raw" / f"shard-{number:04d}.h5", results / "dataset")
        write_manifest(study, results / "dataset")
        manifest, workflow = results / "dataset" / "manifest.json", Workflow(studies=["my_jets"], accelerator="cpu")
        train_model(study, workflow, "sums", manifest, None, results / "models" / "sums")
        for number, name in enumerate(("HToBB_000", "ZJetsToNuNu_000"), 1):
            with uproot.open(f"data/{name}.root") as file:
                columns = {key: values for key, values in file["tree"].arrays(library="ak", how=dict).items()
                           if not key.startswith(("label", "npart"))}  # fmt: skip
            with uproot.recreate(f"data/run_{number}.root") as file:
                file["tree"] = columns
    return place


def test_the_commands_do_what_the_page_says(place, monkeypatch):
    monkeypatch.chdir(place)
    assert len(RUN) == 4
    for line in RUN:
        words = [path for word in shlex.split(line)[1:] for path in (sorted(map(str, Path().glob(word))) or [word])]
        app(words, standalone_mode=False)
    with uproot.open("scores/run_1.root") as file:
        first = file["scores"].arrays(library="np")
    assert list(first) == ["entry", "jet_pt", "jet_sdmass", "passed", "p_qcd", "p_qcd_std", "p_hbb", "p_hbb_std"]
    with uproot.open("data/run_1.root") as file:
        pt = file["tree/jet_pt"].array(library="np")
    np.testing.assert_array_equal(first["jet_pt"].astype("f4"), pt)
    assert not first["passed"][pt <= 500].any()
    together = pd.read_parquet("all.parquet")
    np.testing.assert_array_equal(together["p_hbb"][together["file"] == 0], first["p_hbb"])
    assert len(together) == 2 * guide_files.N
    one = pd.read_csv("one.csv")
    assert list(one) == ["entry", "jet_eta", "passed", "p_qcd", "p_hbb", "logit_qcd", "logit_hbb"]
    assert sorted(path.name for path in Path("more").iterdir()) == ["run_1.h5", "run_2.h5"]


def test_the_section_of_the_page_is_one_of_the_study(place):
    (section,) = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(apply:\n.*?)^```", PAGE, re.M | re.S)]
    text = (place / "my_jets.yaml").read_text()
    (place / "more").mkdir(exist_ok=True)
    (place / "more" / "my_jets.yaml").write_text(text + yaml.safe_dump(section))
    study = load_study("my_jets", "demo", place / "more")
    assert study.apply["analysis"].options == ["--observer=jet_eta"]
    assert study.apply["analysis"].format == "parquet"
