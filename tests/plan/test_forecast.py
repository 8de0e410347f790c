"""The plan is arithmetic: every number here was worked out by hand."""

import io

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from bevatron.cli import app
from bevatron.config.sections.resources import Resources
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.plan.forecast import estimate_sizes, forecast
from bevatron.plan.rates import Rates, StudyRates, rates_text
from bevatron.plan.table import show

HOUR = 3600.0
RATES = {
    "date": "2026-11-23",
    "machine": "a bench",
    "scale": "demo",
    "simulate": {"start": 4.0, "seconds": 0.005, "events": 900, "samples": 1.25, "bytes": 2000, "memory_mb": 300},
    "prepare": {
        "seconds": 0.001, "samples_per_raw": 0.8, "bytes": 500, "memory_bytes": 1000, "memory_mb": 400,
        "manifest_seconds": 1e-5, "observables_seconds": 1e-4,
    },
    "fits": {
        "net": {
            "architecture": "mlp", "start": 5.0, "seconds": 1e-5, "evaluate_start": 2.0, "evaluate_seconds": 2e-5,
            "memory_mb": 600, "bytes": 1e6, "evaluate_bytes": 20, "searched_fraction": 0.5,
        },
        "slow": {
            "architecture": "mlp", "start": 5.0, "seconds": 4e-5, "evaluate_start": 2.0, "evaluate_seconds": 2e-5,
            "memory_mb": 700, "bytes": 1e6, "evaluate_bytes": 20,
        },
    },
    "report_seconds": 36.0,
    "report_bytes": 5e6,
}  # fmt: skip
STUDY = {
    "name": "tagger",
    "title": "t",
    "summary": "s",
    "simulation": {"source": {"kind": "jets", "events": 1000}, "shards": 50},
    "dataset": {"recipe": {"kind": "jets"}, "split": {"train": 0.8, "val": 0.1, "test": 0.1}},
    "task": {"kind": "classification", "target": "flavour", "classes": ["light", "beauty"], "signal": "beauty"},
    "n_seeds": 2,
    "models": {
        "net": {
            "title": "n", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": [4]}, "training": {"epochs": 10},
            "search": {
                "trials": 20, "epochs": 4,
                "space": {"training.learning_rate": {"kind": "uniform", "low": 0.001, "high": 0.1}},
            },
        },
        "other": {
            "title": "o", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": [4]},
            "training": {"epochs": 5, "samples": 30_000},
        },
    },
}  # fmt: skip


@pytest.fixture
def lines():
    study, rates = Study.model_validate(STUDY), StudyRates.model_validate(RATES)
    resources = {"overrides": {"tagger/net": {"train": {"nodes": 2, "gpus": 4}}}}
    found = forecast(study, rates, Resources.model_validate(resources), DataLoading(memory_budget_gb=0.1))
    return {line.stage: line for line in found}


def test_sizes():
    """3 processes of 1000 events in 50 shards, 1.25 jets an event, of which 0.8 are kept: 150,000 of 187,500."""
    sizes = estimate_sizes(Study.model_validate(STUDY), StudyRates.model_validate(RATES))
    assert (sizes.events, sizes.raw) == (3000, 187_500)
    assert sizes.split == pytest.approx({"train": 120_000, "val": 15_000, "test": 15_000})


def test_shards(lines):
    simulate, prepare = lines["simulate"], lines["prepare"]
    assert simulate.jobs == prepare.jobs == 50
    assert simulate.core_hours == pytest.approx(50 * (4 + 0.005 * 3000) / HOUR)
    assert simulate.longest == pytest.approx(19 / HOUR)
    assert simulate.gigabytes == pytest.approx(187_500 * 2000 / 1e9)
    assert "in 3 batch jobs" in simulate.note
    assert prepare.core_hours == pytest.approx(50 * (4 + 0.001 * 3750) / HOUR)
    assert prepare.gigabytes == pytest.approx(150_000 * 500 / 1e9)
    assert lines["manifest"].core_hours == pytest.approx((4 + 1.5) / HOUR)
    assert lines["observables"].core_hours == pytest.approx((4 + 1.5) / HOUR)


def test_the_memory_of_the_manifest_s_job_stops_growing():
    """A start of 100 MB, three copies of a shard of 10,000 samples of 1 kB, 5/4 of the numbers kept for quantiles, of
    ids 16 bytes a sample and at most 4 × 16 MiB, and 4 kB a file."""
    found = {}
    for shards in (50, 500, 10_000):
        tree = STUDY | {"simulation": {"source": {"kind": "jets", "events": 3333}, "shards": shards}}
        lines = forecast(Study.model_validate(tree), StudyRates.model_validate(RATES), Resources(), DataLoading())
        found[shards] = next(line.memory_gb for line in lines if line.stage == "manifest")
    samples = 3 * 3333 * 1.25 * 0.8
    assert found[50] == pytest.approx(
        0.1 + (3 * samples * 1000 + 1.25 * 192e6 + 16 * samples * 50 + 4000 * 150) / 1e9, rel=1e-6
    )
    assert found[10_000] == pytest.approx(
        0.1 + (3 * samples * 1000 + 1.25 * 192e6 + 4 * 2**24 + 4000 * 30_000) / 1e9, rel=1e-6
    )
    assert found[500] < found[10_000] < 1.0


