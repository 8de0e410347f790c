"""The last layer of networks that predict numbers: units, widths, and limits."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bevatron.models.layers.inputs import InputGroup
from bevatron.models.layers.outputs import LOG_VARIANCE_LIMIT, Outputs
from bevatron.models.network import Network, NetworkSpec, weights_bytes

STATISTICS = [SimpleNamespace(mean=1000.0, std=20.0), SimpleNamespace(mean=-1.0, std=0.0)]


def test_numbers_come_in_the_targets_units():
    given = Outputs("numbers", 2, STATISTICS)(torch.tensor([[0.0, 0.0], [1.0, 2.0]]))
    torch.testing.assert_close(given, torch.tensor([[1000.0, -1.0], [1020.0, 1.0]]))  # a constant keeps the scale 1


def test_a_gaussian_has_a_mean_and_a_width():
    raw = torch.tensor([[1.0, 0.0, 2 * np.log(3.0), 0.0]])
    mean, width = Outputs("gaussian", 4, STATISTICS)(raw).chunk(2, dim=1)
    torch.testing.assert_close(mean, torch.tensor([[1020.0, -1.0]]))
    bounded = LOG_VARIANCE_LIMIT * np.tanh(2 * np.log(3.0) / LOG_VARIANCE_LIMIT)
    np.testing.assert_allclose(width.numpy(), [[20 * np.exp(bounded / 2), 1.0]], rtol=1e-5)


@pytest.mark.parametrize("extreme", [1e30, -1e30, 200.0, -200.0])
def test_no_output_makes_a_width_of_zero_or_infinity(extreme):
    raw = torch.tensor([[0.0, extreme]], requires_grad=True)
    mean, width = Outputs("gaussian", 2)(raw).chunk(2, dim=1)
    assert 3e-4 < width.item() < 3e3
    (0.5 * ((5.0 - mean) / width) ** 2 + width.log()).sum().backward()
    assert raw.grad is not None
    assert torch.isfinite(raw.grad).all()


def test_the_scale_is_saved_with_the_weights():
    from safetensors.torch import load

    spec = NetworkSpec(
        {"kind": "mlp", "widths": [3]}, {"in": InputGroup((2,), ("x", "y"))}, 4, "none", outputs="gaussian"
    )
    network = Network(spec, None, STATISTICS).eval()
    again = Network(NetworkSpec.from_payload(spec.as_payload()))
    again.load_state_dict(load(weights_bytes(network)))
    inputs = {"in": torch.randn(5, 2)}
    torch.testing.assert_close(again.eval()(inputs), network(inputs), rtol=0, atol=0)
    assert network(inputs)[:, 0].mean() > 500


def test_a_network_without_units_is_described_as_before():
    payload = NetworkSpec({"kind": "mlp", "widths": [3]}, {"in": InputGroup((2,), ("x", "y"))}, 4, "none").as_payload()
    del payload["outputs"]  # of an older Bevatron
    assert NetworkSpec.from_payload(payload).outputs == "plain"
    assert not [name for name in Network(NetworkSpec.from_payload(payload)).state_dict() if name.startswith("outputs")]
