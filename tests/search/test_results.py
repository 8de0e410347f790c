"""What a search publishes."""

import csv
import io
import json
import logging

import pytest
import yaml
from PIL import Image

from bevatron.errors import UserError
from bevatron.search.plot import search_png
from bevatron.search.results import best_of, best_values, search_record, trials_csv
from bevatron.search.stage import _publish
from bevatron.search.trial_log import DIVERGED, FAILED, FINISHED, STOPPED, Trial
from bevatron.store.files.publish import sha256_of


def trial(number, rate, widths, losses, status=FINISHED, reason=""):
    drawn = {"training.learning_rate": rate, "training.momentum": 0, "architecture.widths": widths}
    return Trial(number, drawn, dict(enumerate(losses, 1)), status, reason, 1.25, 77)


TRIALS = [
    trial(1, 0.1, 0, [3.0, 2.0, 2.5]),
    trial(2, 0.2, 1, [1.0], DIVERGED, "the loss is nan"),
    trial(3, 0.3, 1, [2.5, 1.5, 2.25]),
    trial(4, 0.4, 0, [9.0], STOPPED),
]


IDENTITY = {"study": "parabola", "model": "net", "digest": "d" * 64, "order": "in memory"}


def test_the_table_has_a_row_for_every_trial_with_its_values_and_its_end(study_with_search):
    search = study_with_search().models["net"].search
    rows = list(csv.DictReader(io.StringIO(trials_csv(search, "best", TRIALS))))
    assert [row["status"] for row in rows] == ["finished", "diverged", "finished", "stopped early"]
    assert rows[2]["architecture.widths"] == "[5, 5]"
    assert [row["val_loss"] for row in rows] == ["2.0", "1.0", "1.5", "9.0"]
    assert rows[1]["reason"] == "the loss is nan"


@pytest.mark.parametrize(("checkpoint", "number"), [("best", 3), ("last", 3)])
def test_the_best_trial_is_none_that_failed(checkpoint, number):
    assert best_of(checkpoint, TRIALS, "here").number == number


def test_the_best_values_make_a_model(study_with_search):
    study = study_with_search()
    model = study.models["net"]
    best = best_of("best", TRIALS, "here")
    values = best_values(model.search, "best", TRIALS, best, {"study": study.name})
    read = yaml.safe_load(yaml.safe_dump(values))
    assert model.with_values(read["values"]).architecture.widths == [5, 5]
    assert read["ended"] == {"diverged": 1, "finished": 2, "stopped early": 1}


def test_curves_hold_every_validation(study_with_search):
    record = search_record(study_with_search().models["net"].search, TRIALS, IDENTITY, {})
    assert record.trials[2].val_loss == (2.5, 1.5, 2.25)
    assert record.trials[2].epoch == (1, 2, 3)


def test_a_search_without_any_success_names_trials_and_reasons():
    failed = [trial(n, 0.1, 0, [], FAILED, f"reason {n}") for n in range(1, 9)]
    with pytest.raises(UserError, match=r"none of its 8 trials .*trial 1 failed \(reason 1\);.* and 3 more alike"):
        best_of("best", failed, "here")


def test_the_image_is_the_same_for_the_same_trials(study_with_search):
    search = study_with_search().models["net"].search
    best = best_of("best", TRIALS, "here")
    images = [search_png("parabola, 1:5:1", search, "best", TRIALS, best) for _ in range(2)]
    assert images[0] == images[1]
    assert images[0].startswith(b"\x89PNG")
    search_png("a single trial", search, "last", TRIALS[:1], TRIALS[0])


TEXTS = [r"$\frac{$", "cost $5 vs $6 {x", "a_$b", "漢字 😀", "W" * 500, "two\nlines", "", "_hidden", "a\u202eb"]


@pytest.mark.parametrize("title", TEXTS)
def test_a_title_is_literal_in_the_plot(title, study_with_search, told):
    search = study_with_search().models["net"].search
    made = search_png(title, search, "best", TRIALS, best_of("best", TRIALS, "here"))
    assert made.startswith(b"\x89PNG")
    assert not [record for record in told if "could not be made" in record.message]


@pytest.mark.parametrize("error", [ValueError("$no plot$ 漢"), MemoryError()])
def test_a_plot_that_fails_costs_no_search(error, study_with_search, tmp_path, told, monkeypatch):
    """All of the search's files are there, and the plot says why it is none."""

    def fail(*_, **__):
        raise error

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    study = study_with_search()
    best = best_of("best", TRIALS, "here")
    _publish(study, study.models["net"], study.models["net"].search, TRIALS, best, IDENTITY, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"best.yaml", "search.json", "search.png", "trials.csv"}
    with Image.open(tmp_path / "search.png") as image:
        assert image.format == "PNG"
        assert image.size[0] == 800
    assert json.loads((tmp_path / "search.json").read_text())["files"]["search.png"] == sha256_of(
        tmp_path / "search.png"
    )
    (record,) = [record for record in told if record.levelno >= logging.WARNING]
    assert type(error).__name__ in record.message
