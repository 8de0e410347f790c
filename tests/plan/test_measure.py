"""Rates from a finished run, and the command that uses them."""

import json
import shutil
import sys

import pytest
import yaml
from run_records import run_record

from bevatron import cli
from bevatron.config.loading.load import load_workflow
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.plan import batch_sizes
from bevatron.plan.batch_sizes import with_batch_sizes
from bevatron.plan.measure import measure_rates
from bevatron.plan.rates import Rates, load_rates, rates_text
from bevatron.store.records.runs import RunsRecord, write_runs

STUDY = {
    "name": "plane",
    "title": "Plane",
    "summary": "Two clouds.",
    "simulation": {"source": {"kind": "gaussians", "train": 40, "val": 10, "test": 50}, "shards": 2},
    "dataset": {"recipe": {"kind": "gaussians", "clouds": {"cloud": {"means": [[0, 0], [1, 1]],
                                                                     "covariances": [[[1, 0], [0, 1]]]}}}},
    "task": {"kind": "classification_2d", "target": "class", "classes": ["left", "right"], "signal": "right"},
    "n_seeds": 2,
    "models": {
        "net": {
            "title": "t", "inputs": ["cloud"], "architecture": {"kind": "mlp", "widths": [3]},
            "search": {"trials": 4, "epochs": 5,
                       "space": {"training.learning_rate": {"kind": "uniform", "low": 0.1, "high": 0.2}}},
        }
    },
    "scales": {"paper": {"simulation": {"shards": 100}}},
}  # fmt: skip


