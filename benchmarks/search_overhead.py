"""What a search costs beside its fits: 20 one-worker trials of two epochs each, one after the other.

Two figures, both a trial and without the first one, which pays for the start of its process and the import of torch:
- outside the fit: time between the end of the first fit and the end of the last, less the time inside the fits
  that follow (where a fit waits for Tune to take its report counts as outside);
- outside the training steps: the same, less the training steps alone, so that the fit's own beginning and end
  (opening the data set, building the network and the trainer, validations, publishing weights) count too.
Also printed: how long the cluster and the first trial took to start.

Run as `python benchmarks/search_overhead.py [--trials N]`.
"""

import argparse
import json
import logging
import tempfile
import time
from pathlib import Path

EVENTS = "fits.jsonl"


def fit(job, on_validation, context):
    """The product's fit, with a note of when it began and ended; the search calls this in its trials' process."""
    from bevatron.training.fit import fit as real_fit

    waited = 0.0

    def report(row):
        nonlocal waited
        start = time.perf_counter()
        on_validation(row)
        waited += time.perf_counter() - start

    began = time.time()
    result = real_fit(job, report, context)
    line = {"began": began, "ended": time.time(), "waited": waited, "steps": result.seconds}
    with open(job.folder.parent / EVENTS, "a") as file:
        file.write(json.dumps(line) + "\n")
    return result


def study(trials: int):
    from bevatron.config.sections.study import Study

    rates = {"kind": "log_uniform", "low": 1e-3, "high": 1e-1}
    return Study.model_validate(
        {
            "name": "bench",
            "title": "y = x²",
            "summary": "A small data set.",
            "simulation": {"source": {"kind": "function", "train": 10_000, "val": 2_000, "test": 2_000}},
            "dataset": {"recipe": {"kind": "function", "noise": {"y": 5.0}}},
            "task": {"kind": "regression", "target": "y", "truth": "x_squared", "x": "x"},
            "models": {
                "net": {
                    "title": "1:50:1",
                    "inputs": ["x"],
                    "architecture": {"kind": "mlp", "widths": [50], "activation": "relu"},
                    "training": {"epochs": 2, "batch_size": 1000},
                    "search": {
                        "space": {"training.learning_rate": rates},
                        "trials": trials,
                        "epochs": 2,
                        "grace_period": 2,  # every trial runs both epochs
                    },
                }
            },
        }
    )


def main(trials: int = 20) -> list[dict]:
    """One row: the name, the overhead outside the training steps in seconds a trial, and the limit on it."""
    from bevatron.compute.process.environment import environment
    from bevatron.config.sections.workflow import Workflow
    from bevatron.prepare.stage import prepare_shard, write_manifest
    from bevatron.search.stage import search_model
    from bevatron.simulate.stage import simulate_shard

    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as name, environment(PYTHONPATH=str(Path(__file__).parent.absolute())):
        folder = Path(name)
        bench = study(trials)
        simulate_shard(bench, 0, folder / "shard-0000.h5")
        prepare_shard(bench, folder / "shard-0000.h5", folder / "dataset")
        write_manifest(bench, folder / "dataset")
        workflow = Workflow(
            studies=["bench"], runs_dir=str(folder / "runs"), accelerator="cpu", ray={"cpus": 1, "gpus": 0}
        )
        start = time.time()
        search_model(
            bench, workflow, "net", folder / "dataset" / "manifest.json", folder / "out", fit=Path(__file__).stem
        )
        total = time.time() - start
        fits = [json.loads(line) for line in next((folder / "runs").glob(f"*/{EVENTS}")).read_text().splitlines()]

    assert len(fits) == trials
    wall = fits[-1]["ended"] - fits[0]["ended"]
    inside = sum(fit["ended"] - fit["began"] - fit["waited"] for fit in fits[1:])
    steps = sum(fit["steps"] for fit in fits[1:])
    overhead = (wall - steps) / (trials - 1)
    print(f"{trials} trials of two epochs, one worker, {total:.1f} s in all with the cluster's start and end")
    print(f"until the first fit began   {fits[0]['began'] - start:8.2f} s")
    print(f"outside the fit             {(wall - inside) / (trials - 1):8.3f} s a trial after the first")
    print(f"outside the training steps  {overhead:8.3f} s a trial after the first")
    return [{"name": f"search of {trials} trials, overhead a trial after the first", "seconds": overhead, "limit": 1.5}]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    main(parser.parse_args().trials)
