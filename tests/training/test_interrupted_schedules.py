"""Every schedule with every average, with batches accumulated and without, over batch normalisation, stopped early or
not: a fit that ends after each chunk, or is killed at drawn places, has the bits of one that was never interrupted.
"""

import itertools
import random
from dataclasses import replace

import pytest
from auxiliary_jobs import job_of as auxiliary_job
from auxiliary_jobs import make_dataset, study_of
from digit_jobs import job_of
from drawn_fits import in_folder
from lives import fit_block_by_block, fit_interrupted, outcome

from bevatron.training.fit import fit

NETWORKS = {
    "mlp": {"kind": "mlp", "widths": [8], "dropout": 0.2},
    "batch_norm": {"kind": "resnet", "width": 0.03125, "stem": "small"},
}
SCHEDULES = {
    "warm_up": {"schedule": "constant", "warm_up": {"steps": 70}},  # it ends in the third chunk
    "cosine": {"schedule": "cosine", "warm_up": {"fraction": 0.3, "start_factor": 0.0}},
    "one_cycle": {"schedule": "one_cycle", "one_cycle": {"pct_start": 0.4, "div_factor": 5.0}},
}
AVERAGES = {
    "none": None,
    "exponential": {"decay": 0.9},
    "late": {"decay": 0.99, "start": 0.6},
    "equal": {"kind": "equal", "start": 0.2},
}
STOPPING = {"whole": None, "stops": {"patience": 1, "min_delta": 0.05}}
ALL = list(itertools.product(NETWORKS, SCHEDULES, AVERAGES, (1, 3), STOPPING))
FEW = random.Random(5).sample(ALL, 3)


def name_of(chosen) -> str:
    return "-".join(map(str, chosen))


def check(chosen, folder) -> None:
    network, schedule, average, accumulate, stopping = chosen
    values = {
        "epochs": 3, "batch_size": 4 if network == "mlp" else 5, "accumulate": accumulate, "checkpoint": "best",
        "optimiser": "adamw", "weight_decay": 0.01, "adversarial": None, "early_stopping": STOPPING[stopping],
        "weight_average": AVERAGES[average], **SCHEDULES[schedule],
    }  # fmt: skip
    job = job_of("fgsm", folder)
    model = job.model.with_values(
        {"architecture": NETWORKS[network]} | {f"training.{key}": value for key, value in values.items()}
    )
    job = replace(job, model=model)
    expected = outcome(job, fit(job))
    by_chunk = in_folder(job, "by-chunk")
    result, lives = fit_block_by_block(by_chunk)
    assert lives > 2
    assert outcome(by_chunk, result) == expected
    broken = in_folder(job, "broken")
    result, places = fit_interrupted(broken, random.Random(str(chosen)))
    assert outcome(broken, result) == expected, places


@pytest.mark.parametrize("chosen", FEW, ids=name_of)
def test_an_interruption_changes_nothing(chosen, tmp_path):
    check(chosen, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [each for each in ALL if each not in FEW], ids=name_of)
def test_an_interruption_changes_nothing_whatever_the_settings(chosen, tmp_path):
    check(chosen, tmp_path)


def test_an_interruption_changes_nothing_of_auxiliary_tasks(tmp_path):
    average, schedule = {"weight_average": {"decay": 0.9}}, SCHEDULES["one_cycle"]
    values = {"batch_size": 3, "accumulate": 4, "balance": "weights", **average, **schedule}
    job = auxiliary_job(make_dataset(tmp_path / "data"), tmp_path / "fit", study_of(**values, checkpoint_seconds=1e-9))
    expected = outcome(job, fit(job))
    by_chunk = in_folder(job, "by-chunk")
    result, lives = fit_block_by_block(by_chunk)
    assert lives > 2
    assert outcome(by_chunk, result) == expected