def benchmark(path, s, cpu, memory=200.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    path.write_text(f"{head}{s}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t90\t{cpu}\n")


def runs_of(model: str) -> RunsRecord:
    """Two runs of 4 s and 1600 samples each."""
    runs = tuple(run_record(seed, seconds=4.0, samples=1600) for seed in (0, 1))
    digests = {"manifest_sha256": "0" * 64, "dataset_digest": "1" * 64}
    return RunsRecord(study="plane", model=model, **digests, settings={}, runs=runs)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A real dataset, and the benchmarks and runs that a workflow leaves, with numbers of our own."""
    from bevatron.prepare.stage import prepare_shard, write_manifest
    from bevatron.simulate.stage import simulate_shard

    root = tmp_path_factory.mktemp("run")
    study = Study.model_validate({key: value for key, value in STUDY.items() if key != "scales"})
    results = root / "results"
    place, benchmarks = results / "plane", results / "benchmarks"
    for shard in (0, 1):
        name = f"shard-{shard:04d}"
        simulate_shard(study, shard, place / "raw" / f"{name}.h5")
        prepare_shard(study, place / "raw" / f"{name}.h5", place / "dataset")
        timing = {"events": 200, "samples": 200, "seconds": 6.0, "seconds_in_generator": 5.0}
        (place / "raw" / f"{name}.timing.json").write_text(json.dumps(timing))
        benchmark(benchmarks / "simulate" / "plane" / f"{name}.tsv", 10.0, 5.0, 250.0)
        benchmark(benchmarks / "prepare" / "plane" / f"{name}.tsv", 9.0, 4.0)
    write_manifest(study, place / "dataset")
    benchmark(benchmarks / "manifest" / "plane.tsv", 5.0, 3.0)
    benchmark(benchmarks / "observables" / "plane.tsv", 5.0, 2.5)
    benchmark(benchmarks / "train" / "plane" / "net.tsv", 20.0, 10.0, 500.0)
    benchmark(benchmarks / "evaluate" / "plane" / "net.tsv", 9.0, 8.0, "NA")
    benchmark(benchmarks / "report_study" / "plane.tsv", 3.0, "NA")
    (place / "models" / "net").mkdir(parents=True)
    write_runs(place / "models" / "net" / "runs.json", runs_of("net"))
    (place / "evaluation" / "net").mkdir(parents=True)
    (place / "evaluation" / "net" / "predictions.h5").write_bytes(b"x" * 4000)
    (place / "search" / "net").mkdir(parents=True)
    (place / "search" / "net" / "trials.csv").write_text("trial,epochs\n0,5\n1,1\n2,1\n3,1\n")
    (results / "report" / "plane").mkdir(parents=True)
    (results / "report" / "plane" / "index.html").write_bytes(b"y" * 700)
    (root / "config" / "studies").mkdir(parents=True)
    (root / "config" / "studies" / "plane.yaml").write_text(yaml.safe_dump(STUDY))
    (root / "config" / "config.yaml").write_text("studies: [plane]\n")
    return root, study


def test_rates_are_those_of_the_run(finished):
    root, study = finished
    found = measure_rates(study, "demo", root / "results", "2026-11-23", "a bench")
    # four of ten seconds are no simulation: so two of five core-seconds are the start, three go into 200 events
    assert (found.simulate.start, found.simulate.seconds, found.simulate.samples) == (2.0, 0.015, 1.0)
    assert found.simulate.memory_mb == 250.0
    assert found.prepare.seconds == 0.01  # twice two core-seconds beside the start, over 400 raw samples
    assert found.prepare.samples_per_raw == 1.0
    assert found.prepare.manifest_seconds == 0.0025
    assert found.prepare.observables_seconds == 0.0025
    # eight of twenty seconds are training: four of ten core-seconds, over 3200 samples; the rest is the start
    net = found.fits["net"]
    assert (net.start, net.seconds) == (6.0, 0.00125)
    assert (net.evaluate_start, net.evaluate_seconds) == (8.0, 0.0)  # the quickest evaluation of all
    assert net.evaluate_bytes == 10.0
    assert net.searched_fraction == 0.4  # 8 of 20 epochs
    assert net.memory_mb == 500
    assert (found.report_seconds, found.report_bytes) == (3.0, 700)


def test_an_evaluation_s_start_is_that_of_the_quickest(finished, tmp_path):
    root, study = finished
    shutil.copytree(root / "results", results := tmp_path / "results")
    for folder in ("train", "evaluate"):
        of_net = results / "benchmarks" / folder / "plane" / "net.tsv"
        shutil.copy(of_net, of_net.with_name("other.tsv"))
    for folder in ("models", "evaluation", "search"):
        shutil.copytree(results / "plane" / folder / "net", results / "plane" / folder / "other")
    write_runs(results / "plane" / "models" / "other" / "runs.json", runs_of("other"))
    benchmark(results / "benchmarks" / "evaluate" / "plane" / "other.tsv", 20.0, 10.0)
    two = study.model_copy(update={"models": {**study.models, "other": study.models["net"]}})
    fits = measure_rates(two, "demo", results, "2026-11-23", "a bench").fits
    assert (fits["net"].evaluate_start, fits["net"].evaluate_seconds) == (8.0, 0.0)
    # two of ten core-seconds are beyond the start, over 200 test samples and 2 seeds
    assert (fits["other"].evaluate_start, fits["other"].evaluate_seconds) == (8.0, 0.005)


def test_an_unfinished_run_is_told(finished, tmp_path):
    root, study = finished
    shutil.copytree(root / "results", tmp_path / "results")
    (tmp_path / "results" / "benchmarks" / "train" / "plane" / "net.tsv").unlink()
    with pytest.raises(UserError, match=r"net\.tsv: no such file; run the workflow to its end first"):
        measure_rates(study, "demo", tmp_path / "results", "2026-11-23", "a bench")


@pytest.fixture
def bevatron(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bevatron", "plan", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as end:
            captured = capsys.readouterr()
            return end.code or 0, captured.out + captured.err
        raise AssertionError("the command did not end")

    return run


def test_the_command_measures_writes_and_says_what_it_used(finished, bevatron, monkeypatch, tmp_path):
    root, _ = finished
    monkeypatch.chdir(root)
    monkeypatch.setenv("COLUMNS", "200")
    code, text = bevatron("plane", "--scale", "paper")
    assert (code, "Rates measured in results, at scale demo" in text) == (0, True)
    assert bevatron("plane", "--scale", "paper", "--results", tmp_path)[0] == 2  # neither results nor rates
    code, text = bevatron("plane", "--measure")
    assert (code, text.strip()) == (0, "config/rates.yaml: the rates of plane, measured in results")
    code, text = bevatron("plane", "--scale", "paper", "--results", tmp_path)
    assert code == 0
    assert "Rates of config/rates.yaml, measured " in text
    # 100 shards: (2 + 200 × 0.015) core-seconds each
    (row,) = [line.split() for line in text.splitlines() if line.startswith("  simulate")]
    assert row[1:3] == ["100", f"{500 / 3600:.3g}"]


def test_the_file_of_rates_is_read_as_it_was_written(finished, tmp_path):
    root, study = finished
    found = Rates(studies={"plane": measure_rates(study, "demo", root / "results", "2026-11-23", "a bench")})
    (tmp_path / "rates.yaml").write_text(rates_text(found))
    assert load_rates(tmp_path / "rates.yaml") == found


def test_the_shipped_rates_can_be_read():
    from pathlib import Path

    shipped = load_rates(Path(__file__).parents[2] / "config" / "rates.yaml")
    assert "perceptron" in shipped.studies


def test_steps_of_the_batch_sizes_of_other_scales_are_timed(finished, monkeypatch):
    root, study = finished
    monkeypatch.setattr(batch_sizes, "SAMPLES", 800)
    rates = measure_rates(study, "demo", root / "results", "2026-11-23", "a bench")
    net = study.models["net"]
    training = net.training.model_copy(update={"batch_size": 20})
    paper = study.model_copy(update={"models": {"net": net.model_copy(update={"training": training})}})
    workflow = load_workflow(root / "config" / "config.yaml")
    fits = with_batch_sizes(rates, study, [paper], workflow, root / "results").fits["net"]
    (timed,) = fits.other_batches
    assert (timed.batch_size, fits.batch_size) == (20, 1000)
    assert fits.seconds == rates.fits["net"].seconds
    assert fits.seconds_at(20) == timed.seconds
    assert 1e-6 < timed.seconds < 1e-2
    assert with_batch_sizes(rates, study, [study], workflow, root / "results") == rates  # nothing to time
