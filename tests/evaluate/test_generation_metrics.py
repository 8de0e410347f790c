"""Metrics of two generators made by hand: one that makes a single image, and one whose D knows nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from digit_jobs import job_of

from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.evaluation import EvaluationContext, Predictions
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.tasks.generation import GenerationEvaluation
from bevatron.models.network import Network, weights_bytes
from bevatron.store.files.publish import publish_json
from bevatron.store.shards.dataset import load_dataset
from bevatron.training.fit import MODEL, WEIGHTS, describe

CERTAIN = 0.7  # D's output before the sigmoid, of every image


@pytest.fixture(scope="module")
def measure(tmp_path_factory):
    """Two seeds are measured: seed 0's G ignores its noise, seed 1's does not; D says the same of all images."""
    folder = tmp_path_factory.mktemp("gan")
    job = job_of("gan", folder)
    dataset = load_dataset(job.manifest_path, None)
    spec = describe(job, dataset.manifest)
    spec = replace(spec, architecture=spec.architecture | {"spectral_normalisation": False})
    outputs, folders = [], []
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = Network(spec, dataset.manifest.statistics)
        gan = network.architecture
        with torch.no_grad():
            for number, layer in enumerate(gan.discriminator):
                if hasattr(layer, "bias"):
                    layer.bias.fill_(CERTAIN if number == len(gan.discriminator) - 1 else 0.0)
                    layer.weight.mul_(0.0)
            last = gan.generator[-1]
            last.weight.mul_(0.0 if seed == 0 else 30.0)
        for index, scale in enumerate((1.0, 0.5, 0.5) if seed else (1.0, 1.0, 1.0)):
            with torch.no_grad():
                last.weight.mul_(scale)
            gan.remember(index, index + 1, -1.0)
        place = folder / f"seed-{seed}"
        place.mkdir()
        (place / WEIGHTS).write_bytes(weights_bytes(network))
        publish_json(place / MODEL, {"network": spec.as_payload()})
        folders.append(place)
        outputs.append(np.full((160, 1), CERTAIN, np.float32))
    context = EvaluationContext(
        job.study, Workflow(studies=["digits_fit"], accelerator="cpu"), "net", dataset, tuple(folders), (0, 1)
    )
    predictions = Predictions(np.array(outputs), {}, np.arange(160, dtype=np.uint64))

    def metrics(weights=None):
        bootstrap = Bootstrap(predictions.id, 60, dataset.manifest.sha256, weights)
        return GenerationEvaluation().metrics(job.study.task, predictions, bootstrap, context)[0]

    return metrics


@pytest.fixture(scope="module")
def measured(measure):
    return measure()


def test_a_generator_of_one_image_has_no_variety(measured):
    assert measured["diversity"].per_seed[0] == pytest.approx(0.0, abs=1e-6)
    assert measured["classes_made"].per_seed[0] == pytest.approx(0.1)
    assert measured["spotted"].per_seed[0] > 0.95
    assert measured["spacing"].per_seed[0] == pytest.approx(0.0, abs=1e-6)
    assert measured["recall"].per_seed[0] < 0.05
    assert measured["collapsed"].per_seed[0] == 1.0


def test_a_d_that_says_the_same_of_all_is_right_for_half(measured):
    """It takes all for real, with probability p: V = ln p + ln(1 - p)."""
    assert measured["d_accuracy"].per_seed == (0.5, 0.5)
    p = 1 / (1 + math.exp(-CERTAIN))
    assert measured["saddle_point"].per_seed == pytest.approx([math.log(p) + math.log(1 - p)] * 2, rel=1e-5)


FLUCTUATING = ["frechet_distance", "frechet_distance.first", "frechet_distance.early", "frechet_distance.of_first"]
FLUCTUATING += [
    "frechet_distance.extrapolated",
    "frechet_distance_of_data",
    "memorisation",
    "diversity",
    "reference_accuracy",
]


def test_metrics_have_errors_from_the_sizes_of_the_samples(measured):
    assert all(metric.error is not None for metric in measured.values())
    for name in FLUCTUATING:
        assert np.std(measured[name].replicas) > 0, name
    for name in ("d_accuracy", "saddle_point"):  # here the same of all images
        assert np.std(measured[name].replicas) == pytest.approx(0.0, abs=1e-7), name


def test_nothing_is_lost_by_a_generator_that_does_not_change(measured):
    """Of seed 0 all remembered moments are the same."""
    assert measured["frechet_distance.lost"].per_seed[0] == pytest.approx(0.0, abs=1e-9)
    assert measured["frechet_distance.of_first"].per_seed[0] == pytest.approx(1.0)


def test_equal_weights_are_no_weights_and_a_weight_of_zero_is_no_image(measure, measured):
    same = measure(np.full(160, 2.5))
    for name, metric in measured.items():
        assert same[name].per_seed == pytest.approx(metric.per_seed, rel=1e-6, abs=1e-6), name
        assert same[name].error == pytest.approx(metric.error, rel=1e-4, abs=1e-6), name
    weights = np.ones(160)
    weights[80:] = 0.0
    assert measure(weights)["frechet_distance"].per_seed != measured["frechet_distance"].per_seed
