"""The latent dimension of an auto-encoder: by its ranks, in two views, and where signal peaks."""

import json

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import roc_auc_score

from bevatron.config.sections.study import Study
from bevatron.config.sections.task import Regression
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.inspection.invariant import best_component, peak_area
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.evaluate.stage import evaluate_model
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.rank_agreement import rank_agreement, rank_correlation
from bevatron.evaluate.tasks.reconstruction import explained_variance
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.simulate.stage import simulate_shard
from bevatron.store.shards.dataset import load_dataset
from bevatron.train.stage import train_model

RNG = np.random.default_rng(8)
N = 1000


def bootstrap(n=N, replicas=50, weights=None):
    return Bootstrap(np.arange(n), replicas, "a" * 64, weights)


def test_rank_correlation_is_spearman_s():
    x = np.round(RNG.normal(size=N), 1)  # with ties
    y = x**3 + RNG.normal(size=N)
    assert rank_correlation(x, y, bootstrap())[0] == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
    assert rank_correlation(x, np.exp(-x), bootstrap())[0] == pytest.approx(-1.0)
    assert np.isnan(rank_correlation(x, np.ones(N), bootstrap())[0])


def test_the_error_of_a_rank_correlation_is_that_of_normal_numbers():
    """(1 - ρ²) / √n for Pearson's; of ranks it is a little larger."""
    x = RNG.normal(size=N)
    y = 0.8 * x + 0.6 * RNG.normal(size=N)
    found = rank_correlation(x, y, bootstrap(replicas=400))[1:].std()
    assert found == pytest.approx(0.36 / np.sqrt(N), rel=0.35)


def test_rank_agreement_is_the_variance_between_samples():
    common, views = RNG.normal(size=N), RNG.normal(size=(2, N))
    first, second = common + 0.5 * views
    pooled = rankdata(np.concatenate([first, second]))
    a, b = pooled[:N], pooled[N:]
    pearson = np.corrcoef(np.concatenate([a, b]), np.concatenate([b, a]))[0, 1]  # Fisher's intraclass correlation
    assert rank_agreement(first, second, bootstrap())[0] == pytest.approx(pearson, abs=1e-10)
    assert pearson == pytest.approx(0.8, abs=0.04)  # 1 / (1 + ¼), of normal numbers
    assert rank_agreement(first, first, bootstrap())[0] == pytest.approx(1.0)
    assert abs(rank_agreement(*views, bootstrap())[0]) < 0.1


def test_a_peak_is_found_whatever_function_is_applied():
    label = {split: RNG.integers(0, 2, 4000) for split in ("train", "test")}
    number = {s: np.where(of > 0, RNG.normal(0, 0.1, 4000), RNG.uniform(-2, 2, 4000)) for s, of in label.items()}
    found = peak_area(number, label, bootstrap(4000))[0]
    best = roc_auc_score(label["test"], -np.abs(number["test"]))  # which falls with the ratio of the densities
    assert found == pytest.approx(best, abs=0.02)
    bent = {split: np.exp(3 * values) for split, values in number.items()}
    assert peak_area(bent, label, bootstrap(4000))[0] == pytest.approx(found, abs=1e-12)
    noise = {split: RNG.normal(size=4000) for split in label}
    assert peak_area(noise, label, bootstrap(4000))[0] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("only", [0, 1])
def test_without_signal_or_background_there_is_no_peak(only):
    label = {split: np.full(200, only) for split in ("train", "test")}
    number = {split: RNG.normal(size=200) for split in label}
    assert np.isnan(peak_area(number, label, bootstrap(200))).all()
    assert best_component(RNG.normal(size=(200, 3)), label["train"]) in range(3)


