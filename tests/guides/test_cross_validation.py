"""docs/how-to/cross-validation.md: its study, copied from the page, gives every event a score, and its Python runs."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from bevatron.config.loading.load import load_study
from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.stage import evaluate_model
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.simulate.stage import simulate_shard
from bevatron.store.records.metrics import read_metrics
from bevatron.train.stage import train_model

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "cross-validation.md").read_text()


def test_the_study_of_the_page_is_cross_validated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (text,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
    (python,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    draw, n = np.random.default_rng(5), 400
    label, number = draw.integers(0, 2, n), np.arange(n)
    columns = {"run": number // 100, "event": number % 100, "pt": draw.exponential(20 + 20 * label), "label": label}
    Path("data").mkdir()
    pd.DataFrame(columns | {"mass": draw.normal(label)}).to_csv("data/events.csv", index=False)
    Path("my_folds.yaml").write_text(text)
    study = load_study("my_folds", "demo", tmp_path)

    simulate_shard(study, 0, Path("raw.h5"))
    prepare_shard(study, Path("raw.h5"), Path("dataset"))
    write_manifest(study, Path("dataset"))
    workflow, runs = Workflow(studies=["my_folds"], accelerator="cpu"), []
    for fold in range(study.dataset.folds):
        folder = Path("models") / f"fold-{fold}"
        train_model(study, workflow, "trees", Path(f"dataset/manifest-fold-{fold}.json"), None, folder)
        runs.append(folder / "runs.json")
    evaluate_model(study, workflow, "trees", Path("dataset/manifest.json"), runs, Path("evaluation"))
    metrics = read_metrics(Path("evaluation/metrics.json"), "my_folds", "trees")
    assert metrics.n_test == n
    assert metrics.metrics["accuracy"].value > 0.6

    names = {"event_numbers": number}
    exec(python, names)
    assert set(names["fold_of"](number, 5)) == set(range(5))
