"""A folder with one valid file of every kind that Bevatron reads."""

import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from bevatron.config.loading.digest import digest_of
from bevatron.config.loading.yaml_text import dump_yaml
from bevatron.evaluate.evaluation import Predictions
from bevatron.evaluate.predictions.file import write_predictions
from bevatron.models.layers.inputs import InputGroup
from bevatron.models.network import Network, NetworkSpec, weights_bytes
from bevatron.search.trial_log import TrialLog
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_json, sha256_of
from bevatron.training.checkpoint import DurableCheckpointIO

RECORDS = runpy.run_path(str(Path(__file__).parents[1] / "store" / "records" / "conftest.py"))["CASES"]


@pytest.fixture(scope="session")
def artefacts(curve, tmp_path_factory):
    """The folder; tests that change a file copy it first."""
    folder = tmp_path_factory.mktemp("artefacts")
    for record in RECORDS:
        record.write(folder / record.file, record.record)
    shutil.copytree(curve.manifest.parent, folder, dirs_exist_ok=True)
    shutil.copy(folder / "train-0000.h5", folder / "verified-0000.h5")
    (folder / "study.yaml").write_text(yaml.safe_dump(curve.study.model_dump(mode="json")))
    write_tables(folder)
    write_state(folder)
    record = next(record for record in RECORDS if record.file == "search.json")
    (folder / "search.png").write_bytes(b"figure")
    files = {name: sha256_of(folder / name) for name in ("trials.csv", "search.png")}
    record.write(folder / "search.json", record.record.model_copy(update={"files": files}))
    write_network(folder)
    return folder


def write_tables(folder: Path) -> None:
    rng = np.random.default_rng(1)
    (folder / "best.yaml").write_text(dump_yaml(with_checksum({"values": {"training.epochs": 3}, "val_loss": 0.5})))
    (folder / "trials.csv").write_text("trial,training.epochs,val_loss,status\n1,3,0.5,finished\n2,4,,diverged\n")
    rows = "".join(f"{e},{3 * e},{1 / e},{1 / e},0.01,{e},0\r\n" for e in range(1, 30))
    (folder / "history.csv").write_text(f"epoch,step,train_loss,val_loss,learning_rate,seconds,data_wait\r\n{rows}")
    (folder / "benchmark.tsv").write_text("s\tcpu_time\tmax_rss\n1.5\t1.2\t300.0\n")
    publish_json(folder / "timing.json", {"samples": 100, "events": 50, "seconds": 2.0})
    columns = {"pt": rng.normal(size=200), "n": rng.integers(0, 9, 200)}
    np.savez(folder / "table.npz", **columns)
    lines = [f"{pt},{n}" for pt, n in zip(*columns.values(), strict=True)]
    (folder / "table.csv").write_text("\n".join(["pt,n", *lines]) + "\n")
    shutil.copy(folder / "train-0000.h5", folder / "table.h5")
    (folder / "labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x02\x03\x04")
    for name in ("events.hepmc", "any file", "plot.png", "format"):
        (folder / name).write_bytes(bytes(rng.integers(0, 256, 5000, dtype=np.uint8)))


def write_state(folder: Path) -> None:
    with TrialLog(folder / "trial_log.jsonl") as log:
        log.start(1, {"training.epochs": 3})
        log.report(1, 1.0, 0.5, 0.1)
        log.end(1, "finished", "", 0.2, None)
    tree = {
        "schema_version": 1, "studies": {"curve": {}}, "files": {"report": {"index.html": "0" * 64}, "results": {}},
        "claims": [], "numbers": [], "origins": [],
    }  # fmt: skip
    publish_json(folder / "provenance.json", tree | {"sha256": digest_of("provenance", tree)})
    DurableCheckpointIO().save_checkpoint({"epoch": 1, "rows": [1.0, 2.0]}, folder / "chunk-000000001.ckpt")
    predictions = Predictions(
        np.ones((2, 50, 1), np.float32), {"y": np.ones(50, np.float32)}, np.arange(50, dtype=np.uint64)
    )
    attributes = {"study": "curve", "model": "net", "classes": "", "task": "regression"}
    write_predictions(folder / "predictions.h5", predictions, attributes, [0, 1])


def write_network(folder: Path) -> None:
    (folder / "net").mkdir()
    (folder / "ckpt").mkdir()
    DurableCheckpointIO().save_checkpoint({"epoch": 2}, folder / "ckpt" / "chunk-000000002.ckpt")
    architecture = {"kind": "mlp", "widths": [4]}
    network = Network(NetworkSpec(architecture, {"x": InputGroup((1,), ("x",), False)}, 1, "none"))
    (folder / "net" / "weights.safetensors").write_bytes(weights_bytes(network))
    (folder / "net" / "model.json").write_text(json.dumps({"network": network.spec.as_payload()}))
    shutil.copy(folder / "net" / "model.json", folder / "model.json")


@pytest.fixture(scope="session")
def path_of(artefacts):
    """The path of a file by the name of its reader."""

    def find(name: str) -> Path:
        (path,) = artefacts.rglob(name) if name != "model.json" else [artefacts / name]
        return path

    return find
