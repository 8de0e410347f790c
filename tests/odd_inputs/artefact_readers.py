"""Every reader of a file, by a name of the file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bevatron.config.loading.load import read_yaml
from bevatron.evaluate.predictions.stored import read_predictions
from bevatron.models.network import load_network, load_spec
from bevatron.plan.measure import _job, _json
from bevatron.regular_files import read_bytes
from bevatron.report.provenance.trace import read_trace
from bevatron.report.results.study_results import _read_rows, _read_search
from bevatron.search.trial_log import TrialLog
from bevatron.simulate.external.external_files import open_plain_or_gzip
from bevatron.simulate.external.idx import LABELS, read_idx
from bevatron.store.files.publish import sha256_of
from bevatron.store.files.verify import verify
from bevatron.store.records.claims import read_claims
from bevatron.store.records.data import read_data
from bevatron.store.records.export import read_export
from bevatron.store.records.metrics import read_metrics
from bevatron.store.records.preprocessing import read_preprocessing
from bevatron.store.records.runs import read_runs
from bevatron.store.records.search import read_search
from bevatron.store.shards.manifest import load_manifest
from bevatron.store.shards.shard import read_shard
from bevatron.tables.open_table import TableOptions, format_of, open_table
from bevatron.training.checkpoint import DurableCheckpointIO, find_newest_valid

Reader = Callable[[Path], Any]


def read_table(path: Path) -> None:
    """All columns and rows of a table of others."""
    table = open_table(path, TableOptions())
    try:
        for _ in table.steps(list(table.columns), 0, None, 1000):
            pass
    finally:
        table.close()


def use(path: Path) -> None:
    with open_plain_or_gzip(path) as file:
        file.read()


TEXTS: dict[str, Reader] = {
    "manifest.json": load_manifest,
    "study.yaml": read_yaml,
    "runs.json": lambda path: read_runs(path, "curve", "net"),
    "metrics.json": lambda path: read_metrics(path, "curve", "net"),
    "data.json": lambda path: read_data(path, "curve"),
    "search.json": lambda path: read_search(path, "curve", "net"),
    "export.json": lambda path: read_export(path, "curve", "net"),
    "preprocessing.json": lambda path: read_preprocessing(path, "curve", "net"),
    "model.json": load_spec,
    "claims.json": lambda path: read_claims(path, "curve"),
    "provenance.json": read_trace,
    "trial_log.jsonl": lambda path: TrialLog(path).__exit__(),
    "timing.json": _json,
    "benchmark.tsv": _job,
    "best.yaml": lambda path: _read_search(path.parent, "curve", "net"),
    "trials.csv": lambda path: _read_rows(path, "bevatron search curve net"),
    "history.csv": lambda path: _read_rows(path, "bevatron train curve net"),
}
READERS: dict[str, Reader] = TEXTS | {
    "train-0000.h5": read_shard,
    "verified-0000.h5": verify,
    "predictions.h5": lambda path: read_predictions(path, "curve", "net"),
    "chunk-000000001.ckpt": lambda path: DurableCheckpointIO().load_checkpoint(path),
    "chunk-000000002.ckpt": lambda path: find_newest_valid(path.parent),
    "weights.safetensors": lambda path: load_network(path.parent),
    "labels-idx1-ubyte": lambda path: read_idx(path, LABELS),
    "events.hepmc": use,
    "any file": sha256_of,
    "plot.png": read_bytes,
    "table.h5": read_table,
    "table.csv": read_table,
    "table.npz": read_table,
    "format": format_of,
}