def test_learning(lines):
    """An epoch of net: 120,000 samples and a third of 15,000, 1.25 s; of other, as of slow: 30,000 + 5,000, 1.4 s."""
    net, other = 5 + 2 * 10 * 1.25, 5 + 2 * 5 * 1.4
    assert lines["train"].jobs == 2
    assert lines["train"].core_hours == pytest.approx((net + other) / HOUR)
    assert lines["train"].longest == pytest.approx(net / HOUR)
    assert lines["train"].gpu_hours == pytest.approx(2 * 4 * net / HOUR)
    assert lines["train"].note == "1 model not measured: at the rate of slow"
    assert lines["search"].core_hours == pytest.approx((10 + 20 * 4 * 0.5 * 1.25) / HOUR)
    assert lines["evaluate"].core_hours == pytest.approx(2 * (2 + 2 * 15_000 * 2e-5) / HOUR)
    assert lines["train"].gigabytes == pytest.approx(2 * 2 * 2 * 1e6 / 1e9)
    # of net's 120 MB of training samples the budget of 100 MB is read at once, and its 15 MB to validate
    assert lines["train"].memory_gb == pytest.approx(max(600 + 100 + 15, 700 + 30 + 15) / 1e3)


def test_the_memory_of_an_evaluation_grows_with_the_test_split(lines):
    """Beside what a fit takes: the samples as they are read, and of each the outputs of 2 seeds, 20 bytes, and 120."""
    assert lines["evaluate"].memory_gb == pytest.approx((700 + 15 + 15_000 * (2 * 20 + 120) / 1e6) / 1e3)
    assert lines["observables"].memory_gb == pytest.approx((400 + 15_000 * 120 / 1e6) / 1e3)


def test_variations_cost_their_data_and_an_evaluation_of_each_model_and_no_training(lines):
    """One of half as many events: 1,500 in each of 50 shards, 93,750 raw samples, 7,500 test samples; one of 3,003."""
    tree = STUDY | {"variations": {"few": {"source": {"events": 500}}, "more": {"source": {"events": 1001}}}}
    rates = StudyRates.model_validate(RATES)
    resources = Resources.model_validate({"overrides": {"tagger/net": {"evaluate": {"gpus": 3}}}})
    found = {line.stage: line for line in forecast(Study.model_validate(tree), rates, resources, DataLoading())}
    seconds, of_models, size = 0.0, 0.0, 0.0
    for events in (1500, 3003):
        raw, test = 50 * events * 1.25, 5 * events
        seconds += 50 * (4 + 0.005 * events) + 50 * (4 + 0.001 * raw / 50) + 4 + 1e-5 * test
        of_models += 2 + 2 * test * 2e-5
        size += raw * 2000 + test * 500 + 2 * 2 * test * 20
    varied = found.pop("variations")
    assert varied.jobs == 2 * (50 + 50 + 1 + 2)
    assert varied.core_hours == pytest.approx((seconds + 2 * of_models) / HOUR)
    assert varied.gpu_hours == pytest.approx(3 * of_models / HOUR)
    assert varied.gigabytes == pytest.approx(size / 1e9)
    assert varied.memory_gb == found["evaluate"].memory_gb
    assert {name: line.core_hours for name, line in found.items()} == {n: line.core_hours for n, line in lines.items()}


def test_of_a_cross_validation_it_is_said_how_rates_can_be_had(tmp_path, monkeypatch):
    (tmp_path / "config/studies").mkdir(parents=True)
    (tmp_path / "config/config.yaml").write_text("studies: [tagger]\n")
    tree = STUDY | {"dataset": STUDY["dataset"] | {"folds": 3}}
    (tmp_path / "config/studies/tagger.yaml").write_text(yaml.safe_dump(tree))
    monkeypatch.chdir(tmp_path)
    error = CliRunner().invoke(app, ["plan", "tagger"]).exception
    assert "has no rates of the study 'tagger', and those of a cross-validation cannot be measured" in str(error)
    assert "without dataset.folds" in str(error)
    rates = Rates(studies={"tagger": StudyRates.model_validate(RATES)})
    (tmp_path / "config/rates.yaml").write_text(rates_text(rates))
    assert CliRunner().invoke(app, ["plan", "tagger"]).exit_code == 0


