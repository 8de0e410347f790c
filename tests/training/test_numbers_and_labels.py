"""Losses of several numbers, of Gaussians and of labels beside PyTorch's own; fits that are interrupted."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from interruption import check_same_bits_after_an_interruption
from numbers_and_labels import TASKS, make_dataset, study_of, write_table

from bevatron.config.loading.kinds import LEARNERS
from bevatron.config.sections.workflow import DataLoading
from bevatron.errors import UserError
from bevatron.models.layers.images import WithHeads
from bevatron.models.layers.inputs import InputGroup
from bevatron.models.network import Network, NetworkSpec
from bevatron.store.shards.contract import TargetInfo
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.fit import describe, fit, initial_network
from bevatron.training.job import FitJob

MEANS, STDS = np.array([1000.0, 0.01]), np.array([20.0, 3e-4])
STATISTICS = [SimpleNamespace(mean=m, std=s) for m, s in zip(MEANS, STDS, strict=True)]
RNG = np.random.default_rng(2)


def learner_of(task: dict, tmp_path, shape=(2,)):
    """A learner of the task for a target of that shape, in evaluation mode."""
    study = study_of("several", tmp_path)
    study = study.model_copy(update={"task": _task(task)})
    job = FitJob(study, study.models["net"], tmp_path / "manifest.json", 0, tmp_path / "run", DataLoading(), "cpu")
    kind, target = LEARNERS[task["kind"]], TargetInfo(dtype="float32", shape=shape)
    spec = NetworkSpec(
        {"kind": "mlp", "widths": []},
        {"in": InputGroup((2,), ("x", "y"))},
        kind.n_outputs(study.task, target),
        "none",
        outputs=kind.outputs(study.task, target),
    )
    scaled = task["kind"] == "regression" and study.task.is_scaled(target.n_numbers)
    return kind(job, Network(spec, None, STATISTICS[: target.n_numbers] if scaled else None), None).eval()


def _task(task: dict):
    from pydantic import TypeAdapter

    from bevatron.config.sections.task import Task

    return TypeAdapter(Task).validate_python({"target": "momenta", **task})


def batch_of(target) -> dict:
    return {"targets": {"momenta": torch.as_tensor(target)}, "id": torch.arange(len(target))}


@pytest.fixture
def momenta():
    return (MEANS + STDS * RNG.normal(size=(50, 2))).astype(np.float32)


def own_units(z):
    return torch.as_tensor((MEANS + STDS * z).astype(np.float32))


@pytest.mark.parametrize(("loss", "reference"), [("mse", torch.nn.MSELoss), ("mae", torch.nn.L1Loss)])
def test_several_numbers_are_standardised_in_the_loss(loss, reference, momenta, tmp_path):
    learner = learner_of({"kind": "regression", "loss": loss}, tmp_path)
    z = RNG.normal(size=(50, 2))
    standard = torch.as_tensor((momenta - MEANS) / STDS)
    expected = reference(reduction="none")(torch.as_tensor(z), standard).mean(1)
    losses = learner.sample_losses(own_units(z), batch_of(momenta))
    np.testing.assert_allclose(losses, expected, rtol=2e-3, atol=1e-5)  # the target's own float32
    torch.testing.assert_close(learner.loss(own_units(z), batch_of(momenta)), losses.mean())


def test_the_likelihood_is_pytorchs(momenta, tmp_path):
    learner = learner_of({"kind": "regression", "loss": "gaussian_nll"}, tmp_path)
    z, width = RNG.normal(size=(50, 2)), RNG.uniform(0.3, 3, (50, 2))
    standard = torch.as_tensor((momenta - MEANS) / STDS)
    likelihood = torch.nn.GaussianNLLLoss(full=True, reduction="none")
    expected = likelihood(torch.as_tensor(z), standard, torch.as_tensor(width**2)).mean(1)
    outputs = torch.cat([own_units(z), torch.as_tensor((STDS * width).astype(np.float32))], dim=1)
    np.testing.assert_allclose(learner.sample_losses(outputs, batch_of(momenta)), expected, rtol=2e-3, atol=1e-5)


def test_labels_have_pytorchs_binary_cross_entropy(tmp_path):
    learner = learner_of({"kind": "multi_label"}, tmp_path, (3,))
    logits, labels = torch.randn(40, 3) * 30, (torch.rand(40, 3) < 0.3).to(torch.int64)
    expected = torch.nn.BCEWithLogitsLoss(reduction="none")(logits, labels.float())
    torch.testing.assert_close(learner.sample_losses(logits, batch_of(labels)), expected.mean(1))
    torch.testing.assert_close(learner.loss(logits, batch_of(labels)), expected.mean())


def test_one_number_is_as_it_was_unless_it_is_scaled(momenta, tmp_path):
    z = torch.randn(50, 1)
    of_one = batch_of(momenta[:, 0])
    plain = learner_of({"kind": "regression"}, tmp_path, ())
    assert plain.network.outputs.kind == "plain"
    assert plain.loss(z, of_one) == torch.nn.functional.mse_loss(z[:, 0], of_one["targets"]["momenta"])
    scaled = learner_of({"kind": "regression", "scaling": "standard"}, tmp_path, ())
    torch.testing.assert_close(scaled.loss(z, of_one) * 20.0**2, plain.loss(z, of_one))


def test_auxiliary_heads_enter_every_loss(momenta, tmp_path):
    for task in ({"kind": "regression"}, {"kind": "regression", "loss": "gaussian_nll"}, {"kind": "multi_label"}):
        learner = learner_of(task, tmp_path)
        n = learner.network.spec.n_outputs
        target = batch_of(momenta if task["kind"] == "regression" else (momenta > MEANS).astype(np.float32))
        outputs = [torch.rand(50, n) + 0.5 for _ in range(3)]
        single = [learner.sample_losses(of, target) for of in outputs]
        joint = learner.sample_losses(WithHeads(outputs[0], tuple(outputs[1:])), target)
        torch.testing.assert_close(joint, single[0] + 0.3 * (single[1] + single[2]))


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    """By kind, the study and its manifest's path."""
    folder = tmp_path_factory.mktemp("tables")
    write_table(folder / "table.npz")
    studies = {kind: study_of(kind, folder, epochs=3, checkpoint_seconds=1e-9) for kind in TASKS}
    return {kind: (study, make_dataset(study, folder)) for kind, study in studies.items()}


