"""The page of a study with discriminants and profiles, from predictions that are drawn."""

import copy
import json
import shutil

import numpy as np
import pytest

from bevatron.config.sections.study import Study
from bevatron.csv_text import read_rows
from bevatron.evaluate.evaluation import Predictions
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.report.stage import write_study_page
from bevatron.store.shards.columns import Dense, Group, Samples
from bevatron.store.shards.dataset import load_dataset


def jets(rng, split, n=600):
    """Three flavours with a pt, weights, and an eta that no network reads and some jets do not have."""
    flavour = rng.integers(0, 3, n)
    pt, eta = rng.exponential(30, n) + 20, rng.normal(0, 1, n)
    eta[:7] = np.nan
    first = {"train": 0, "val": 1 << 20, "test": 2 << 20}[split]
    group = Group(Dense(pt[:, None].astype(np.float32)), ("pt",), ("GeV",))
    ids = np.arange(first, first + n, dtype=np.uint64)
    weight, observers = rng.uniform(0.5, 2, n), {"eta": eta.astype(np.float32)}
    return Samples({"jet": group}, {"flavour": flavour}, ids, weight=weight, observers=observers)


EVALUATION = {
    "bootstrap": 20,
    "discriminants": {"d_b": {"title": "D_b", "fractions": {"charm": 1, "light": 3}}},
    "working_points": [0.6, 0.8],
    "profiles": {
        "pt": {"title": "jet pt", "group": "jet", "feature": "pt", "n_bins": 3},
        "abs_eta": {"title": "|η|", "observer": "eta", "absolute": True, "bins": [0, 1, 9]},
    },
    "reference": "poor",
}
MODEL = {"inputs": ["jet"], "architecture": {"kind": "mlp", "widths": []}}
STUDY = {
    "name": "tagged",
    "title": "Tagged",
    "summary": "Jets.",
    "simulation": {"source": {"kind": "jets"}},
    "dataset": {"recipe": {"kind": "jets"}},
    "task": {"kind": "classification", "target": "flavour", "classes": ["light", "charm", "beauty"],
             "signal": "beauty"},
    "models": {"good": {"title": "Good", **MODEL}, "poor": {"title": "Poor", **MODEL}},
    "evaluation": EVALUATION,
}  # fmt: skip


@pytest.fixture(scope="module")
def tagged(publish_study, tmp_path_factory):
    """The study, its results, and its page."""
    study, folder, rng = Study.model_validate(STUDY), tmp_path_factory.mktemp("tagged"), np.random.default_rng(3)

    def predict(test):
        labels = test.targets["flavour"]
        logits = {name: [s * np.eye(3)[labels] + rng.normal(0, 1, (len(labels), 3)) for _ in range(2)]
                  for name, s in (("good", 2.5), ("poor", 1.0))}  # fmt: skip
        return {
            name: Predictions(np.stack(seeds).astype(np.float32), test.targets, test.id, weight=test.weight)
            for name, seeds in logits.items()
        }

    publish_study(folder / "results", study, lambda split: jets(rng, split), predict)
    write_study_page(study, "demo", folder / "results", folder / "page")
    return study, folder


def test_a_page_has_them_all_with_links_to_pdf_and_csv(tagged):
    _, folder = tagged
    page, names = (folder / "page" / "index.html").read_text(), {p.name for p in (folder / "page" / "plots").iterdir()}
    figures = ("roc", "roc-d_b", "score-d_b", "profile-pt-60", "profile-pt-80", "profile-abs_eta-60")
    for name in (f"tagged-{figure}" for figure in figures):
        assert {f"{name}.svg", f"{name}.pdf", f"{name}.csv"} <= names
        assert f'href="plots/{name}.pdf">PDF</a> · <a href="plots/{name}.csv">CSV</a>' in page
    assert "log[p(beauty) / (0.25 p(charm) + 0.75 p(light))]" in page
    assert "7 samples lie in no bin" in page
    assert "the ratio to Poor" in page
    assert "could not be" not in page


def test_the_numbers_beside_a_figure_are_those_of_a_loop_over_weighted_samples(tagged):
    folder = tagged[1]
    rows = [r for r in read_rows(folder / "page" / "plots" / "tagged-profile-pt-60.csv")
            if r["kind"] == "histogram" and r["title"] == "one cut" and r["series"] == "Poor"]  # fmt: skip
    table = TestColumns(load_dataset(folder / "results" / "tagged" / "dataset" / "manifest.json"))
    w, pt, labels = table.weights(), table.feature("jet", "pt"), table.target("flavour")
    metrics = json.loads((folder / "results" / "tagged" / "evaluation" / "poor" / "metrics.json").read_text())
    per_seed = metrics["curves"]["tagging"]["profiles"]["pt"]["points"]["60"]["global"]["light"]["per_seed"]
    found = [(float(r["x"]), float(r["x high"]), float(r["y"])) for r in rows if r["y axis"] == "light rejection"]
    assert len(found) == 3
    for k, (low, high, rejection) in enumerate(found):
        assert rejection == pytest.approx(1 / np.mean([seed[k] for seed in per_seed]), rel=1e-5)
        inside = (labels == 0) & (pt >= low * (1 - 1e-6)) & (pt <= high * (1 + 1e-6))
        steps = np.array(per_seed)[:, k] * w[inside].sum()
        assert all(np.isclose(steps, 0) | (steps >= w[inside].min() - 1e-4)), "sums of weights, not counts"
    assert {r["x axis"] for r in rows} == {"jet pt [GeV]"}
    assert metrics["metrics"]["rejection.light.at_60.by_d_b"]["value"] > 1


def test_what_an_older_evaluation_lacks_costs_its_figures_alone(tagged, tmp_path):
    folder = tagged[1]
    tree = copy.deepcopy(STUDY)
    tree["evaluation"]["discriminants"]["d_c"] = {"signal": "charm", "fractions": {"light": 1}}
    write_study_page(Study.model_validate(tree), "demo", folder / "results", tmp_path, "none")
    page = (tmp_path / "index.html").read_text()
    assert 'id="failed-tagged-roc-d_c"' in page
    assert (tmp_path / "plots" / "tagged-roc-d_b.svg").read_bytes() == (
        folder / "page" / "plots" / "tagged-roc-d_b.svg"
    ).read_bytes()


def test_without_pdf_an_earlier_pages_are_taken_away(tagged, tmp_path):
    study, folder = tagged
    shutil.copytree(folder / "page", tmp_path / "page")
    write_study_page(study, "demo", folder / "results", tmp_path / "page", "none")
    left = {path.name for path in (tmp_path / "page" / "plots").iterdir()}
    assert left == {p.name for p in (folder / "page" / "plots").iterdir() if p.suffix != ".pdf"}
    assert "PDF</a>" not in (tmp_path / "page" / "index.html").read_text()
