"""Several workers learn auxiliary tasks as one does, with DDP, FSDP, accumulation, and balanced classes."""

import json

import pandas as pd
import pytest
import torch
from auxiliary_jobs import TASKS, job_of, make_dataset, study_of
from safetensors.torch import load_file
from worker_processes import worker_processes

pytestmark = pytest.mark.slow
BALANCED = {**TASKS, "origin": {**TASKS["origin"], "balance": "weights"}}
SETTINGS = {
    # Steps of 50 and one of 40; batches of 1 leave two of three workers without a sample.
    "plain": (3, "ddp", {"batch_size": 50, "epochs": 6}),
    "balanced": (2, "ddp", {"batch_size": 50, "epochs": 4, "balance": "weights"}),
    "accumulated": (2, "ddp", {"batch_size": 30, "epochs": 4, "accumulate": 3}),
    "single samples": (3, "ddp", {"batch_size": 1, "epochs": 1, "samples": 20}),
    # Plain steps: the gradient of the keys' bias is nothing but rounding, of which Adam would make whole steps.
    "fsdp": (2, "fsdp", {"batch_size": 50, "epochs": 4, "optimiser": "sgd", "learning_rate": 0.05}),
}


@pytest.fixture(scope="module")
def processes():
    with worker_processes() as found:
        yield found


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", SETTINGS)
def test_any_number_of_workers_learns_the_same(case, weighted, processes, tmp_path):
    size, strategy, training = SETTINGS[case]
    manifest = make_dataset(tmp_path / "dataset", weighted)
    study = study_of(BALANCED, {"class_subset": ["light", "beauty"]} if case == "plain" else None, **training)
    found = []
    for n in (1, size):
        folder = tmp_path / f"of-{n}"
        folder.mkdir()
        job = job_of(manifest, folder, study, "transformer" if case == "fsdp" else "sets")
        file, errors = tmp_path / f"{n}.json", [tmp_path / f"{n}-{rank}.err" for rank in range(n)]
        file.write_text(json.dumps(job.as_payload()))
        codes = processes.run(file, n, errors, strategy)
        assert codes == [0] * n, [path.read_text() for path in errors]
        history = pd.read_csv(folder / "history.csv").drop(columns=["seconds", "data_wait"])
        found.append((history, load_file(folder / "weights.safetensors")))
    (one, weights), (several, others) = found
    assert {f"val_loss.{name}" for name in TASKS} < set(one.columns)
    pd.testing.assert_frame_equal(one, several, rtol=1e-4, check_exact=False)
    for name, expected in weights.items():
        torch.testing.assert_close(others[name], expected, rtol=1e-3, atol=1e-4)
