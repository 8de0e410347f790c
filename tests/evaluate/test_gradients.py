"""Gradients by back-propagation, beside the chain rule by hand, and beside derivatives that are wrong on purpose."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.inspection.gradients import against_differences, against_sum, gradient_of, measure_gradients
from bevatron.store.records.runs import load_runs
from bevatron.store.shards.dataset import load_dataset


class Layers(nn.Module):
    """A network of one input group, as the functions under test call it."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs):
        return self.layers(inputs["x"])


class HalfDerivative(torch.autograd.Function):
    """The identity, whose derivative is given as 1/2."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient / 2


class Wrong(nn.Module):
    def forward(self, x):
        return HalfDerivative.apply(x)


def made(layers):
    torch.manual_seed(3)
    network = Layers(*layers()).double()
    inputs = {"x": torch.randn(20, 2, dtype=torch.float64)}
    target = torch.randn(20, 1, dtype=torch.float64)
    return network, lambda inputs, target: functional.mse_loss(network(inputs), target), inputs, target


def test_back_propagation_is_the_chain_rule():
    """For one hidden layer of tanh, written out in numpy."""
    network, loss, inputs, target = made(lambda: [nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1)])
    w1, b1, w2, b2 = (w.detach().numpy() for w in network.parameters())
    x, t = inputs["x"].numpy(), target.numpy()
    h = np.tanh(x @ w1.T + b1)
    d_output = 2 * (h @ w2.T + b2 - t) / len(t)  # (20, 1): of the mean square
    d_sum = (d_output @ w2) * (1 - h**2)  # (20, 5): before the activation
    by_hand = [d_sum.T @ x, d_sum.sum(0), d_output.T @ h, d_output.sum(0)]
    expected = np.concatenate([part.ravel() for part in by_hand])
    np.testing.assert_allclose(gradient_of(network, loss(inputs, target)).numpy(), expected, rtol=1e-12, atol=1e-15)
    assert against_differences(network, loss, inputs, target) < 1e-8


@pytest.mark.parametrize("activation", [nn.Sigmoid, nn.Softplus, nn.GELU])
def test_finite_differences_agree_through_many_layers_and_leave_the_weights(activation):
    network, loss, inputs, target = made(
        lambda: [nn.Linear(2, 6), activation(), *(m for _ in range(6) for m in (nn.Linear(6, 6), activation())),
                 nn.Linear(6, 1)]
    )  # fmt: skip
    before = [w.clone() for w in network.parameters()]
    assert against_differences(network, loss, inputs, target) < 1e-6
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_a_wrong_derivative_is_found():
    """Half of the gradient of everything before the wrong layer is lost."""
    network, loss, inputs, target = made(lambda: [nn.Linear(2, 5), nn.Tanh(), Wrong(), nn.Linear(5, 1)])
    assert against_differences(network, loss, inputs, target) > 0.01


def test_a_batch_sums_unless_its_samples_see_each_other():
    network, loss, inputs, target = made(lambda: [nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1)])
    assert against_sum(network, loss, inputs, target) < 1e-13

    class Centred(nn.Module):
        def forward(self, x):
            return x - x.mean(0)

    coupled, loss, inputs, target = made(lambda: [nn.Linear(2, 5), Centred(), nn.Tanh(), nn.Linear(5, 1)])
    assert against_sum(coupled, loss, inputs, target) > 0.01


def context(study, dataset, trained, names):
    evaluation = study.evaluation.model_copy(update={"check_gradients": names})
    study = study.model_copy(update={"evaluation": evaluation})
    runs = load_runs(trained, "toy", "linear", dataset[1].sha256).runs
    folders = tuple(trained.parent / run.folder for run in runs)
    workflow = Workflow(studies=["toy"], accelerator="cpu")
    return EvaluationContext(study, workflow, "linear", load_dataset(dataset[0]), folders, (0, 1))


def test_trained_networks_of_a_study(study, dataset, trained):
    metrics = measure_gradients(context(study, dataset, trained, ["linear"]), 30)
    assert set(metrics) == {"gradient_error", "summed_gradient_error"}
    for metric in metrics.values():
        assert len(metric.per_seed) == 2
        assert 0 <= metric.value < 1e-7
        assert len(metric.replicas) == 30
    assert measure_gradients(context(study, dataset, trained, []), 30) == {}


def test_unknown_models_and_scaled_targets_are_refused_before_anything_is_trained(study):
    payload = study.model_dump(mode="json")
    payload["evaluation"]["check_gradients"] = ["linea"]
    with pytest.raises(ValueError, match=r"evaluation\.check_gradients: unknown model 'linea'.*did you mean 'linear'"):
        Study.model_validate(payload)
    payload["evaluation"]["check_gradients"] = ["linear"]
    for task in ({"scaling": "standard"}, {"loss": "gaussian_nll"}):
        payload["task"] = {"kind": "regression", "target": "pt", **task}
        with pytest.raises(ValueError, match=r"evaluation\.check_gradients: not of a target that the loss scales"):
            Study.model_validate(payload)


def test_new_keys_leave_the_settings_of_an_evaluation_as_they_were(study):
    assert not {"loss_at", "check_gradients"} & set(study.evaluation.model_dump())
