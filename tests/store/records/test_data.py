"""data.json: parts that depend on the task are there, null or left out, and nothing else."""

import json

import pytest

from bevatron.errors import UserError
from bevatron.store.files.checksum import with_checksum
from bevatron.store.records.record import payload_of


@pytest.fixture
def payload(case_of):
    return json.loads(json.dumps(payload_of(case_of("data.json").record)))


def test_an_observable_without_cuts_has_no_roc(payload):
    assert "roc" not in payload["observables"]["x"]
    assert payload["observables"]["cut"]["roc"] == {"light": [0.1, 1.0]}


def test_a_task_without_points_says_null(case_of, tmp_path):
    case, path = case_of("data.json"), tmp_path / "data.json"
    case.write(path, case.record.model_copy(update={"points": None}))
    assert json.loads(path.read_text())["points"] is None
    assert case.read(path).points is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("observables", "x", "edges"), [0.0]),
        (("observables", "x", "edges"), [0.0, "1"]),
        (("observables", "x", "counts", ""), [1, "2"]),  # sums of weights may be below 0
        (("observables", "x", "counts", ""), [1, True]),
        (("observables", "x", "log"), 1),
        (("observables", "x", "below", ""), None),
        (("examples", "wires", "shape"), [3, 4, 5]),
        (("examples", "wires", "shape"), [3, True]),
        (("examples", "wires", "images", 0, "id"), 17),
        (("examples", "wires", "images", 0, "channels", 0, "step"), [-1]),
        (("points", "targets", "y"), [None, 1.0]),
        (("points", "x"), "12"),
    ],
)
def test_a_wrong_value_is_refused_by_its_place(case_of, tmp_path, payload, place, value):
    part = payload
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    path = tmp_path / "data.json"
    path.write_text(json.dumps(with_checksum(payload)))
    where = r"\.".join(str(key) for key in place)
    with pytest.raises(UserError, match=rf"data\.json: holds no observables: {where}.*bevatron observables curve"):
        case_of("data.json").read(path)