def job_of(kind, datasets, folder, **task):
    study, manifest = datasets[kind]
    study = study.model_copy(update={"task": study.task.model_copy(update=task)})
    return FitJob(study, study.models["net"], manifest, 0, folder, DataLoading(), "cpu")


@pytest.mark.parametrize("kind", list(TASKS))
def test_an_interrupted_fit_ends_with_the_same_bits(kind, datasets, tmp_path):
    check_same_bits_after_an_interruption(job_of(kind, datasets, tmp_path / "straight"))


def test_the_first_predictions_have_the_targets_scale(datasets, tmp_path):
    """Without any step the numbers lie around their means, with about their spread, whatever their units."""
    job = job_of("gaussians", datasets, tmp_path / "run")
    manifest = load_manifest(job.manifest_path)
    statistics = manifest.target_statistics["momenta"]
    network = initial_network(job, manifest).eval()
    outputs = network({"in": torch.randn(200, 2)}).detach()
    for k, number in enumerate(statistics):
        assert abs(outputs[:, k].mean() - number.mean) < 2 * number.std
        assert 0.3 * number.std < outputs[:, 2 + k].mean() < 3 * number.std


@pytest.mark.parametrize(
    ("kind", "task", "message"),
    [
        ("several", {"target": "in"}, "has no target 'in'"),
        ("labels", {"target": "energy"}, "target 'energy' is one number for each sample; a multi_label needs a list"),
    ],
)
def test_targets_that_do_not_fit_are_refused_in_one_line(kind, task, message, datasets, tmp_path):
    with pytest.raises(UserError, match=message) as error:
        fit(job_of(kind, datasets, tmp_path / "run", **task))
    assert "\n" not in str(error.value)


def test_a_manifest_without_the_targets_mean_says_what_to_do(datasets, tmp_path):
    job = job_of("several", datasets, tmp_path / "run")
    older = load_manifest(job.manifest_path).model_copy(update={"target_statistics": {}})
    with pytest.raises(UserError, match=r"no mean and standard deviation of the target 'momenta'.*task\.scaling: none"):
        initial_network(job, older)
    assert describe(job, older).outputs == "numbers"
