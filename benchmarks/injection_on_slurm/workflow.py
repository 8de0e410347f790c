"""The tiny workflow that is disturbed on Slurm: four shards, a search, a training of one node and one of two.

How long its fits last follows from the machine's speed, so that a kill finds them at work and a batch job of a minute
is too short for them. Searches run one trial at a time, which makes them repeatable.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from injection.workflow import CURVE

NAME = "curve"
SHARDS, PER_JOB = 4, 2
FIT_SECONDS, TEAM_SECONDS, TRIAL_SECONDS = 8.0, 10.0, 5.0  # of one seed, or one trial, on this machine
TRIALS = 6
LEAST_ROUNDS = 8, 4, 6  # where a busy machine has made the measured speed too small
ROUND = 10  # epochs between validations; fits have whole rounds
TEAM_SLOWNESS = 4.0  # a step of two workers, which wait for each other, beside one of a single process
BLOCK = 50  # steps; the unit in which fits save their state
CONFIG = {"accelerator": "cpu", "ray": {"cpus": 1, "gpus": 0, "dashboard": False}}
TRAINING = {"batch_size": 40, "learning_rate": 0.01, "validate_every": ROUND, "checkpoint_seconds": 0.5}
NEEDS = {"cpus": 1, "gpus": 0, "memory_gb": 8, "minutes": 20}
SITE = {
    "partition": "virtual",
    "resources": {
        "rules": {"search": NEEDS, "train": NEEDS},
        "overrides": {f"{NAME}/team": {"train": {"nodes": 2}}},
        "retry_scaling": {"memory": 3.0},
        "limits": {"nodes": 3, "cpus": 4, "gpus": 2, "memory_gb": 90},
        "shards": {"per_job": PER_JOB},
    },
}


def study(epochs_a_second: float) -> dict[str, Any]:
    """The study, on a machine on which one process goes through so many epochs a second."""

    seconds = FIT_SECONDS, TEAM_SECONDS / TEAM_SLOWNESS, TRIAL_SECONDS
    rounds = (round(epochs_a_second * s / ROUND) for s in seconds)
    alone, team, trial = (max(least, n) * ROUND for n, least in zip(rounds, LEAST_ROUNDS, strict=True))
    net = CURVE["models"]["net"] | {"training": TRAINING | {"epochs": alone}}
    search = {
        "space": {"training.learning_rate": {"kind": "log_uniform", "low": 0.001, "high": 0.1}},
        "trials": TRIALS, "epochs": trial, "grace_period": trial,
    }  # fmt: skip
    models = {
        "net": net,
        "team": net | {"training": TRAINING | {"epochs": team}},
        "searched": net | {"training": TRAINING | {"epochs": trial}, "search": search},
    }
    simulation = {"source": CURVE["simulation"]["source"], "shards": SHARDS}
    return CURVE | {"name": NAME, "simulation": simulation, "models": models, "claims": []}


@dataclass(frozen=True)
class Target:
    """A part of the workflow that an injection has made again.

    `comment` tells its batch jobs from others in Slurm's records; `asked` is what Snakemake is asked for; `outputs` are
    the patterns of what its jobs publish.
    """

    name: str
    comment: str
    asked: str
    outputs: tuple[str, ...]
    nodes: int = 1

    @property
    def has_ray(self) -> bool:
        return self in (SEARCH, TEAM)

    @property
    def saves_its_state(self) -> bool:
        return self is not PREPARE

    def published(self, root: Path) -> list[str]:
        """What is there of its outputs, relative to `root`."""
        paths = (path for pattern in self.outputs for path in root.glob(pattern) if path.is_file())
        return sorted(str(path.relative_to(root)) for path in paths)

    def live(self, root: Path) -> list[Path]:
        """The folders of its live state, of a finished workflow in `root`."""
        if self is SEARCH:
            return [path.parent for path in root.glob("runs/*/trial_log.jsonl")]
        runs = json.loads((root / self.asked).read_text())["runs"] if self.saves_its_state else []
        return [root / "runs" / run["digest"][:20] for run in runs]

    def work_in(self, root: Path, live: Iterable[str]) -> float:
        """How much of its work is done in `root`: files, blocks of steps, or reports. `live`: names of its folders."""
        if self is PREPARE:
            return float(len(self.published(root)))
        folders = [root / "runs" / name for name in live]
        if self is SEARCH:
            return float(sum(_reports(folder / "trial_log.jsonl") for folder in folders))
        return sum(_blocks(folder) for folder in folders)


_SHARDS = (f"results/{NAME}/raw/*", f"results/{NAME}/dataset/*")
_MODELS = f"results/{NAME}/models"
PREPARE = Target("prepare", "shards", f"results/{NAME}/dataset/manifest.json", _SHARDS)
_SEARCHED = f"results/{NAME}/search/searched"
SEARCH = Target("search", "rule_search", f"{_SEARCHED}/best.yaml", (f"{_SEARCHED}/*",))
NET = Target("training", "rule_train", f"{_MODELS}/net/runs.json", (f"{_MODELS}/net/**/*",))
TEAM = Target("two-node training", "rule_train", f"{_MODELS}/team/runs.json", (f"{_MODELS}/team/**/*",), nodes=2)
TARGETS = (PREPARE, SEARCH, NET, TEAM)


def _reports(trial_log: Path) -> int:
    return trial_log.read_text().count('"report"') if trial_log.exists() else 0


def _blocks(folder: Path) -> float:
    """Blocks of steps done in a fit's folder: those of its newest checkpoint, or of its history where it has ended."""
    if (folder / "result.json").exists():
        last = (folder / "history.csv").read_text().splitlines()[-1]
        return int(last.split(",")[1]) / BLOCK
    return max((int(re.sub(r"\D", "", path.stem)) for path in folder.glob("chunk-*.ckpt")), default=0)
