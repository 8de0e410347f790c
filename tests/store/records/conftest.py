"""One record of each published file, with numbers of our own, and how it is written and read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from run_records import run_record

from bevatron.store.records.claims import (
    ClaimRecord,
    ClaimsRecord,
    FailureRecord,
    MarginRecord,
    read_claims,
    write_claims,
)
from bevatron.store.records.data import (
    DataRecord,
    ImageRecord,
    ImagesRecord,
    ObservableRecord,
    PixelsRecord,
    PointsRecord,
    read_data,
    write_data,
)
from bevatron.store.records.export import AgreementRecord, ExportedModel, ExportRecord, read_export, write_export
from bevatron.store.records.metrics import EvaluatedRun, MetricRecord, MetricsRecord, read_metrics, write_metrics
from bevatron.store.records.preprocessing import (
    InputRecord,
    PreprocessingRecord,
    SumRecord,
    read_preprocessing,
    write_preprocessing,
)
from bevatron.store.records.record import PublishedRecord
from bevatron.store.records.runs import RunsRecord, read_runs, write_runs
from bevatron.store.records.search import SearchRecord, TrialRecord, read_search, write_search

DIGEST, OTHER = "a" * 64, "b" * 64
NAMES = {"study": "curve", "model": "net"}
FILES = {"weights.safetensors": DIGEST, "model.json": OTHER, "history.csv": DIGEST}


@dataclass(frozen=True)
class Case:
    """A record, the name of its file, the command that makes it, and its two functions."""

    file: str
    command: str
    record: PublishedRecord
    write: Callable[[Path, Any], None]
    read: Callable[[Path], PublishedRecord]


def metric(value: float | None = 0.25, **changes: Any) -> MetricRecord:
    fields = {"value": value, "error": 0.01, "low": 0.2, "high": 0.3, "seed_std": None, "per_seed": (0.25, None)}
    return MetricRecord(**fields | changes)


def measured() -> dict[str, Any]:
    """What metrics.json and data.json have in common."""
    return {
        "study": "curve",
        "task": "regression",
        "manifest_sha256": DIGEST,
        "versions": {"torch": "2.0"},
        "n_test": 300,
        "n_test_events": 200,
        "confidence": 0.68,
        "metrics": {"rmse": metric(unit="GeV"), "noise": metric(None)},
        "bootstrap": {"rmse": (0.24, 0.26), "noise": (None, 0.5)},
    }


def runs() -> RunsRecord:
    runs = (run_record(0, files=FILES), run_record(3, files=FILES, members={"other": OTHER}))
    settings = {"title": "1:16:1", "training": {"epochs": 6}}
    return RunsRecord(**NAMES, manifest_sha256=DIGEST, dataset_digest=OTHER, settings=settings, runs=runs)


def metrics() -> MetricsRecord:
    evaluated = tuple(EvaluatedRun.of(run) for run in runs().runs)
    curves = {"fit": {"x": [1.0, 2.5], "truth": None}}
    return MetricsRecord(
        **measured(), model="net", title="1:16:1", target="y", parameters=49, runs=evaluated, curves=curves
    )


def data() -> DataRecord:
    counts = {"samples": {"": 6}, "below": {"": 1}, "above": {"": 0}, "missing": {"": 2}}
    histogram = ObservableRecord(title="x", unit="GeV", log=True, edges=(0.0, 1.0, 2.0), counts={"": (1, 2)}, **counts)
    cut = histogram.model_copy(update={"roc": {"light": (0.1, 1.0)}})
    channel = PixelsRecord(step=(1, 4), value=(0.5, 2.0))
    image = ImageRecord(id="17", label=None, channels=(channel,))
    images = ImagesRecord(shape=(3, 4), rebin=1, features=("u",), units=("MeV",), images=(image,))
    points = PointsRecord(x=(1.0, 2.0), targets={"y": (1.5, 4.5)}, target="y", truth=None)
    return DataRecord(**measured(), observables={"x": histogram, "cut": cut}, examples={"wires": images}, points=points)


def search() -> SearchRecord:
    values = {"training.learning_rate": 0.01, "architecture.widths": [5, 5]}
    trial = TrialRecord(trial=1, values=values, epoch=(0.5, 1), val_loss=(2.0, 1.5), status="stopped early")
    space = {"training.learning_rate": {"kind": "uniform", "low": 0.001, "high": 0.1}}
    files = {"trials.csv": DIGEST, "search.png": OTHER}
    return SearchRecord(**NAMES, digest=DIGEST, order="in memory", space=space, trials=(trial,), files=files)


def export() -> ExportRecord:
    agreement = AgreementRecord(samples=300, largest_difference={"prediction": 1e-7}, tolerance=1e-4)
    model = ExportedModel(
        seed=0,
        run=DIGEST,
        file="seed-0.onnx",
        sha256=OTHER,
        inputs=("x",),
        outputs=("prediction",),
        agreement=agreement,
    )
    return ExportRecord(**NAMES, manifest_sha256=DIGEST, exports=(model,))


def preprocessing() -> PreprocessingRecord:
    info = InputRecord(layout="dense", features=("x",), units=("",), shape=(1,))
    return PreprocessingRecord(
        **NAMES, manifest_sha256=DIGEST, dataset_digest=OTHER, code_versions={"source function": 1}, settings="{}",
        groups={"jet": info}, target="y", parts=("a",), threads=1,
        sums={"jet": SumRecord(shape=(2,), values=(1.5, 3.0))},
    )  # fmt: skip


def claims() -> ClaimsRecord:
    margins = (
        MarginRecord(meaning="a minus b", value=0.5, error=0.1, worst_seed=0.25, distance=5.0),
        MarginRecord(meaning="a minus c", value=None, error=None, worst_seed=None, distance=None),
    )
    words = {"statement": "a exceeds b and c", "source": "Lectures", "sentence": "a is 1.0.", "notes": ("no value",)}
    chance = {"exact": False, "p_reproduced": 1.0, "p_not_reproduced": 1.0}
    claim = ClaimRecord(id="order", verdict="undecided", sigmas=2.0, margins=margins, **words, **chance)
    return ClaimsRecord(
        study="curve",
        title="A parabola",
        scale="demo",
        bevatron="0.1.0",
        config_digest=DIGEST,
        claims=(claim,),
        failures=(FailureRecord(name="curve-fits", reason="ValueError: x"),),
        results={"evaluation/net/metrics.json": OTHER},
        page={"index.html": DIGEST},
    )


CASES = [
    Case("runs.json", "bevatron train curve net", runs(), write_runs, lambda p: read_runs(p, "curve", "net")),
    Case("metrics.json", "bevatron evaluate curve net", metrics(), write_metrics,
         lambda p: read_metrics(p, "curve", "net")),
    Case("data.json", "bevatron observables curve", data(), write_data, lambda p: read_data(p, "curve")),
    Case("search.json", "bevatron search curve net", search(), write_search, lambda p: read_search(p, "curve", "net")),
    Case("claims.json", "bevatron report-study curve", claims(), write_claims, lambda p: read_claims(p, "curve")),
    Case("export.json", "bevatron export curve net", export(), write_export, lambda p: read_export(p, "curve", "net")),
    Case("preprocessing.json", "bevatron train curve net", preprocessing(), write_preprocessing,
         lambda p: read_preprocessing(p, "curve", "net")),
]  # fmt: skip


@pytest.fixture(params=CASES, ids=lambda case: case.file)
def case(request) -> Case:
    return request.param


@pytest.fixture
def case_of() -> Callable[[str], Case]:
    """The case of a file's name."""
    return lambda file: next(case for case in CASES if case.file == file)
