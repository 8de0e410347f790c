"""Szegedy's box-constrained L-BFGS against changes that are known in closed form, or found by another optimiser."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from bevatron.training.attacks import fgsm
from bevatron.training.least_change import least_change


def plane(n_inputs, seed=0):
    """w, b, and a classifier whose second class wins where w·x + b < 0."""
    weights = torch.randn(n_inputs, generator=torch.Generator().manual_seed(seed))
    bias = 0.3

    def network(inputs):
        above = inputs["x"].flatten(1) @ weights + bias
        return torch.stack([above, torch.zeros_like(above)], 1)

    return weights, bias, network


def images(n, *shape, seed=1):
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed))


def test_without_walls_the_least_change_of_a_linear_network_is_the_distance_to_its_plane():
    """|w·x + b| / |w|, for images on both sides."""
    weights, bias, network = plane(20)
    x = images(60, 20)
    targets = 1 - network({"x": x}).argmax(1)
    changed, found = least_change(network, {"x": x}, targets, -99.0, 99.0, 10, 30)
    assert found.all()
    assert (network(changed).argmax(1) == targets).all()
    distance = (x @ weights + bias).abs() / weights.norm()
    ratio = (changed["x"] - x).norm(dim=1) / distance
    assert ratio.min() > 1 - 1e-4  # less would not reach the plane
    assert ratio.max() < 1.02


def test_in_a_box_it_is_what_another_optimiser_finds():
    """A quadratic programme: least |r|² with w·(x + r) + b = 0 and x + r in [0, 1]."""
    weights, bias, network = plane(6, seed=3)
    w, x = weights.double().numpy(), images(8, 6, seed=4)
    targets = 1 - network({"x": x}).argmax(1)
    changed, found = least_change(network, {"x": x}, targets, 0.0, 1.0, 14, 60)
    assert found.all()
    assert changed["x"].min() >= 0
    assert changed["x"].max() <= 1
    for k, image in enumerate(x.double().numpy()):
        on_the_plane = {"type": "eq", "fun": lambda r, image=image: w @ (image + r) + bias}
        bounds = list(zip(-image, 1 - image, strict=True))
        expected = minimize(lambda r: r @ r, np.zeros(6), bounds=bounds, constraints=[on_the_plane], method="SLSQP")
        assert expected.success
        length = (changed["x"][k] - x[k]).norm().item()
        assert length == pytest.approx(np.linalg.norm(expected.x), rel=0.02)


def test_images_together_are_changed_as_one_by_one():
    torch.manual_seed(5)
    network = torch.nn.Sequential(torch.nn.Linear(16, 24), torch.nn.Tanh(), torch.nn.Linear(24, 3)).requires_grad_(
        False
    )
    for weights in network.parameters():
        weights.mul_(3.0)
    x = images(12, 16)

    def classify(inputs):
        return network(inputs["x"])

    targets = classify({"x": x}).argsort(1)[:, 1]  # the second choice
    together, found = least_change(classify, {"x": x}, targets, 0.0, 1.0, 12, 40)
    assert found.all()
    for k in range(len(x)):
        alone, _ = least_change(classify, {"x": x[k : k + 1]}, targets[k : k + 1], 0.0, 1.0, 12, 40)
        lengths = [(changed - x[k]).norm().item() for changed in (together["x"][k], alone["x"][0])]
        assert lengths[0] == pytest.approx(lengths[1], rel=0.03)


def test_it_is_shorter_than_the_gradient_s_sign():
    """Of a linear network by |w|₂ √n / |w|₁, if no wall is near."""
    weights, bias, network = plane(30, seed=6)
    x = images(20, 30)
    labels = network({"x": x}).argmax(1)
    changed, _ = least_change(network, {"x": x}, 1 - labels, -99.0, 99.0, 12, 30)
    epsilon = (x @ weights + bias).abs() / weights.abs().sum()
    for k in range(len(x)):
        one = {"x": x[k : k + 1]}
        step = fgsm(network, one, labels[k : k + 1], epsilon[k].item() * 1.001, -99.0, 99.0)
        assert network(step).argmax(1) != labels[k]
        ratio = (step["x"][0] - x[k]).norm() / (changed["x"][k] - x[k]).norm()
        assert ratio.item() == pytest.approx((weights.norm() * 30**0.5 / weights.abs().sum()).item(), rel=0.02)


def test_what_cannot_be_changed_stays_as_it_is_and_is_not_found():
    def network(inputs):
        above = inputs["x"].sum(1) + 50.0  # of four values up to 1, never below 50
        return torch.stack([above, torch.zeros_like(above)], 1)

    x = images(5, 4)
    changed, found = least_change(network, {"x": x}, torch.ones(5, dtype=torch.int64), 0.0, 1.0, 8, 20)
    assert not found.any()
    assert torch.equal(changed["x"], x)


def test_groups_of_several_shapes_are_changed_together():
    def network(inputs):
        above = inputs["image"].sum((1, 2, 3)) - inputs["row"].sum(1) - 1.0
        return torch.stack([above, torch.zeros_like(above)], 1)

    inputs = {"image": images(4, 1, 2, 2) + 1.0, "row": images(4, 3)}
    targets = torch.ones(4, dtype=torch.int64)
    changed, found = least_change(network, inputs, targets, -9.0, 9.0, 12, 30)
    assert found.all()
    assert {name: x.shape for name, x in changed.items()} == {name: x.shape for name, x in inputs.items()}
    square = sum((changed[name] - x).square().flatten(1).sum(1) for name, x in inputs.items())
    margin = network(inputs)[:, 0]
    torch.testing.assert_close(square.sqrt(), margin / 7**0.5, rtol=0.02, atol=0.0)


def test_the_number_of_blas_threads_changes_no_bit():
    from threadpoolctl import threadpool_limits

    torch.manual_seed(7)
    network = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))
    network.requires_grad_(False)
    x, found = {"x": images(200, 64)}, []
    targets = network(x["x"]).argsort(1)[:, 1]
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append(least_change(lambda inputs: network(inputs["x"]), x, targets, 0.0, 1.0, 5, 15)[0]["x"])
    assert torch.equal(*found)
