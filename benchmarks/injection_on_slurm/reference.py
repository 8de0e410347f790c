"""The undisturbed run of the workflow, from which every injection starts."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from checkout import Checkout
from virtual_slurm import VirtualSlurm

from injection_on_slurm.workflow import CONFIG, NAME, PREPARE, ROUND, SITE, TARGETS, Target, study

PATIENCE = 900.0  # seconds for any part of the workflow, on a busy machine
MEASURED = 8 * ROUND  # epochs of the fit that tells how fast the machine is
SITE_FILE = "profiles/site/site.yaml"


class Reference:
    """The workflow's folder after one undisturbed run on a Slurm."""

    def __init__(self, root: Path):
        self.root = root
        self.live: dict[str, list[str]] = {}  # names of the folders of live state, by target
        self.work: dict[str, float] = {}  # all the work of a target
        self.seconds: dict[str, float] = {}  # from the start of its first batch job to the end of its last

    def make(self, slurm: VirtualSlurm) -> None:
        """Prepare, measure how fast fits are, and run the rest; raises AssertionError where that fails."""
        self.place = Checkout(self.root, slurm, CONFIG, SITE, study(1.0))
        self._run(PREPARE)
        self.place.write(f"config/studies/{NAME}.yaml", study(self._epochs_a_second()))
        for target in TARGETS:
            if target is not PREPARE:
                self._run(target)
        for target in TARGETS:
            self.live[target.name] = [folder.name for folder in target.live(self.root)]
            self.work[target.name] = target.work_in(self.root, self.live[target.name])

    def save(self, path: Path) -> None:
        """Keep what was measured, for `load`."""
        path.write_text(json.dumps({"live": self.live, "work": self.work, "seconds": self.seconds}))

    def load(self, path: Path, slurm: VirtualSlurm) -> None:
        """Take an undisturbed run that was made before."""
        self.place = Checkout.at(self.root, slurm)
        content = json.loads(path.read_text())
        self.live, self.work, self.seconds = content["live"], content["work"], content["seconds"]

    def copy(self, folder: Path, slurm: VirtualSlurm, target: Target) -> Checkout:
        """A copy in which `target` is yet to be made."""
        place = self.place.copy(folder, slurm)
        shutil.rmtree(folder / "logs")
        (folder / "snakemake.log").unlink()
        for path in target.published(folder):
            (folder / path).unlink()
        for name in self.live[target.name]:
            shutil.rmtree(folder / "runs" / name)
        return place

    def progress(self, target: Target, folder: Path) -> float:
        """The fraction of the target's work that is done in `folder`; 0 while nothing can be seen."""
        return target.work_in(folder, self.live[target.name]) / self.work[target.name]

    def _run(self, target: Target) -> None:
        with self.place.snakemake(target.asked) as snakemake:
            snakemake.finish(PATIENCE)
        jobs = self.place.jobs(target.comment)
        self.seconds[target.name] = max(job_seconds(job) for job in jobs)

    def _epochs_a_second(self) -> float:
        """Of a fit by hand, without Slurm, in a folder that is removed."""
        folder = self.root.with_name(f"{self.root.name}-speed")
        shutil.copytree(self.root, folder)
        tree = study(1.0)
        tree["n_seeds"] = 1
        tree["models"]["net"]["training"] = tree["models"]["net"]["training"] | {"epochs": MEASURED}
        (folder / "config" / "studies" / f"{NAME}.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
        command = [sys.executable, "-m", "bevatron.cli", "train", NAME, "net", "--manifest", PREPARE.asked]
        done = subprocess.run([*command, "--output", "out"], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        run = json.loads((folder / "out" / "runs.json").read_text())["runs"][0]
        shutil.rmtree(folder)
        return run["epochs"] / run["seconds"]


def job_seconds(job: dict[str, str]) -> float:
    """How long a batch job has had its nodes, from Slurm's [days-]hours:minutes:seconds."""
    days, _, rest = job["RunTime"].rpartition("-")
    hours, minutes, seconds = map(int, rest.split(":"))
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60.0 + seconds