def test_a_source_with_its_own_splits():
    source = {"kind": "function", "train": 700, "val": 100, "test": 200}
    tree = STUDY | {"simulation": {"source": source, "shards": 2}, "models": {"net": STUDY["models"]["net"]}}
    rates = RATES | {
        "simulate": RATES["simulate"] | {"samples": 1.0},
        "prepare": RATES["prepare"] | {"samples_per_raw": 1.0},
    }
    sizes = estimate_sizes(Study.model_validate(tree), StudyRates.model_validate(rates))
    assert sizes.split == pytest.approx({"train": 1400, "val": 200, "test": 400})


def test_the_table_has_a_row_for_each_stage_and_says_where_rates_come_from(lines):
    text = io.StringIO()
    show(list(lines.values()), "tagger at scale paper", "Rates of a bench.", Console(file=text, width=80))
    assert "…" not in text.getvalue()  # nothing is cut off in a terminal of the usual width
    assert f"simulate: {lines['simulate'].note}" in text.getvalue()
    for stage in ("simulate", "prepare", "manifest", "observables", "search", "train", "evaluate", "report", "all"):
        assert f" {stage} " in text.getvalue()
    assert "Rates of a bench." in text.getvalue()
    assert "375 MB" in text.getvalue()


def test_a_step_of_another_size_costs_what_was_measured_for_it():
    """Of net's steps of 1,000 samples 2 µs a sample, of those of 100 the 10 µs of the run; other has slow's rates."""
    batches = {"batch_size": 100, "other_batches": [{"batch_size": 1000, "seconds": 2e-6, "date": "2026-11-29"}]}
    rates = RATES | {"fits": RATES["fits"] | {"net": RATES["fits"]["net"] | batches}}
    found = {}
    for batch_size in (50, 100, 999, 1000, 5000):
        net = STUDY["models"]["net"] | {"training": {"epochs": 10, "batch_size": batch_size}}
        study = Study.model_validate(STUDY | {"models": {"net": net}})
        lines = forecast(study, StudyRates.model_validate(rates), Resources(), DataLoading())
        found[batch_size] = next(line for line in lines if line.stage == "train")
    small, large = (5 + 2 * 10 * 125_000 * seconds for seconds in (1e-5, 2e-6))
    assert [found[size].core_hours * HOUR for size in found] == pytest.approx([small, small, small, large, large])
    assert [bool(line.note) for line in found.values()] == [True, False, True, False, True]
    assert "1 model at the rate of steps of another size" in found[5000].note


def test_accumulated_batches_cost_what_their_samples_cost(lines):
    """An epoch is as many batches as without: only the updates between them, the smallest part, are fewer."""
    payload = {**STUDY, "models": {name: {**model} for name, model in STUDY["models"].items()}}
    for model in payload["models"].values():
        model["training"] = {**model["training"], "accumulate": 8}
    resources = {"overrides": {"tagger/net": {"train": {"nodes": 2, "gpus": 4}}}}
    study, rates = Study.model_validate(payload), StudyRates.model_validate(RATES)
    found = forecast(study, rates, Resources.model_validate(resources), DataLoading(memory_budget_gb=0.1))
    assert {line.stage: line for line in found} == lines


def test_other_batch_sizes_are_taken_over_from_the_same_machine_alone():
    batches = {"batch_size": 100, "other_batches": [{"batch_size": 1000, "seconds": 2e-6, "date": "2026-11-29"}]}
    with_batches = StudyRates.model_validate(RATES | {"fits": {"net": RATES["fits"]["net"] | batches}})
    rates = StudyRates.model_validate(RATES)
    assert rates.with_batches_of(with_batches).fits["net"].other_batches == with_batches.fits["net"].other_batches
    elsewhere = with_batches.model_copy(update={"machine": "another"})
    assert rates.with_batches_of(elsewhere) == rates


def test_each_fold_is_a_job_and_all_samples_are_tested():
    """Of 5 folds with 8 of 9 other events to learn from: 4/5 · 8/9 of all; five times the trainings, one search."""
    study, rates = Study.model_validate(STUDY), StudyRates.model_validate(RATES)
    folded = study.model_copy(update={"dataset": study.dataset.model_copy(update={"folds": 5})})
    sizes, n = estimate_sizes(folded, rates), 150_000
    assert sizes.samples == pytest.approx(n)
    assert sizes.split == pytest.approx({"train": n * 32 / 45, "val": n * 4 / 45, "test": n})
    lines = {line.stage: line for line in forecast(folded, rates, Resources(), DataLoading())}
    assert [lines[stage].jobs for stage in ("search", "train", "evaluate")] == [1, 10, 2]
    validated = n * 4 / 45 / 3
    net = 5 + 2 * 10 * 1e-5 * (n * 32 / 45 + validated)
    other = 5 + 2 * 5 * 4e-5 * (30_000 + validated)
    assert lines["train"].core_hours == pytest.approx(5 * (net + other) / HOUR)
    assert lines["train"].longest == pytest.approx(max(net, other) / HOUR)
    assert lines["evaluate"].core_hours == pytest.approx(2 * (2 + 2 * n * 2e-5) / HOUR)
