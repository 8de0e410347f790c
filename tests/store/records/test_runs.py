"""runs.json lists runs that differ, and files that are beside it and unchanged."""

import json

import pytest
from pydantic import ValidationError
from run_records import run_record

from bevatron.errors import UserError
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import sha256_of
from bevatron.store.records.record import payload_of
from bevatron.store.records.runs import load_runs, write_runs

ESCAPES = ["../../evil", "/tmp/evil", "seed-0/../../evil", "..", ".", "", ".hidden", "a/b", "a\x00b", "a\nb", "é" * 300]


@pytest.fixture
def published(case_of, tmp_path):
    """runs.json with the files that it lists."""
    record, runs = case_of("runs.json").record, []
    for run in record.runs:
        folder = tmp_path / run.folder
        folder.mkdir()
        for name in ("weights.safetensors", "model.json"):
            (folder / name).write_text(f"{name} of seed {run.seed}")
        files = {path.name: sha256_of(path) for path in folder.iterdir()}
        runs.append(run.model_copy(update={"files": files}))
    record = record.model_copy(update={"runs": tuple(runs)})
    write_runs(tmp_path / "runs.json", record)
    return tmp_path / "runs.json", record


def load(path, manifest_sha256="a" * 64):
    return load_runs(path, "curve", "net", manifest_sha256)


def test_runs_with_their_files_are_loaded(published):
    path, record = published
    assert load(path) == record


@pytest.mark.parametrize("name", ["weights.safetensors", "model.json"])
def test_a_file_that_is_changed_missing_or_not_listed_is_refused(published, name):
    path, record = published
    file = path.parent / "seed-3" / name
    file.write_text("other")
    with pytest.raises(UserError, match=rf"seed-3/{name}: does not match its SHA-256 .*bevatron train curve net"):
        load(path)
    file.unlink()
    with pytest.raises(UserError, match=rf"seed-3/{name}: is missing, though .*runs\.json lists it"):
        load(path)
    fewer = record.runs[1].model_copy(update={"files": {"history.csv": "0" * 64}})
    write_runs(path, record.model_copy(update={"runs": (record.runs[0], fewer)}))
    with pytest.raises(UserError, match=r"runs\.1\.files: has no 'weights\.safetensors'"):
        load(path)


def test_runs_of_another_dataset_are_refused(published):
    with pytest.raises(UserError, match=r"made for the dataset \(manifest\) aaaaaaaaaaaa…, expected cccccccccccc…"):
        load(published[0], "c" * 64)


@pytest.mark.parametrize("change", [{"seed": 0}, {"folder": "seed-0"}], ids=["seed", "folder"])
def test_two_runs_differ(published, change):
    path, record = published
    payload = json.loads(json.dumps(payload_of(record)))
    payload["runs"][1] |= change
    path.write_text(json.dumps(with_checksum(payload)))
    with pytest.raises(UserError, match=f"is no list of runs: runs: two have the same {next(iter(change))}"):
        load(path)


def test_a_list_without_runs_is_refused(published):
    path, record = published
    path.write_text(json.dumps(with_checksum(payload_of(record) | {"runs": []})))
    with pytest.raises(UserError, match="is no list of runs: runs: there is none"):
        load(path)


def test_runs_come_in_the_order_of_their_seeds(published):
    path, record = published
    payload = json.loads(json.dumps(payload_of(record)))
    payload["runs"].reverse()
    path.write_text(json.dumps(with_checksum(payload)))
    assert [run.seed for run in load(path).runs] == [0, 3]


@pytest.mark.parametrize("value", ESCAPES)
def test_no_name_leads_out_of_its_folder(value):
    for change in ({"folder": value}, {"files": {value: "0" * 64}}, {"members": {value: "0" * 64}}):
        with pytest.raises(ValidationError):
            run_record(0, **change)


@pytest.mark.parametrize("seed", [True, 0.0, "0", -1, 2**32, None, [0], 10**30, "0/../x"])
def test_a_seed_is_an_integer(seed):
    with pytest.raises(ValidationError, match="seed"):
        run_record(seed, folder="seed-0")
