"""A fit learns, repeats bit for bit, stops when told, and says when it diverges."""

import csv
import json
from dataclasses import replace

import pytest
import torch
from interruption import check_same_bits_after_an_interruption, weights

from bevatron.config.sections.workflow import DataLoading
from bevatron.errors import UserError
from bevatron.models.network import load_network
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.class_balance import class_weights
from bevatron.training.fit import fit, load_finished_fit
from bevatron.training.job import Diverged, FitJob
from bevatron.training.learning_rate import learning_rate


@pytest.fixture
def job(curve, reading, tmp_path):
    def make(folder="fit", seed=0, epochs=None, study=None, **values):
        model = curve.study.models["net"].with_values({k.replace("__", "."): v for k, v in values.items()})
        return FitJob(study or curve.study, model, curve.manifest, seed, tmp_path / folder, reading, "cpu", epochs)

    return make


def test_gradient_descent_finds_the_least_squares_line(job):
    """Without hidden layers and noise of width σ the loss ends at the closed-form minimum."""
    line = job(
        architecture__widths=[], architecture__dropout=0.0, training__epochs=500, training__validate_every=500,
        training__batch_size="full",
        training__learning_rate=0.3, training__checkpoint="last", normalise="standard",
    )  # fmt: skip
    result = fit(line)
    data = _split(line, "train"), _split(line, "val")
    (x, y), (xv, yv) = data
    a = torch.stack([x, torch.ones_like(x)], 1).double()
    solution = torch.linalg.lstsq(a, y.double().unsqueeze(1)).solution
    best = ((torch.stack([xv, torch.ones_like(xv)], 1).double() @ solution).squeeze(1) - yv).square().mean().item()
    assert result.last_val_loss == pytest.approx(best, rel=2e-2)


def _split(job, name):
    from bevatron.store.readers.reader import open_split

    with open_split(job.manifest_path, name, batch_size="full") as reader:
        batch = next(iter(reader.epoch(0, 0, shuffle=False)))
        return batch["inputs"]["x"].squeeze(1).clone(), batch["targets"]["y"].clone()


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(job):
    one, again, other = job("one"), job("again"), job("other", seed=1)
    for each in (one, again, other):
        fit(each)
    assert weights(one) == weights(again)
    assert weights(one) != weights(other)


def test_the_history_has_a_row_for_each_validation_and_the_best_is_published(job):
    made = job(training__epochs=12, training__validate_every=3)
    rows = []
    result = fit(made, rows.append)
    with (made.folder / "history.csv").open() as file:
        stored = list(csv.DictReader(file))
    assert [int(r["epoch"]) for r in stored] == [3, 6, 9, 12] == [r["epoch"] for r in rows]
    losses = {int(r["epoch"]): float(r["val_loss"]) for r in stored}
    assert result.best_val_loss == min(losses.values()) == losses[result.best_epoch]
    assert all(float(r["train_loss"]) > 0 for r in stored)
    assert list(made.folder.glob("best-*")) == []


def test_tensorboard_holds_the_same_curve(job):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    made = job()
    fit(made)
    events = EventAccumulator(str(made.folder / "tensorboard"))
    events.Reload()
    with (made.folder / "history.csv").open() as file:
        stored = [float(r["val_loss"]) for r in csv.DictReader(file)]
    assert [e.value for e in events.Scalars("val_loss")] == pytest.approx(stored)


def test_a_finished_fit_is_not_run_again(job):
    made = job()
    first = fit(made)
    assert fit(made, lambda row: pytest.fail("it ran again")) == first


def test_a_finished_fit_whose_weights_were_damaged_is(job):
    made = job()
    fit(made)
    good = weights(made)
    (made.folder / "weights.safetensors").write_bytes(good[:-1] + b"!")
    fit(made)
    assert weights(made) == good


