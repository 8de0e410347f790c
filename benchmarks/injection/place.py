"""A folder in which the workflow, or one of its jobs, is run and disturbed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from bevatron.fork_server.surroundings import VARIABLE
from bevatron.fork_server.template import JOBS
from injection.workflow import Job, jobs, write_checkout

PATIENCE = 300.0  # seconds; a command that takes longer is taken for hung,
WHOLE = 1200.0  # and so is the whole workflow
BIN = Path(sys.executable).parent
KILLED_WRITE = Path(__file__).with_name("killed_write.py")


class Command:
    """A command at work in a place; its output goes to `log`, its processes are known as long as they live."""

    def __init__(self, arguments: list[str], root: Path, log: Path, by_server: bool = True):
        self.log = log
        self.started = time.monotonic()
        environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
        if not by_server:
            environment.pop(VARIABLE, None)
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                arguments, cwd=root, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        self._seen: set[psutil.Process] = set()

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def descendants(self) -> list[psutil.Process]:
        """Processes below the command's own, as they are now and as far as they were seen before.

        One that is carried out by a fork server has that fork below it, too.
        """
        with suppress(psutil.Error):
            self._seen.update(psutil.Process(self.process.pid).children(recursive=True))
        with suppress(psutil.Error, OSError, KeyError, ValueError):
            forked = Path(os.environ[VARIABLE]).parent / JOBS / str(self.process.pid)
            job = psutil.Process(int(forked.read_text()))
            self._seen.update([job, *job.children(recursive=True)])
        return [process for process in self._seen if _alive(process)]

    def kill(self) -> bool:
        """SIGKILL to the command's own process alone; whether that is what ended it."""
        self.descendants()
        self.process.send_signal(signal.SIGKILL)
        return self.process.wait() == -signal.SIGKILL

    def wait(self, seconds: float = PATIENCE) -> int | None:
        """The exit code; None for a command that hung and was ended with all its processes."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.end()
            return None

    def end(self) -> None:
        """End the command and all that came of it."""
        for process in [*self.descendants(), psutil.Process(self.process.pid)] if self.running else self.descendants():
            with suppress(psutil.Error):
                process.kill()
        self.process.wait()

    def wait_for_orphans(self, seconds: float = PATIENCE) -> bool:
        """Whether what a killed command has left came to its end by itself."""
        deadline = time.monotonic() + seconds
        while self.descendants():
            if time.monotonic() > deadline:
                self.end()
                return False
            time.sleep(0.05)
        return True


class Place:
    """A copy of the undisturbed workflow's folder in which one job, or everything from some job on, is yet to run."""

    def __init__(self, root: Path, logs: Path | None = None):
        self.root, self.logs = root, logs or root.with_name(f"{root.name}-logs")
        self.logs.mkdir(parents=True, exist_ok=True)
        self._commands = 0

    def start(self, job: Job, killed_write: tuple[str, str, int] | None = None) -> Command:
        """The job's own command; with `killed_write` = (step, pattern, bytes) it kills itself there."""
        program = [str(BIN / "bevatron")]
        if killed_write is not None:
            program = [sys.executable, str(KILLED_WRITE), *map(str, killed_write)]
        return self._command([*program, *job.arguments])

    def command(self, *arguments: str) -> Command:
        """Any command of bevatron's."""
        return self._command([str(BIN / "bevatron"), *arguments])

    def snakemake(self, *arguments: str) -> Command:
        """A workflow, with a fork server of its own."""
        return self._command(
            [sys.executable, "-m", "snakemake", "--profile", "profiles/local", "--cores", "2", *arguments], False
        )

    def remove(self, *todo: Job) -> None:
        """Take back what these jobs published."""
        for job in todo:
            for path in job.published(self.root):
                (self.root / path).unlink()

    def forget_fits(self, searches: bool = True) -> None:
        """Take back the live state of all fits, and of all searches."""
        for folder in self.root.glob("runs/*"):
            if searches or not (folder / "trial_log.jsonl").exists():
                shutil.rmtree(folder)

    def _command(self, arguments: list[str], by_server: bool = True) -> Command:
        self._commands += 1
        return Command(arguments, self.root, self.logs / f"{self._commands:02d}.log", by_server)


class Reference:
    """The workflow's folder after one undisturbed run, from which places are copied."""

    def __init__(self, root: Path):
        self.root = root
        self.jobs = {job.name: job for job in jobs()}

    def make(self) -> None:
        """Run the workflow, undisturbed, and keep how long each stage takes."""
        self.root.mkdir(parents=True)
        write_checkout(self.root)
        command = Place(self.root).snakemake()
        if command.wait(WHOLE) != 0:
            raise RuntimeError(f"the undisturbed run failed:\n{command.text}")
        seconds: dict[str, list[float]] = {}
        for path in (self.root / "results" / "benchmarks").rglob("*.tsv"):
            stage = path.relative_to(self.root / "results" / "benchmarks").parts[0].removesuffix(".tsv")
            seconds.setdefault(stage, []).append(float(path.read_text().splitlines()[1].split("\t")[0]))
        means = {stage: sum(values) / len(values) for stage, values in seconds.items()}
        (self.root / "seconds.json").write_text(json.dumps(means))

    def seconds(self, stage: str) -> float:
        """How long a job of the stage takes when it is left alone."""
        return json.loads((self.root / "seconds.json").read_text())[stage]

    def of_stage(self, stage: str) -> list[Job]:
        return [job for job in self.jobs.values() if job.stage == stage]

    def copy(self, root: Path) -> Place:
        """A place with everything that the undisturbed run has left, times of change included."""
        shutil.copytree(self.root, root, symlinks=True, dirs_exist_ok=True)
        return Place(root)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
