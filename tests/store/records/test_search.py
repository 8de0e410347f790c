"""search.json: trials with an end, and the digests of two files."""

import json

import pytest

from bevatron.errors import UserError
from bevatron.store.files.checksum import with_checksum
from bevatron.store.records.record import payload_of


def refuse(case, path, payload, words: str) -> None:
    path.write_text(json.dumps(with_checksum(payload)))
    with pytest.raises(UserError, match=rf"search\.json: is no result of a search: {words}"):
        case.read(path)


@pytest.fixture
def case(case_of):
    return case_of("search.json")


@pytest.fixture
def payload(case):
    return json.loads(json.dumps(payload_of(case.record)))


@pytest.mark.parametrize("name", ["../../secret", "/etc/hostname", "best.yaml", "trials.csv/..", "", "a\nb"])
def test_no_file_but_the_search_s_own_is_named(case, payload, tmp_path, name):
    payload["files"][name] = "0" * 64
    refuse(case, tmp_path / "search.json", payload, r"files\.")


@pytest.mark.parametrize("digest", ["x", "", "../x", "A" * 64, None, 0])
def test_a_file_s_digest_is_one(case, payload, tmp_path, digest):
    payload["files"]["trials.csv"] = digest
    refuse(case, tmp_path / "search.json", payload, r"files\.trials\.csv")


@pytest.mark.parametrize(
    "change",
    [{"status": "running"}, {"status": None}, {"trial": 0}, {"trial": True}, {"trial": "../x"}, {"epoch": ["1"]},
     {"val_loss": [True]}, {"values": []}],
)  # fmt: skip
def test_a_trial_s_fields_have_their_types(case, payload, tmp_path, change):
    payload["trials"][0] |= change
    refuse(case, tmp_path / "search.json", payload, rf"trials\.0\.{next(iter(change))}")


def test_integers_stay_integers(case, tmp_path):
    """Epochs and values are written as they were tried: 5 is not 5.0."""
    case.write(tmp_path / "search.json", case.record)
    trial = json.loads((tmp_path / "search.json").read_text())["trials"][0]
    assert (trial["epoch"], trial["values"]["architecture.widths"]) == ([0.5, 1], [5, 5])
    assert isinstance(trial["epoch"][1], int)
    assert isinstance(case.read(tmp_path / "search.json").trials[0].epoch[1], int)
