"""Loggers report a fit and change nothing in it: not its bits, not its end, and hardly its time."""

import csv
import importlib.util
import threading
import time
from dataclasses import replace

import pytest
import yaml
from interruption import weights
from pytorch_lightning.loggers.logger import Logger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bevatron.config.loading.load import load_workflow
from bevatron.config.sections.loggers import DEFAULT_LOGGERS
from bevatron.errors import ConfigurationError
from bevatron.training import loggers
from bevatron.training.fit import fit
from bevatron.training.job import LOGGERS, FitJob


@pytest.fixture
def job(curve, reading, tmp_path):
    def make(folder: str, *sections: dict, **values) -> FitJob:
        model = curve.study.models["net"].with_values({k.replace("__", "."): v for k, v in values.items()})
        asked = tuple(LOGGERS.validate_python(list(sections)))
        return FitJob(curve.study, model, curve.manifest, 0, tmp_path / folder, reading, "cpu", name="net",
                      loggers=asked)  # fmt: skip

    return make


def losses(made: FitJob) -> list[float]:
    with (made.folder / "history.csv").open() as file:
        return [float(row["val_loss"]) for row in csv.DictReader(file)]


def events(made: FitJob) -> EventAccumulator:
    found = EventAccumulator(str(made.folder / "tensorboard"))
    found.Reload()
    return found


class Server(Logger):
    """Stands for a logger whose server does as `answer` does."""

    name, version = "server", ""

    def __init__(self, answer):
        self.answer, self.rows, self.status = answer, [], None

    def log_metrics(self, metrics, step=None):
        self.rows.append((step, metrics["val_loss"]))
        self.answer(len(self.rows))

    def log_hyperparams(self, params, *args, **kwargs):
        pass

    def finalize(self, status):
        self.status = status


@pytest.fixture
def server(monkeypatch):
    """Makes the logger `tensorboard` of the next fits one in the background, with a server that answers like this."""

    def use(answer) -> Server:
        made = Server(answer)
        monkeypatch.setattr(
            loggers, "_make", lambda section, job, purge_step: loggers.BackgroundLogger("server", lambda: made)
        )
        return made

    return use


TENSORBOARD = {"kind": "tensorboard"}


def test_weights_are_the_same_bits_with_loggers_without_and_with_one_that_fails(job, server):
    with_events, without = job("events", TENSORBOARD), job("none")
    fit(with_events)
    fit(without)
    assert not (without.folder / "tensorboard").exists()

    def fail(row):
        raise ConnectionError("no route to host")

    server(fail)
    broken = job("broken", TENSORBOARD)
    fit(broken)
    assert weights(with_events) == weights(without) == weights(broken)


def test_a_server_that_goes_away_is_told_once_and_the_training_goes_on(job, server, told):
    def answer(row):
        if row == 3:
            raise ConnectionError("connection\nlost")

    rows = server(answer).rows
    made = job("fit", TENSORBOARD)
    fit(made)
    assert rows == [(step, pytest.approx(loss)) for (step, _), loss in zip(rows, losses(made)[:3], strict=True)]
    warnings = [record.message for record in told if record.levelname == "WARNING"]
    assert warnings == [
        "the logger server does not work (ConnectionError: connection lost); the training goes on without it"
    ]


def test_a_server_that_never_answers_costs_the_time_that_is_allowed_at_the_end(job, server, told, monkeypatch):
    monkeypatch.setattr(loggers, "END_SECONDS", 0.5)
    released = threading.Event()
    server(lambda row: released.wait(60))
    start = time.monotonic()
    fit(job("fit", TENSORBOARD))
    released.set()
    assert time.monotonic() - start < 20
    assert [record.message for record in told if "has not ended" in record.message]


def test_all_validations_have_arrived_when_a_fit_ends(job, server):
    found = server(lambda row: time.sleep(0.02))
    made = job("fit", TENSORBOARD)
    fit(made)
    assert [loss for _, loss in found.rows] == pytest.approx(losses(made))
    assert found.status == "success"


