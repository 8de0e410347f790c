"""A copy of the workflow in a folder of its own, and Snakemake run in it through the profile `cluster`."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from virtual_slurm import WARDEN, VirtualSlurm

ROOT = Path(__file__).parents[2]
SNAKEMAKE = Path(__file__).with_name("impatient_snakemake.py")


class Checkout:
    """A working folder with the rules and profiles of this project and a configuration of its own."""

    def __init__(self, folder: Path, slurm: VirtualSlurm, config: dict, site: dict, *studies: dict):
        self.folder, self.slurm = folder, slurm
        self.variables: dict[str, str] = {}  # of the environment in which Snakemake and its jobs run
        folder.mkdir(parents=True, exist_ok=True)
        for part in ("Snakefile", "workflow", "profiles"):
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
        shutil.rmtree(folder / "profiles" / "site", ignore_errors=True)  # the site of whoever runs the tests
        (folder / "config").mkdir()
        shutil.copy(ROOT / "config" / "resources.yaml", folder / "config")
        names = [study["name"] for study in studies]
        self.write("config/config.yaml", {"accelerator": "cpu", "studies": names, **config})
        self.write("profiles/site/site.yaml", site)
        for study in studies:
            self.write(f"config/studies/{study['name']}.yaml", study)

    def copy(self, folder: Path, slurm: VirtualSlurm) -> "Checkout":
        """The same with all that was done in it, for another Slurm perhaps; times of change are kept."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Checkout.at(folder, slurm)

    @staticmethod
    def at(folder: Path, slurm: VirtualSlurm) -> "Checkout":
        """One that was made before."""
        place = object.__new__(Checkout)
        place.folder, place.slurm, place.variables = folder, slurm, {}
        return place

    def write(self, path: str, content: dict) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(yaml.safe_dump(content, sort_keys=False))

    def snakemake(self, *arguments: str) -> "Snakemake":
        """Start Snakemake through the profile; it runs beside the test."""
        return Snakemake(self, *arguments)

    def slurm_logs(self, rule: str) -> list[str]:
        """What Slurm kept of each job of a rule, oldest first."""
        paths = (self.folder / "logs" / "slurm" / f"rule_{rule}").rglob("*.log")
        return [path.read_text(errors="replace") for path in sorted(paths, key=lambda path: int(path.stem))]

    def jobs(self, about: str = "") -> list[dict[str, str]]:
        """Slurm's records of the jobs submitted from here whose comment (rule and wildcards) holds `about`."""
        return [
            job for job in self.slurm.jobs() if job["WorkDir"] == str(self.folder) and about in job.get("Comment", "")
        ]

    def log(self, path: str) -> str:
        target = self.folder / "logs" / path
        return target.read_text(errors="replace") if target.exists() else ""


class Snakemake:
    """A running Snakemake."""

    def __init__(self, checkout: Checkout, *arguments: str):
        self.checkout = checkout
        self.log = checkout.folder / "snakemake.log"
        snakemake = [sys.executable, str(SNAKEMAKE), "--profile", "profiles/cluster", *arguments]
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-S", str(WARDEN), *snakemake], cwd=checkout.folder,
                env={**checkout.slurm.environment(), **checkout.variables},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self._pid = int(self._process.stdout.readline())

    def __enter__(self) -> "Snakemake":
        return self

    def __exit__(self, *_: object) -> None:
        """End it if the test has failed meanwhile; its jobs end with the Slurm."""
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    @property
    def code(self) -> int | None:
        """The exit code; None as long as it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """SIGKILL to Snakemake itself; its jobs go on."""
        os.kill(self._pid, signal.SIGKILL)

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Poll until the condition holds; it must come before Snakemake ends, and within the time."""
        end = time.monotonic() + seconds
        while not condition():
            assert self._process.poll() is None, f"Snakemake ended before: {what}\n{self.evidence()}"
            assert time.monotonic() < end, f"not within {seconds:g} s: {what}\n{self.evidence()}"
            time.sleep(0.1)

    def finish(self, seconds: float) -> str:
        """Wait for a successful end; what Snakemake has said."""
        try:
            code = self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"Snakemake runs after {seconds:g} s\n{self.evidence()}") from None
        assert code == 0, f"Snakemake failed\n{self.evidence()}"
        return self.log.read_text()

    def evidence(self) -> str:
        """Everything that may tell why: Snakemake's words, Slurm's records and logs, the rules' logs."""
        checkout = self.checkout
        records = [f"{key}={value}" for job in checkout.jobs() for key, value in job.items() if key in RECORDED]
        logs = sorted((checkout.folder / "logs").rglob("*.log"))
        parts = [self.log.read_text(), "--- jobs", *records]
        parts += [
            f"--- {path.relative_to(checkout.folder)}\n{path.read_text(errors='replace')[-4000:]}" for path in logs
        ]
        return "\n".join([*parts, checkout.slurm.logs()])


RECORDED = (
    "JobId",
    "Comment",
    "JobState",
    "Reason",
    "Restarts",
    "ExitCode",
    "NodeList",
    "TimeLimit",
    "RunTime",
    "TRES",
)
