"""history.csv grows by a line at each validation, and is whole at a fit's end whatever befell it on the way."""

import csv

import pytest

from bevatron.training import history
from bevatron.training.fit import fit
from bevatron.training.history import COLUMNS, History
from bevatron.training.job import FitJob


@pytest.fixture
def job(curve, reading, tmp_path):
    def make(name, **values):
        model = curve.study.models["net"].with_values({f"training.{k}": v for k, v in values.items()})
        return FitJob(curve.study, model, curve.manifest, 0, tmp_path / name, reading, "cpu")

    return make


def rows_of(folder):
    with (folder / "history.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_each_validation_adds_a_line_to_what_is_there(job):
    made, files = job("fit", epochs=8), set()

    def look(row):
        files.add((made.folder / "history.csv").stat().st_ino)
        assert rows_of(made.folder)[-1] == row
        assert len(rows_of(made.folder)) == row["epoch"]

    fit(made, look)
    assert len(files) == 1  # no validation has replaced the file
    assert [row["epoch"] for row in rows_of(made.folder)] == list(range(1, 9))


def test_what_a_validation_writes_does_not_grow(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(history, "publish_text", lambda path, text: (written.append(len(text)), path.write_text(text)))
    log = History(tmp_path)
    for number in range(2_000):
        row = dict.fromkeys(COLUMNS, 0.5) | {"epoch": number, "step": number}
        log.rows.append(row)
        log._write_row(row)
    assert len(written) == 1  # the first one, with the header
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 2_001


@pytest.mark.parametrize("damage", ["torn", "gone", "foreign", "longer"])
@pytest.mark.parametrize("epoch", [3, 6])
def test_a_damaged_history_is_whole_again_at_the_end(job, damage, epoch):
    """Interrupted in the middle, and after the last validation, where none follows that would write it again."""

    def interrupt(row):
        if row["epoch"] == epoch:
            raise KeyError

    straight, made = job("straight", checkpoint_seconds=1e-9), job("fit", checkpoint_seconds=1e-9)
    fit(straight)
    with pytest.raises(KeyError):
        fit(made, interrupt)
    path = made.folder / "history.csv"
    text = path.read_text()
    if damage == "gone":
        path.unlink()
    else:
        path.write_text(
            {"torn": text[:-9], "foreign": "\0" * 50, "longer": text + text.splitlines()[-1] + "\n"}[damage]
        )
    fit(made)
    kept = COLUMNS[:5]  # the others are times
    assert [[r[k] for k in kept] for r in rows_of(made.folder)] == [
        [r[k] for k in kept] for r in rows_of(straight.folder)
    ]


def test_the_rows_in_a_checkpoint_are_those_that_were_put_in(tmp_path):
    log = History(tmp_path)
    log.rows = [
        {"epoch": e, "step": 7 * e, "train_loss": 1 / 3, "val_loss": 1e-300, "learning_rate": 0.1, "seconds": 2.5 * e,
         "data_wait": 0.0} for e in range(3)
    ]  # fmt: skip
    other = History(tmp_path)
    other.load_state_dict(log.state_dict())
    assert other.rows == log.rows
    assert all(isinstance(row["epoch"], int) for row in other.rows)
    empty = History(tmp_path)
    empty.load_state_dict(History(tmp_path).state_dict())
    assert empty.rows == []
