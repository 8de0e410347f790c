"""Several workers fit what one fits: real processes, torch's own process group, killed and counted again."""

import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional
from worker_processes import WorkerProcesses, worker_processes

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.training.job import FitJob

pytestmark = pytest.mark.slow
WORKER = Path(__file__).with_name("ddp_worker.py")
EPOCHS = 20
STREAMED = {"memory_budget_gb": 1e-6, "block_rows": 64, "buffer_blocks": 3}


@pytest.fixture(scope="module")
def processes():
    with worker_processes() as found:
        yield found


@pytest.fixture(scope="module")
def workers(curve, processes, tmp_path_factory):
    return Workers(curve, processes, tmp_path_factory.mktemp("team"))


class Workers:
    """Fits of the study `curve` by teams of processes; 700 training samples in steps of 233, 233, 233 and 1."""

    def __init__(self, curve, processes: WorkerProcesses, folder: Path):
        self.processes = processes
        tree = curve.study.model_dump(mode="json")
        net = tree["models"]["net"]
        net["architecture"]["dropout"] = 0.0
        net["training"].update(batch_size=233, epochs=EPOCHS, checkpoint_seconds=0.001)
        self.study, self.manifest, self.folder = Study.model_validate(tree), curve.manifest, folder

    def run(self, name: str, size: int, strategy: str = "ddp", kill_after: int = 0, **reading: object) -> list[int]:
        """Run the workers until all have ended; their exit codes."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        job = self.folder / f"{name}.json"
        model = self.study.models["net"]
        fit = FitJob(self.study, model, self.manifest, 3, folder, DataLoading(**reading), "cpu")
        job.write_text(json.dumps(fit.as_payload()))
        errors = [self.folder / f"{name}-{rank}.err" for rank in range(size)]
        codes = self.processes.run(job, size, errors, strategy, kill_after)
        self.errors = [path.read_text() for path in errors]
        return codes

    def fitted(self, name: str, size: int, strategy: str = "ddp", **reading: object) -> dict:
        if (self.folder / name / "result.json").exists():
            return self.result(name)
        codes = self.run(name, size, strategy, **reading)
        assert codes == [0] * size, self.errors
        return self.result(name)

    def result(self, name: str) -> dict:
        return json.loads((self.folder / name / "result.json").read_text())["result"]

    def weights(self, name: str) -> dict[str, torch.Tensor]:
        return load_file(self.folder / name / "weights.safetensors")

    def losses(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / name / "history.csv")[["epoch", "step", "train_loss", "val_loss"]]


def same_but_for_rounding(workers: Workers, name: str, reference: str) -> None:
    """float32 sums in another order: 1e-4 after 80 steps; learning from other batches changes the third digit."""
    pd.testing.assert_frame_equal(workers.losses(name), workers.losses(reference), rtol=1e-4, check_exact=False)
    for key, expected in workers.weights(reference).items():
        torch.testing.assert_close(workers.weights(name)[key], expected, rtol=1e-3, atol=1e-4)


def test_any_number_of_workers_learns_the_same(workers):
    """Global batch constant: with three workers, the last batch of one sample leaves two of them without any."""
    one = workers.fitted("one", 1)
    for size in (2, 3):
        result = workers.fitted(f"team-{size}", size)
        assert (result["steps"], result["samples"]) == (one["steps"], one["samples"]) == (4 * EPOCHS, 700 * EPOCHS)
        assert result["workers"] == size
        same_but_for_rounding(workers, f"team-{size}", "one")


def test_shared_out_weights_learn_the_same(workers):
    """FSDP is another way to keep the weights, not another fit."""
    workers.fitted("one", 1)
    workers.fitted("fsdp", 2, "fsdp")
    same_but_for_rounding(workers, "fsdp", "one")


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_shared_out_weights_take_the_steps_of_every_optimiser(optimiser, curve, processes, tmp_path):
    workers = Workers(curve, processes, tmp_path)
    tree = workers.study.model_dump(mode="json")
    tree["models"]["net"]["training"].update(optimiser=optimiser, weight_decay=0.01)
    workers.study = Study.model_validate(tree)
    workers.fitted("one", 1)
    workers.fitted("fsdp", 2, "fsdp")
    same_but_for_rounding(workers, "fsdp", "one")


# Of 700 samples 117 · 3 make a step of three batches, and one of two with 117 and one of 115.
SCHEDULED = {
    "batch_size": 117, "accumulate": 3, "schedule": "one_cycle", "one_cycle": {"pct_start": 0.4}, "gradient_clip": 0.5,
}  # fmt: skip


def with_training(curve, processes, folder: Path, **values: object) -> Workers:
    workers = Workers(curve, processes, folder)
    tree = workers.study.model_dump(mode="json")
    tree["models"]["net"]["training"].update(values)
    workers.study = Study.model_validate(tree)
    return workers


def test_any_number_of_workers_accumulates_and_averages_the_same(curve, processes, tmp_path):
    workers = with_training(curve, processes, tmp_path, **SCHEDULED, weight_average={"decay": 0.9})
    one = workers.fitted("one", 1)
    assert (one["steps"], one["samples"]) == (2 * EPOCHS, 700 * EPOCHS)
    for size in (2, 3):
        workers.fitted(f"team-{size}", size)
        same_but_for_rounding(workers, f"team-{size}", "one")
    assert workers.run("killed", 2, kill_after=7)[1] == -9
    assert workers.fitted("killed", 2)["continued"] == 1
    killed, whole = (workers.folder / name / "weights.safetensors" for name in ("killed", "team-2"))
    assert killed.read_bytes() == whole.read_bytes()


def test_shared_out_weights_accumulate_the_same_and_have_no_average(curve, processes, tmp_path):
    workers = with_training(curve, processes, tmp_path, **SCHEDULED)
    workers.fitted("one", 1)
    workers.fitted("fsdp", 2, "fsdp")
    same_but_for_rounding(workers, "fsdp", "one")
    averaging = with_training(curve, processes, tmp_path, weight_average={})
    assert averaging.run("averaged", 2, "fsdp") == [1, 1]
    assert all("training.weight_average" in error and "which FSDP distributes" in error for error in averaging.errors)


def test_streamed_shares_learn_the_same(workers):
    workers.fitted("streamed-one", 1, **STREAMED)
    workers.fitted("streamed-two", 2, **STREAMED)
    same_but_for_rounding(workers, "streamed-two", "streamed-one")


def test_a_killed_team_goes_on_to_the_same_bytes(workers):
    workers.fitted("team-2", 2)
    codes = workers.run("killed", 2, kill_after=7)
    assert codes[1] == -9
    assert codes[0] not in (0, None), "the worker that is left must not call the fit finished"
    assert not (workers.folder / "killed" / "result.json").exists()
    assert workers.fitted("killed", 2)["continued"] == 1
    assert (workers.folder / "killed/weights.safetensors").read_bytes() == (
        workers.folder / "team-2/weights.safetensors"
    ).read_bytes()


@pytest.mark.parametrize(("before", "after"), [((2, "ddp"), (3, "ddp")), ((2, "fsdp"), (1, "ddp"))])
def test_a_fit_goes_on_with_another_number_of_workers(workers, before, after):
    """No sample is lost or learned twice at the change, so every round's loss is as if nothing had happened."""
    name = f"changed-{before[1]}-{after[0]}"
    assert workers.run(name, *before, kill_after=9)[-1] == -9
    result = workers.fitted(name, *after)
    assert (result["continued"], result["workers"]) == (1, after[0])
    workers.fitted("one", 1)
    same_but_for_rounding(workers, name, "one")


def test_shares_of_a_weighted_loss_add_up_to_the_whole():
    """The gradient of Σ w ℓ / Σ w over a batch is the workers' gradients, weighted by their fractions of Σ w."""
    from bevatron.training.tasks.classification import ClassificationLearner

    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(11, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 3, (11,), generator=generator)
    weights = torch.tensor([0.2, 1.0, 5.0], dtype=torch.float64)
    (expected,) = torch.autograd.grad(functional.cross_entropy(logits, labels, weights), logits)

    class Worker(ClassificationLearner):
        def __init__(self):
            torch.nn.Module.__init__(self)
            model = SimpleNamespace(training=SimpleNamespace(adversarial=None))
            self.job = SimpleNamespace(target="flavour", model=model)
            self.class_weights = weights
            self.loss_weights = None

    worker = Worker()
    fractions = [{"targets": {"flavour": labels[k::3]}, "id": labels[k::3]} for k in range(3)]
    total = sum(worker.weight(fraction) for fraction in fractions)
    loss = sum(worker.loss(logits[k::3], fractions[k]) * worker.weight(fractions[k]) / total for k in range(3))
    (found,) = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(found, expected)
