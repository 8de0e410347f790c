"""Each guide of docs/how-to/own-files: its study, copied from the page, reads the file that the page describes."""

import re
from pathlib import Path

import guide_files as files
import numpy as np
import pytest
import yaml

from bevatron.config.loading.load import load_study
from bevatron.config.loading.whole_dataset import needs_totals
from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.stage import evaluate_model
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.prepare.totals import write_totals
from bevatron.simulate.stage import simulate_shard
from bevatron.store.files.names import raw_shard
from bevatron.store.records.metrics import read_metrics
from bevatron.store.shards.manifest import load_manifest
from bevatron.train.stage import train_model

GUIDES = Path(__file__).parents[2] / "docs" / "how-to" / "own-files"
CASES = {
    "root.md my_jets": files.root,
    "root.md my_jets, RNTuple": lambda data: files.root(data, ntuple=True),
    "hdf5-compound.md my_tags": files.hdf5_compound,
    "hdf5-arrays.md my_tops": files.hdf5_arrays,
    "pandas.md my_reference": files.pandas_hdf5,
    "parquet.md my_hits": files.parquet,
    "csv.md my_higgs": files.csv,
    "csv.md my_higgs, gzip": lambda data: files.csv(data, compressed=True),
    "npz.md my_quarks": files.npz_lists,
    "npz.md my_galaxies": files.npz_images,
}
TRAINED = ("root.md my_jets", "parquet.md my_hits")  # the others have nothing that these do not try


def studies(page: str) -> dict[str, str]:
    """The text of each study of a page, by its name."""
    blocks = re.findall(r"^```yaml\n(name: (\w+)\n.*?)^```", (GUIDES / page).read_text(), re.M | re.S)
    return {name: text for text, name in blocks}


def test_each_study_of_the_guides_is_tried():
    found = {f"{page.name} {name}" for page in GUIDES.glob("*.md") for name in studies(page.name)}
    assert found == {case.partition(",")[0] for case in CASES}
    assert {page.name for page in GUIDES.glob("*.md")} - {"index.md"} == {case.split()[0] for case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_the_study_makes_a_dataset_of_the_file(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page, name = case.partition(",")[0].split()
    Path("data").mkdir()
    expected = CASES[case](Path("data"))
    Path(f"{name}.yaml").write_text(studies(page)[name])
    study = load_study(name, "demo", tmp_path)
    shards = [Path("raw") / raw_shard(k) for k in range(study.simulation.shards)]
    for k, raw in enumerate(shards):
        simulate_shard(study, k, raw)
    totals = Path("totals.json") if needs_totals(study) else None
    if totals is not None:
        write_totals(study, Path("raw"), totals)
    for raw in shards:
        prepare_shard(study, raw, Path("dataset"), totals)
    write_manifest(study, Path("dataset"))
    manifest = load_manifest(Path("dataset/manifest.json"))
    splits = list(manifest.splits)
    assert sum(manifest.n_samples(split) for split in splits) == expected.samples
    if expected.classes is not None:
        counts = np.sum([list(manifest.class_counts(split).values()) for split in splits], axis=0)
        assert tuple(counts) == expected.classes
        assert list(manifest.class_counts("train")) == yaml.safe_load(studies(page)[name])["task"]["classes"]
    if case in TRAINED:
        _train_and_evaluate(study, tmp_path)


def _train_and_evaluate(study, folder: Path) -> None:
    (model,) = study.models
    study = study.model_copy(update={"n_seeds": 1, "evaluation": study.evaluation.model_copy(update={"bootstrap": 10})})
    workflow = Workflow(studies=[study.name], runs_dir=str(folder / "runs"), accelerator="cpu")
    manifest = folder / "dataset" / "manifest.json"
    train_model(study, workflow, model, manifest, None, folder / "model")
    evaluate_model(study, workflow, model, manifest, folder / "model" / "runs.json", folder / "evaluation")
    metrics = read_metrics(folder / "evaluation" / "metrics.json", study.name, model)
    assert metrics.n_test > 0
