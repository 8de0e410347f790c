"""Runs as runs.json lists them, with numbers of our own, for tests that need no training."""

from typing import Any

from bevatron.store.records.runs import RunEnvironment, RunRecord

ENVIRONMENT = RunEnvironment(
    device="cpu",
    processor="Some processor",
    capability="AVX2",
    threads=1,
    workers=1,
    strategy="",
    versions={"torch": "2.0"},
)


def run_record(seed: int = 0, **changes: Any) -> RunRecord:
    """A run of 20 epochs; `changes` replace fields."""
    fields: dict[str, Any] = {
        "seed": seed,
        "digest": "d" * 64,
        "folder": f"seed-{seed}",
        "files": {"weights.safetensors": "0" * 64, "model.json": "1" * 64},
        "versions": {"torch": "2.0"},
        "order": "in memory",
        "environments": (ENVIRONMENT,),
        "reproducible": True,
        "epochs": 20,
        "steps": 60,
        "best_epoch": 18,
        "best_val_loss": 0.5,
        "last_val_loss": 0.75,
        "stopped_early": True,
        "samples": 150_000,
        "seconds": 1.5,
        "samples_per_second": 1e5,
        "data_wait": 0.04,
        "workers": 1,
        "continued": 0,
        "n_weights": 151,
    }
    return RunRecord(**fields | changes)