def test_a_continued_fit_shows_each_validation_once_in_tensorboard(job):
    made = job("fit", TENSORBOARD, training__checkpoint_seconds=0.001)

    def interrupt(row):
        if row["epoch"] == 4:
            raise KeyError("interrupted")

    with pytest.raises(KeyError):
        fit(made, interrupt)
    assert fit(made).continued == 1
    scalars = events(made).Scalars("val_loss")
    assert [scalar.value for scalar in scalars] == pytest.approx(losses(made))
    assert len({scalar.step for scalar in scalars}) == len(scalars) == 6


def test_a_job_keeps_its_loggers_on_its_way_to_another_process(job):
    made = job("fit", TENSORBOARD)
    assert FitJob.from_payload(made.as_payload()).loggers == made.loggers == DEFAULT_LOGGERS
    assert FitJob.from_payload(replace(made, loggers=()).as_payload()).loggers == ()


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"kind": "tensorbord"}, "loggers.0: unknown kind 'tensorbord' (did you mean 'tensorboard'?)"),
        ({"kind": "tensorboard", "project": "x"}, "unknown key; allowed: kind"),
        (
            {"kind": "mlflow", "tracking_uri": "https://me:secret@example.org"},
            "has a user or password; set MLFLOW_TRACKING_USERNAME",
        ),
        ({"kind": "wandb"}, "needs the package wandb, which is not installed: pip install 'bevatron[wandb]'"),
        ({"kind": "comet"}, "needs the package comet_ml, which is not installed: pip install 'bevatron[comet]'"),
        ({"kind": "mlflow"}, "needs the package mlflow, which is not installed: pip install 'bevatron[mlflow]'"),
    ],
)
def test_a_logger_that_cannot_work_is_refused_before_anything_runs(section, words, tmp_path, monkeypatch):
    monkeypatch.setattr("bevatron.config.sections.loggers.find_spec", lambda package: None)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"studies": ["curve"], "loggers": [section]}))
    with pytest.raises(ConfigurationError) as raised:
        load_workflow(path)
    assert len(raised.value.lines) == 1
    assert words in raised.value.lines[0]
    assert "secret" not in raised.value.lines[0]


def needs(package: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"{package}, an optional package, is not installed")


@pytest.mark.slow
@needs("mlflow")
@pytest.mark.filterwarnings("ignore")  # of the package, about others
def test_mlflow_has_one_run_of_a_fit_that_was_interrupted(job, tmp_path):
    import mlflow

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    made = job("fit", {"kind": "mlflow", "tracking_uri": uri}, training__checkpoint_seconds=0.001)

    def interrupt(row):
        if row["epoch"] == 4:
            raise KeyError("interrupted")

    with pytest.raises(KeyError):
        fit(made, interrupt)
    fit(made)
    client = mlflow.MlflowClient(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("curve").experiment_id])
    assert (run.info.run_name, run.info.status) == ("curve/net/seed-0", "FINISHED")
    by_step = {metric.step: metric.value for metric in client.get_metric_history(run.info.run_id, "val_loss")}
    assert [by_step[step] for step in sorted(by_step)] == pytest.approx(losses(made))
    assert run.data.params["training/learning_rate"] == "0.01"


@pytest.mark.slow
@needs("wandb")
@pytest.mark.filterwarnings("ignore")
def test_weights_and_biases_has_the_rows_offline(job):
    made = job("fit", {"kind": "wandb", "offline": True})
    fit(made)
    (path,) = made.folder.glob("wandb/offline-run-*/*.wandb")
    content = path.read_bytes()  # numbers are JSON texts in it
    assert all(str(loss).encode() in content for loss in losses(made))


@pytest.mark.slow
@needs("comet_ml")
@pytest.mark.filterwarnings("ignore")
def test_comet_has_the_rows_offline(job):
    import json
    import zipfile

    made = job("fit", {"kind": "comet", "offline": True})
    fit(made)
    (path,) = made.folder.glob("comet/*.zip")
    with zipfile.ZipFile(path) as archive:
        lines = archive.read("messages.json").decode().splitlines()
    metrics = [line["payload"].get("metric") for line in map(json.loads, lines)]
    values = [float(metric["metricValue"]) for metric in metrics if metric and metric["metricName"] == "val_loss"]
    assert values == pytest.approx(losses(made))
