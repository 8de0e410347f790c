"""metrics.json and data.json: every metric has its replicas, and every run its weights."""

import json

import pytest
from run_records import run_record

from bevatron.errors import UserError
from bevatron.store.files.checksum import with_checksum
from bevatron.store.records.metrics import EvaluatedRun, check_measured_on
from bevatron.store.records.record import payload_of

FILES = {"weights.safetensors": "a" * 64, "model.json": "b" * 64, "history.csv": "c" * 64}


def test_a_run_keeps_all_but_its_files():
    run = run_record(2, files=FILES, members={"other": "d" * 64})
    evaluated = EvaluatedRun.of(run)
    assert evaluated.model_dump() == {
        **run.model_dump(exclude={"files"}),
        "weights_sha256": "a" * 64,
        "history_sha256": "c" * 64,
    }


def test_a_run_without_a_history_says_nothing_of_it():
    run = EvaluatedRun.of(run_record(0))
    assert run.history_sha256 is None
    assert "history_sha256" not in run.model_dump(exclude_defaults=True)


@pytest.mark.parametrize("file", ["metrics.json", "data.json"])
@pytest.mark.parametrize("part", ["metrics", "bootstrap"])
def test_a_metric_without_its_replicas_is_refused(case_of, tmp_path, file, part):
    case, path = case_of(file), tmp_path / file
    payload = json.loads(json.dumps(payload_of(case.record)))
    del payload[part]["rmse"]
    path.write_text(json.dumps(with_checksum(payload)))
    with pytest.raises(UserError, match="metrics and bootstrap differ in 'rmse'"):
        case.read(path)


@pytest.mark.parametrize("file", ["metrics.json", "data.json"])
def test_metrics_share_their_replicas(case_of, tmp_path, file):
    case, path = case_of(file), tmp_path / file
    payload = json.loads(json.dumps(payload_of(case.record)))
    payload["bootstrap"]["rmse"].pop()
    path.write_text(json.dumps(with_checksum(payload)))
    with pytest.raises(UserError, match="different numbers of replicas"):
        case.read(path)


@pytest.mark.parametrize("file", ["metrics.json", "data.json"])
def test_what_was_measured_on_another_dataset_is_refused(case_of, tmp_path, file):
    record = case_of(file).record
    check_measured_on(tmp_path / file, record, "a" * 64, "bevatron x")
    with pytest.raises(UserError, match=r"was measured on another dataset, aaaaaaaaaaaa… .*run `bevatron x` again"):
        check_measured_on(tmp_path / file, record, "e" * 64, "bevatron x")


def test_curves_are_free(case_of, tmp_path):
    """A curve that is incomplete costs its own figure, not the whole report."""
    case, path = case_of("metrics.json"), tmp_path / "metrics.json"
    record = case.record.model_copy(update={"curves": {"fit": {}, "other": [1, "a", None]}})
    case.write(path, record)
    assert case.read(path).curves == record.curves