def test_the_best_component_is_the_one_with_a_peak():
    label = RNG.integers(0, 3, 3000)
    inputs = RNG.uniform(-1, 1, (3000, 4))
    inputs[label == 2, 2] = RNG.normal(0.3, 0.05, np.count_nonzero(label == 2))
    assert best_component(inputs, label) == 2


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study of 1500 pairs, whose network has learned for some steps."""
    folder = tmp_path_factory.mktemp("pairs")
    study = Study.model_validate(
        {
            "name": "pairs",
            "title": "Pairs",
            "summary": "Pairs.",
            "simulation": {"source": {"kind": "resonances", "events": 1500}},
            "dataset": {"recipe": {"kind": "resonances"}, "split": {"train": 0.6, "val": 0.1, "test": 0.3}},
            "task": {
                "kind": "regression",
                "target": "boosted",
                "invariant": {"truth": "mass", "views": {"lab": "boosted"}, "label": "label"},
            },
            "n_seeds": 1,
            "models": {
                name: {
                    "title": name,
                    "inputs": ["lab"],
                    "architecture": {"kind": "autoencoder", "widths": [16], "latent": latent, "activation": "silu"},
                    "training": {"epochs": 3, "batch_size": 50, "learning_rate": 0.01},
                }
                for name, latent in (("one", 1), ("two", 2))
            },
            "evaluation": {"bootstrap": 20},
        }
    )
    raw, manifest = folder / "raw" / "shard-0000.h5", folder / "dataset" / "manifest.json"
    simulate_shard(study, 0, raw)
    prepare_shard(study, raw, manifest.parent)
    write_manifest(study, manifest.parent)
    return study, manifest, folder


def evaluated(made, model):
    study, manifest, folder = made
    workflow = Workflow(studies=["pairs"], accelerator="cpu")
    train_model(study, workflow, model, manifest, None, folder / "models" / model)
    evaluate_model(study, workflow, model, manifest, folder / "models" / model / "runs.json", folder / "out" / model)
    return json.loads((folder / "out" / model / "metrics.json").read_text())


def test_the_latent_dimension_is_measured_in_both_views(made):
    """Against the network's encoder on the shards' numbers, and SciPy and scikit-learn."""
    import torch

    from bevatron.models.network import load_network

    metrics = evaluated(made, "one")["metrics"]
    _, manifest, folder = made
    network = load_network(folder / "models" / "one" / "seed-0")
    columns = TestColumns(load_dataset(manifest, None))
    features = [f"{component}{k}" for k in (1, 2) for component in ("e", "px", "py", "pz")]
    lab, boosted = (
        torch.tensor(np.stack([columns.feature(frame, name) for name in features], axis=1), dtype=torch.float32)
        for frame in ("lab", "boosted")
    )
    mass = columns.target("mass")
    with torch.inference_mode():
        h, other = (network.architecture.encode(network.normalise({"lab": x}))[:, 0].numpy() for x in (lab, boosted))
    assert metrics["latent_rank"]["value"] == pytest.approx(abs(spearmanr(h, mass).statistic), abs=1e-6)
    pooled = rankdata(np.concatenate([h, other]))
    twice = np.concatenate([pooled[len(h) :], pooled[: len(h)]])
    assert metrics["latent_agreement"]["value"] == pytest.approx(np.corrcoef(pooled, twice)[0, 1], abs=1e-6)
    assert metrics["truth_peak"]["value"] > 0.8 > metrics["component_peak"]["value"]


def test_curves_are_spectra_of_all_classes(made):
    curves = evaluated(made, "one")["curves"]["invariant"]
    assert set(curves["spectra"]) == {"truth", "latent", "component"}
    for spectrum in curves["spectra"].values():
        assert set(spectrum["counts"]) == {"0", "1", "2"}
        assert sum(map(sum, spectrum["counts"].values())) > 0.9 * 0.3 * 1500 * 0.9


def test_several_latent_dimensions_are_no_single_number(made):
    record = evaluated(made, "two")
    assert "latent_rank" not in record["metrics"]
    assert "invariant" not in record["curves"]
    assert "r2" in record["metrics"]


def test_an_unknown_view_is_refused(made):
    study, manifest, folder = made
    wrong = study.task.model_copy(
        update={"invariant": study.task.invariant.model_copy(update={"views": {"lab": "moving"}})}
    )
    evaluated(made, "one")
    runs = folder / "models" / "one" / "runs.json"
    workflow = Workflow(studies=["pairs"], accelerator="cpu")
    with pytest.raises(UserError, match="has no input group 'moving'"):
        evaluate_model(study.model_copy(update={"task": wrong}), workflow, "one", manifest, runs, folder / "wrong")


def test_a_task_without_the_new_key_is_written_as_before():
    task = Regression(kind="regression", target="y")
    assert "invariant" not in task.model_dump()


def test_explained_variance_of_principal_components():
    """Against the sum of the largest eigenvalues; with weights, against repeated samples."""
    images = RNG.normal(size=(300, 6)) @ RNG.normal(size=(6, 6))
    centred = images - images.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, -2:]
    outputs = images.mean(0) + centred @ axes @ axes.T
    found = explained_variance(outputs[None], images, bootstrap(300))[0][0]
    assert found == pytest.approx(values[-2:].sum() / values.sum(), rel=1e-9)
    counts = RNG.integers(1, 4, 300)
    repeated = np.repeat(np.arange(300), counts)
    weighted = explained_variance(outputs[None], images, bootstrap(300, weights=counts.astype(float)))[0][0]
    copied = explained_variance(outputs[None, repeated], images[repeated], bootstrap(len(repeated)))[0][0]
    assert weighted == pytest.approx(copied, rel=1e-9)
