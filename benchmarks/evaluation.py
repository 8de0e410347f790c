"""How long the metrics of a large test split take, and how much memory, in a process of their own.

    python benchmarks/evaluation.py [--samples 3000000]

Five networks' outputs of three classes, 200 replicas by event (three samples of five share one, as jets do): what
`bevatron evaluate` does once the networks have been asked, that is predictions.h5 and metrics.json. Both grow with the
samples alone; the limits are those of 10 million samples, 15 min and 2 GB, for as many as there are.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

FULL, SECONDS, GIGABYTES = 10_000_000, 900.0, 2.0
SEEDS, CLASSES, REPLICAS = 5, ("light", "charm", "beauty"), 200
STUDY = {
    "name": "large",
    "title": "Large",
    "summary": "Large",
    "simulation": {"source": {"kind": "jets"}, "shards": 1},
    "dataset": {"recipe": {"kind": "jets"}},
    "task": {"kind": "classification", "target": "flavour", "classes": list(CLASSES), "signal": "beauty"},
    "models": {"net": {"title": "Net", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": []}}},
    "evaluation": {"bootstrap": REPLICAS},
}

RUN = {  # how each network was trained: nothing here depends on it
    "digest": "0" * 64,
    "files": {"weights.safetensors": "0" * 64},
    "versions": {},
    "order": "",
    "environments": [
        {"device": "cpu", "processor": "", "capability": "", "threads": 1, "workers": 1, "strategy": "", "versions": {}}
    ],
    "reproducible": True,
    "stopped_early": False,
    **dict.fromkeys(("epochs", "steps", "best_epoch", "samples", "workers", "continued", "n_weights"), 1),
    **dict.fromkeys(("best_val_loss", "last_val_loss", "seconds", "samples_per_second", "data_wait"), 1.0),
}


def main(samples: int = 3_000_000) -> list[dict]:
    """Two rows, each a name, what was measured for so many samples, and the limit on it: seconds, then gigabytes."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        seconds, cpu, gigabytes = pool.apply(measured, (samples,))
    fraction, name = samples / FULL, f"evaluation of {samples:,} samples, {SEEDS} seeds, {REPLICAS} replicas"
    return [
        {"name": name, "seconds": seconds, "cpu": cpu, "limit": SECONDS * fraction},
        {"name": f"{name}: memory", "seconds": gigabytes, "limit": max(GIGABYTES * fraction, 1.0), "unit": "GB"},
    ]


def measured(samples: int) -> tuple[float, float, float]:
    """Wall time and CPU time of predictions.h5 and metrics.json, and the most memory of the process, in GB."""
    import numpy as np
    import torch  # noqa: F401  (in the memory of every evaluation)

    from bevatron.config.sections.study import Study
    from bevatron.config.sections.workflow import Workflow
    from bevatron.evaluate.evaluation import EvaluationContext, Predictions
    from bevatron.evaluate.predictions.file import write_predictions
    from bevatron.evaluate.stage import metrics_record
    from bevatron.store.records.metrics import write_metrics
    from bevatron.store.records.runs import RunRecord
    from bevatron.store.shards.dataset import Dataset
    from bevatron.store.shards.manifest import Manifest

    random = np.random.default_rng(1)
    labels = random.integers(0, len(CLASSES), samples)
    event = np.cumsum(random.random(samples) < 0.65).astype(np.uint64)  # the jets of an event lie side by side
    outputs = np.empty((SEEDS, samples, len(CLASSES)), np.float32)
    for seed in outputs:
        random.standard_normal(out=seed, dtype=np.float32)
        seed[np.arange(samples), labels] += 1.5
    predictions = Predictions(outputs, {"flavour": labels}, np.arange(samples, dtype=np.uint64), event=event)
    study = Study.model_validate(STUDY)
    manifest = Manifest.model_construct(sha256="0" * 64, classes=CLASSES)
    context = EvaluationContext(study, Workflow(studies=[study.name]), "net", Dataset(Path("manifest.json"), manifest))
    runs = tuple(RunRecord.model_validate({**RUN, "seed": k, "folder": f"seed-{k}"}) for k in range(SEEDS))
    with tempfile.TemporaryDirectory() as folder:
        start, cpu = perf_counter(), process_time()
        write_predictions(Path(folder) / "predictions.h5", predictions, {"study": study.name}, list(range(SEEDS)))
        write_metrics(Path(folder) / "metrics.json", metrics_record(context, runs, predictions))
        seconds, cpu = perf_counter() - start, process_time() - cpu
    return seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=3_000_000)
    rows = main(parser.parse_args().samples)
    for row in rows:
        unit, cpu = row.get("unit", "s"), f" ({row['cpu']:.0f} s of CPU)" if "cpu" in row else ""
        print(f"{row['name']}: {row['seconds']:.2f} {unit}{cpu}, limit {row['limit']:.2f} {unit}")
    sys.exit(any(row["seconds"] > row["limit"] for row in rows))
