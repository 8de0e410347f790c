"""Operations of networks over images, counted by hand, and the plan that grows with them."""

from pathlib import Path

import pytest

from bevatron.config.loading.kinds import SOURCES
from bevatron.config.loading.load import load_study
from bevatron.config.sections.task import Reconstruction, Regression
from bevatron.plan.operations import count_operations, estimate_growth, estimate_larger_samples

STUDIES = Path(__file__).parents[2] / "config" / "studies"


def lenet(n, n_outputs=5):
    """5 × 5 kernels without padding on n × n pixels, 2 × 2 pools between, then 120, 84 and n_outputs units."""
    a, b = n - 4, (n - 4) // 2 - 4
    return a**2 * 6 * 25 + b**2 * 16 * 6 * 25 + (b // 2) ** 2 * 16 * 120 + 120 * 84 + 84 * n_outputs


def test_lenet_by_hand():
    study = load_study("lartpc", "demo", STUDIES)
    n = study.dataset.recipe.window.size // study.dataset.recipe.images["lores_one"].rebin
    assert count_operations(study, study.models["lenet"]) == lenet(n)


def test_growth_from_demo_to_paper():
    planned, measured = (load_study("lartpc", scale, STUDIES) for scale in ("paper", "demo"))
    found = estimate_growth(planned, measured)
    assert set(planned.models) - set(found) == {"resnet", "inception_resnet"}  # of the paper's scale alone
    assert found["lenet"] == pytest.approx(lenet(288) / lenet(36))
    assert found["googlenet_hires"] > 30 * (576 / 72) ** 2  # sixteen times as wide, too
    assert estimate_growth(measured, measured)["mlp"] == 1.0


def test_images_of_the_whole_detector_and_detectors():
    planned, measured = (load_study("lartpc_interaction", scale, STUDIES) for scale in ("paper", "demo"))
    assert estimate_growth(planned, measured)["faster_rcnn"] > 4


def test_other_studies_do_not_grow():
    study = load_study("jets", "demo", STUDIES)
    assert estimate_growth(study, study) == {}


def test_networks_over_images_of_tasks_without_classes():
    """A regression has one output; that of a reconstruction depends on the dataset, so nothing is said of it."""
    study = load_study("lartpc", "demo", STUDIES)
    n = study.dataset.recipe.window.size // study.dataset.recipe.images["lores_one"].rebin
    regression = Regression(kind="regression", target="energy", truth="true_energy", x="energy")
    reconstruction = Reconstruction(kind="reconstruction", target="clean")
    assert count_operations(study.model_copy(update={"task": regression}), study.models["lenet"]) == lenet(n, 1)
    assert count_operations(study.model_copy(update={"task": reconstruction}), study.models["lenet"]) is None


def test_mnist_is_larger_than_the_digits_of_scikit_learn():
    """Whether its files are there or not: 70,000 images of 28 × 28 pixels instead of 1,797 of 8 × 8."""
    planned, measured = (load_study("digits", scale, STUDIES) for scale in ("paper", "demo"))
    growth = estimate_growth(planned, measured)
    assert growth["linear"] == pytest.approx(784 / 64)
    assert growth["mlp"] > 100  # wider, too
    source = SOURCES["digits"]()
    assert source.events(planned.simulation.source) == {"train": 50_000, "val": 10_000, "test": 10_000}
    assert source.events(measured.simulation.source) == 1797
    changed = 64 + 16 + 64  # pixels of a sample in all its versions: as it is, halved, and these repeated
    assert estimate_larger_samples(planned, measured) == pytest.approx(784 * changed / 64 / changed)
    jets = load_study("jets", "demo", STUDIES)
    assert estimate_larger_samples(jets, jets) == 1.0


def test_files_that_are_there_say_their_size(tmp_path):
    for name, n in (("train-images-idx3-ubyte", 500), ("t10k-images-idx3-ubyte", 70)):
        head = b"".join(number.to_bytes(4, "big") for number in (0x803, n, 12, 14))
        (tmp_path / name).write_bytes(head)
    source = SOURCES["digits"]()
    options = source.Options(kind="digits", folder=str(tmp_path), validation=100)
    assert source.events(options) == {"train": 400, "val": 100, "test": 70}
    assert source.image_shape(options) == (1, 12, 14)