@pytest.mark.parametrize(
    ("file", "old", "new"), [("result.json", '"best_epoch": ', '"best_epoch": 1'), ("history.csv", "1", "2")]
)
def test_a_finished_fit_that_tells_other_numbers_is_made_anew(job, file, old, new):
    first = job()
    result, bits = fit(first), weights(first)
    path = first.folder / file
    path.write_text(path.read_text().replace(old, new, 1))
    again = fit(first)
    assert (again.best_epoch, again.best_val_loss) == (result.best_epoch, result.best_val_loss)
    assert weights(first) == bits
    assert load_finished_fit(first) == again


def test_early_stopping_ends_a_fit_that_no_longer_improves(job):
    # at a vanishing rate nothing changes by more than min_delta after the first validation
    made = job(
        training__epochs=50, training__learning_rate=1e-9,
        training__early_stopping={"patience": 3, "min_delta": 1.0},
    )  # fmt: skip
    result = fit(made)
    assert result.stopped_early
    assert result.epochs == 4


def test_a_loss_that_is_no_number_is_told(job):
    with pytest.raises(Diverged, match="loss is"):
        fit(job(training__optimiser="sgd", training__learning_rate=1e6, normalise="none"))


def test_an_exception_of_the_listener_ends_the_fit_and_passes_through(job):
    class Enough(Exception):
        pass

    def listen(row):
        if row["epoch"] == 2:
            raise Enough

    made = job()
    with pytest.raises(Enough):
        fit(made, listen)
    assert not (made.folder / "result.json").exists()


@pytest.mark.parametrize("budget", [4.0, 1e-5], ids=["resident", "streaming"])
def test_an_interrupted_fit_ends_with_the_same_bits_with_both_readers(job, budget):
    reading = DataLoading(memory_budget_gb=budget, block_rows=64, buffer_blocks=2)
    made = job(training__checkpoint_seconds=1e-9, training__batch_size=7)  # 100 steps an epoch, two blocks
    check_same_bits_after_an_interruption(replace(made, data_loading=reading), epoch=4)


def test_a_manifest_of_another_configuration_is_refused(job, curve):
    other = curve.study.model_copy(update={"dataset": curve.study.dataset.model_copy(update={"compression": "none"})})
    with pytest.raises(UserError, match=r"manifest\.json"):
        fit(job(study=other))


def test_unknown_inputs_and_targets_are_told_with_the_known_ones(job):
    with pytest.raises(UserError, match=r"no input group 'pixels'; it has: x"):
        fit(job(inputs=["pixels"]))
    with pytest.raises(UserError, match=r"no target 'z'; it has: .*x_squared"):
        fit(job(target="z"))


def test_the_published_network_is_the_fitted_one(job, curve):

    from bevatron.training.fit import describe

    made = job()
    result = fit(made)
    spec = describe(made, load_manifest(curve.manifest))
    (made.folder / "model.json").write_text(json.dumps({"network": spec.as_payload()}))
    x, y = _split(made, "val")
    with torch.no_grad():
        loss = (load_network(made.folder)({"x": x.unsqueeze(1)}).squeeze(1) - y).square().mean()
    assert loss.item() == pytest.approx(result.best_val_loss, rel=1e-5)


def test_class_weights_make_every_class_count_the_same():
    weight = class_weights([60, 20])
    assert (weight * torch.tensor([60.0, 20.0])).tolist() == pytest.approx([40.0, 40.0])
    assert (class_weights([60, 0, 20]) * torch.tensor([60.0, 0.0, 20.0])).tolist() == pytest.approx([40.0, 0.0, 40.0])


def test_the_cosine_schedule_starts_at_the_rate_and_ends_at_zero(job):
    training = job(training__schedule="cosine", training__learning_rate=0.2).model.training
    assert learning_rate(training, 0, 100) == pytest.approx(0.2)
    assert learning_rate(training, 50, 100) == pytest.approx(0.1)
    assert learning_rate(training, 100, 100) == pytest.approx(0.0, abs=1e-12)
