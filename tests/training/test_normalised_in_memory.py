"""A fit normalises resident samples once and not at each step: with the same bits, and only where these are sure."""

import csv

import pytest
import torch
from image_jobs import TREE, write_images
from interruption import weights
from torch import Tensor

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.models.layers.inputs import InputGroup
from bevatron.models.layers.normalise import Normalise
from bevatron.store.readers.batch import RaggedBatch
from bevatron.training.data import DataModule
from bevatron.training.fit import fit
from bevatron.training.job import FitJob


@pytest.fixture
def job(curve, reading, tmp_path):
    def make(folder="fit", data_loading=reading, **values):
        fixed = {"training.epochs": 2, "training.batch_size": 100}
        model = curve.study.models["net"].with_values(fixed | {k.replace("__", "."): v for k, v in values.items()})
        return FitJob(curve.study, model, curve.manifest, 0, tmp_path / folder, data_loading, "cpu")

    return make


@pytest.fixture
def lists(flavours, tmp_path):
    def make(folder):
        model = flavours.study.models["lstm"].with_values({"training.epochs": 1, "normalise": "standard"})
        return FitJob(flavours.study, model, flavours.manifest, 0, tmp_path / folder, DataLoading(), "cpu")

    return make


@pytest.fixture
def in_memory(monkeypatch):
    """What each fit found out about its samples: whether they were normalised in memory."""
    found, original = [], DataModule.normalise_in_memory
    monkeypatch.setattr(
        DataModule, "normalise_in_memory", lambda self, normalise: found.append(original(self, normalise)) or found[-1]
    )
    return found


@pytest.fixture
def at_each_step(monkeypatch):
    return lambda: monkeypatch.setattr(DataModule, "normalise_in_memory", lambda self, normalise: False)


def losses(job):
    with (job.folder / "history.csv").open() as file:
        return [(row["train_loss"], row["val_loss"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("kind", ["standard", "rms"])
@pytest.mark.parametrize("batch_size", [100, "full"])
def test_once_and_at_each_step_end_with_the_same_bits(job, in_memory, at_each_step, kind, batch_size):
    once, each = (job(name, normalise=kind, training__batch_size=batch_size) for name in ("once", "each"))
    fit(once)
    assert in_memory == [True]
    at_each_step()
    fit(each)
    assert weights(once) == weights(each)
    assert losses(once) == losses(each)


def test_lists_end_with_the_same_bits(lists, in_memory, at_each_step):
    once, each = lists("once"), lists("each")
    fit(once)
    assert in_memory == [True]
    at_each_step()
    fit(each)
    assert weights(once) == weights(each)
    assert losses(once) == losses(each)


def test_a_fit_that_began_with_steps_that_normalise_goes_on_with_the_same_bits(job, in_memory, monkeypatch):
    """As one does that an earlier version began."""

    def interrupt(row):
        if row["epoch"] == 2:
            raise KeyError("interrupted")

    settings = {"normalise": "standard", "training__epochs": 4, "training__checkpoint_seconds": 1e-9}
    straight, broken = job("straight", **settings), job("broken", **settings)
    fit(straight)
    with monkeypatch.context() as patch:
        patch.setattr(DataModule, "normalise_in_memory", lambda self, normalise: False)
        with pytest.raises(KeyError):
            fit(broken, interrupt)
    assert fit(broken).continued == 1
    assert in_memory == [True, True]
    assert weights(broken) == weights(straight)


def test_what_cannot_keep_its_bits_is_normalised_at_each_step(job, in_memory, tmp_path):
    fit(job("robust", normalise="robust"))
    fit(job("none", normalise="none"))
    assert in_memory == []
    fit(job("streamed", DataLoading(memory_budget_gb=1e-6, block_rows=64), normalise="standard"))
    assert in_memory == [False]


def test_steps_that_change_their_samples_get_them_in_physical_units(tmp_path, in_memory):
    study = Study.model_validate(TREE)
    manifest = write_images(tmp_path / "data", study)
    network = {"kind": "convolutional", "kernel": 3, "channels": [2], "pool_after": [1], "widths": [4]}
    values = {"architecture": network, "training.epochs": 1, "training.augmentation": {"shift": 1}}
    model = study.models["net"].with_values(values)
    fit(FitJob(study, model, manifest, 0, tmp_path / "fit", DataLoading(), "cpu"))
    assert in_memory == []
    plain = model.with_values({"training.augmentation": None})
    fit(FitJob(study, plain, manifest, 0, tmp_path / "plain", DataLoading(), "cpu"))
    assert in_memory == [False]  # the images are sparse, and their empty pixels nowhere in memory


class Moments:
    def __init__(self, mean: float, std: float):
        self.mean, self.std = mean, std


@pytest.mark.parametrize("kind", ["standard", "rms"])
def test_values_in_place_are_those_of_any_cut_into_batches(kind):
    torch.manual_seed(0)
    groups = {
        "flat": InputGroup((5,), tuple("abcde")),
        "image": InputGroup((2, 3, 3), ("u", "v")),
        "lists": InputGroup((4, 3), tuple("xyz"), is_ragged=True),
    }
    moments = {name: {f: Moments(i + 0.3, 10.0**i / 7) for i, f in enumerate(g.features)} for name, g in groups.items()}
    normalise = Normalise(kind, groups, moments)
    values = {"flat": torch.randn(2_503, 5) * 1e3, "image": torch.rand(1_001, 2, 3, 3), "lists": torch.randn(4_001, 3)}

    def expected(name: str, part: Tensor) -> Tensor:
        lengths = torch.tensor([len(part)])
        ones = {"flat": values["flat"][:1], "image": values["image"][:1]}
        batch = ones | {"lists": RaggedBatch(values["lists"][:1], torch.tensor([1]))}
        batch[name] = RaggedBatch(part, lengths) if name == "lists" else part
        normalised = normalise(batch)[name]
        return normalised.values if isinstance(normalised, RaggedBatch) else normalised

    for name, numbers in values.items():
        parts = [expected(name, part) for part in numbers.split(97)]
        in_place = numbers.clone()
        normalise.normalise_in_place(name, in_place)
        assert torch.equal(torch.cat(parts).view(torch.int32), in_place.view(torch.int32))


def test_a_kind_whose_bits_depend_on_the_batch_is_refused():
    with pytest.raises(ValueError, match="robust"):
        Normalise("robust", {"x": InputGroup((1,), ("a",))}).normalise_in_place("x", torch.zeros(3, 1))
