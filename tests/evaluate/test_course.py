"""What a history says of how a fit went on."""

import numpy as np
import pytest
import torch

from bevatron.errors import UserError
from bevatron.evaluate.inspection.course import corrected_fraction, loss_spread
from bevatron.evaluate.inspection.plane import hidden_lines
from bevatron.models.layers.inputs import InputGroup
from bevatron.models.network import Network, NetworkSpec, weights_bytes
from bevatron.store.files.publish import publish_json


def history(folder, losses, train=0.25, every=1):
    folder.mkdir()
    rows = [f"{every * k},{k},{train},{loss},0.1,1.0,0.0" for k, loss in enumerate(losses, 1)]
    header = "epoch,step,train_loss,val_loss,learning_rate,seconds,data_wait"
    (folder / "history.csv").write_text("\n".join([header, *rows, ""]))
    return folder


def test_the_spread_is_that_of_the_second_half(tmp_path):
    """Of seven epochs the last four are after half of them; a factor of the loss does not matter."""
    late = [1.0, 3.0, 1.0, 3.0]
    folders = [
        history(tmp_path / "a", [9.0, 7.0, 8.0, *late]),
        history(tmp_path / "b", [0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2]),
    ]
    assert loss_spread(folders) == pytest.approx([np.std(late, ddof=1) / 2.0, 0.0])
    assert loss_spread([history(tmp_path / "c", [5.0, 5.0, *late], every=5)])[0] == pytest.approx(
        np.std([3.0, 1.0, 3.0], ddof=1) / (7 / 3)
    )


def test_a_fit_without_a_course_has_no_spread(tmp_path):
    assert loss_spread([history(tmp_path / "closed form", [0.2])]) is None
    assert loss_spread([history(tmp_path / "perfect", [0.1, 0.1, 0.0, 0.0])]) is None
    assert loss_spread([]) == []
    with pytest.raises(UserError, match=r"history.csv: is missing"):
        loss_spread([tmp_path])


def test_a_corrected_sample_has_a_loss_of_one_half(tmp_path):
    assert corrected_fraction(
        [history(tmp_path / "a", [1.0], train=0.08), history(tmp_path / "b", [1.0], train=0.0)]
    ) == [
        0.16,
        0.0,
    ]


@pytest.mark.parametrize(("normalise", "n"), [("none", 3), ("standard", 0)])
def test_a_hidden_perceptron_says_one_half_on_its_line(tmp_path, normalise, n):
    torch.manual_seed(4)
    inputs = {"points": InputGroup((2,), ("x1", "x2"))}
    network = Network(NetworkSpec({"kind": "mlp", "widths": [3], "activation": "logistic"}, inputs, 2, normalise))
    torch.nn.init.normal_(network.architecture.layers[0].bias)
    publish_json(tmp_path / "model.json", {"network": network.spec.as_payload()})
    (tmp_path / "weights.safetensors").write_bytes(weights_bytes(network))
    lines = hidden_lines(tmp_path)
    assert len(lines) == n
    for k, (*w, theta) in enumerate(lines):
        foot = torch.tensor(theta * np.array(w) / np.dot(w, w), dtype=torch.float32)
        assert torch.sigmoid(network.architecture.layers[0](foot))[k].item() == pytest.approx(0.5, abs=1e-5)
