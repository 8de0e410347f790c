"""Studies whose files are missing: which may be left out, and why."""

from pathlib import Path

from bevatron.config.loading.load import load_study
from bevatron.config.loading.missing_data import missing_data_of

STUDIES = Path(__file__).parents[2] / "config" / "studies"


def test_only_optional_studies_are_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    colour = load_study("colour", "paper", STUDIES)
    assert missing_data_of(colour) == "data/cifar10/data_batch_1.bin: no such file"
    assert missing_data_of(colour.model_copy(update={"optional": False})) is None
    assert missing_data_of(load_study("colour", "demo", STUDIES)) is None  # its images are generated
    assert missing_data_of(load_study("function", "demo", STUDIES)) is None
    assert missing_data_of(load_study("digits", "demo", STUDIES)) is None
    missing = "data/mnist/train-images-idx3-ubyte: no such file, with or without .gz"
    assert missing_data_of(load_study("digits", "paper", STUDIES)) == missing


def test_a_study_is_there_when_its_files_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "cifar10").mkdir(parents=True)
    for name in (*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"):
        (tmp_path / "data" / "cifar10" / name).touch()
    assert missing_data_of(load_study("colour", "paper", STUDIES)) is None
