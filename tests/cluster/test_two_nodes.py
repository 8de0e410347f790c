"""A training over two nodes learns what one node learns."""

import csv
import json
import shutil
from pathlib import Path

import psutil
import pytest
from checkout import Checkout

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(600)]

# Two workers add up the same gradients in another order: single precision, 6e-8 a sum, through 1400 steps of Adam or
# more. Samples read twice or left out, or a batch of another size, change the loss in its second or third digit.
TOLERANCE = 1e-5


def history(runs_json: Path) -> list[dict[str, str]]:
    run = json.loads(runs_json.read_text())["runs"][0]
    return list(csv.DictReader((runs_json.parent / run["folder"] / "history.csv").read_text().splitlines()))


def test_two_nodes_learn_what_one_learns(world, by_hand):
    study = json.loads(json.dumps(world.study))
    study["models"]["small"]["architecture"]["dropout"] = 0.0  # each worker would drop units of its own
    needs = {"nodes": 2, "cpus": 1, "gpus": 1, "memory_gb": 8, "minutes": 20}
    site = {"partition": "virtual", "resources": {"overrides": {"curve/small": {"train": needs}}}}
    place = Checkout(world.root / "two", world.slurm, {}, site, study)
    shutil.copytree(world.made, place.folder / "results" / "curve")
    with place.snakemake("results/curve/models/small/runs.json") as snakemake:
        alone = Checkout(world.root / "one", world.slurm, {}, {}, study)
        one = history(by_hand(alone.folder, "small"))
        snakemake.finish(480)

    (job,) = place.jobs("rule_train")
    assert job["NumNodes"] == "2"
    assert job["TresPerNode"] == "gres:gpu:1"
    log = place.log("train/curve/small.log")
    assert "ssh -L" in log

    two = history(place.folder / "results" / "curve" / "models" / "small" / "runs.json")
    assert [row["epoch"] for row in two] == [row["epoch"] for row in one]
    assert [row["step"] for row in two] == [row["step"] for row in one]  # as many steps: the batch is the same
    for loss in ("train_loss", "val_loss"):
        assert [float(row[loss]) for row in two] == pytest.approx([float(row[loss]) for row in one], rel=TOLERANCE)

    assert not [p.info for p in psutil.process_iter(["pid", "cmdline"]) if str(place.folder) in str(p.info["cmdline"])]
