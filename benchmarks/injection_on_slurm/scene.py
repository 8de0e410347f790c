"""One injection: its copy of the workflow, Snakemake at work in it, what the operator does, and what is counted."""

import random
import re
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from checkout import Snakemake
from injection.inspection import Found, Inspector
from injection.outcome import Outcome
from injection.scene import TRIES
from virtual_slurm import SlurmTrouble

from injection_on_slurm.lane import Lane
from injection_on_slurm.reference import PATIENCE, Reference
from injection_on_slurm.workflow import Target

STARTS = 0.45  # of a batch job's time passes, at most, before its work begins
ALIVE = ("PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING", "STOPPED")
LIMITS = re.compile(r"exceeded memory limit|DUE TO TIME LIMIT|oom.kill|the batch job ends in \d")
LAST_WORDS = re.compile(r"^bevatron: .+; .+$|SIGTERM: .+; run the same command again", re.MULTILINE)
KILL_WAIT = 30.0  # seconds that Slurm leaves a cancelled job
GONE = 60.0  # seconds after a job's end in which its last processes end
STOPPED = Event()  # set when the benchmark is to end


class Stopped(Exception):
    """The benchmark was asked to stop."""


class Missed(Exception):
    """The work had ended before the fault could strike it."""


@dataclass
class Cure:
    """What repairs a fault, when it is due (seconds of the monotonic clock)."""

    due: float
    what: str
    action: Callable[[], None]


class Scene:
    """What a fault works with; `random` decides everything that is left to chance."""

    def __init__(
        self, lane: Lane, reference: Reference, inspector: Inspector, target: Target, outcome: Outcome, seed: str,
        folder: Path,
    ):  # fmt: skip
        self.lane, self.reference, self.inspector, self.target = lane, reference, inspector, target
        self.outcome, self.random = outcome, random.Random(seed)
        self.place = reference.copy(folder, lane.slurm, target)
        self.temporary = lane.temporary / f"{outcome.number:02d}"
        self.temporary.mkdir()
        self.place.variables["TMPDIR"] = str(self.temporary)
        self.snakemake: Snakemake | None = None
        self.cures: list[Cure] = []
        self.quiet_since = time.time()  # since when nothing has befallen the place any more
        self.killed_snakemake = False
        self.lost_power = False
        self.heard = False  # last words of the job that was hit
        self._known: list[dict[str, str]] = []

    # what goes on

    def jobs(self) -> list[dict[str, str]]:
        """Slurm's records of this place's batch jobs; while the controller is away, as they were."""
        if self.lane.controller_answers:
            with suppress(SlurmTrouble):
                self._known = self.place.jobs()
        return self._known

    def running_job(self) -> dict[str, str]:
        """The newest job of the target that runs; Missed if there is none."""
        found = [job for job in self.jobs() if job["JobState"] == "RUNNING" and self.target.comment in job["Comment"]]
        if not found:
            raise Missed("no job runs")
        return found[-1]

    def nodes(self) -> list[str]:
        """The nodes of the running job; the first is that of the batch step."""
        job = self.running_job()
        names = self.lane.slurm.ask("scontrol", "show", "hostnames", job["NodeList"]).split()
        return sorted(names, key=lambda name: name != job["BatchHost"])

    def progress(self) -> float:
        return self.reference.progress(self.target, self.place.folder)

    # time

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until the condition holds, and cure meanwhile what is due; False when it does not hold in time."""
        end = time.monotonic() + seconds
        while not condition():
            self._cure(lambda cure: cure.due <= time.monotonic())
            if STOPPED.is_set():
                raise Stopped
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    def later(self, seconds: float, what: str, action: Callable[[], None]) -> str:
        """Cure a fault after so many seconds; `what` is done then, and when, in words."""
        self.cures.append(Cure(time.monotonic() + seconds, what, action))
        return f"{what} {seconds:.0f} s later"

    def cure_all(self) -> None:
        self._cure(lambda cure: True)

    def _cure(self, due: Callable[[Cure], bool]) -> None:
        for cure in [cure for cure in self.cures if due(cure)]:
            self.cures.remove(cure)
            cure.action()
            self.quiet_since = time.time()

    def wait_for(self, moment: float) -> None:
        """Wait for a moment of the target's work: a fraction of it that is done, or, below 0, of what comes before it.

        Raises Missed if Snakemake ends before.
        """
        self.wait_or_miss(lambda: self._runs() or self.progress() > 0)
        if moment < 0:
            start = STARTS * self.reference.seconds[self.target.name]
            end = time.monotonic() + (1 + moment) * start
            self.wait_or_miss(lambda: time.monotonic() > end or self.progress() > 0)
        else:
            self.wait_or_miss(lambda: self.progress() > moment)

    def wait_or_miss(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        held = self.wait(lambda: self.snakemake.code is not None or condition(), seconds)
        if not held or self.snakemake.code is not None:
            raise Missed(f"Snakemake has ended ({self.snakemake.code})" if held else f"not within {seconds:.0f} s")

    def _runs(self) -> bool:
        try:
            self.running_job()
        except Missed:
            return False
        return True

    # the operator

    def start(self) -> None:
        self.snakemake = self._run(self.target.asked)

    def _run(self, *arguments: str) -> Snakemake:
        return self.place.snakemake("--slurm-init-seconds-before-status-checks=2", *arguments)

    def see_it_through(self) -> None:
        """Wait for Snakemake's end and, where that is a failure, run the same command again, up to three times."""
        for _ in range(1 + TRIES):
            jobs_before = len(self.jobs())
            code = self._end_of(self.snakemake)
            if code == 0:
                break
            if not self.killed_snakemake and len(self.jobs()) == jobs_before and not self.cures:
                self._explain_failure_without_jobs()
            self._act()
        else:
            self._end_of(self.snakemake)
            self.outcome.unmended += self.outcome.exit_codes[-1] != 0
        self.look("after the operator's action" if len(self.outcome.exit_codes) > 1 else "at Snakemake's success")

    def _explain_failure_without_jobs(self) -> None:
        self.outcome.note(f"Snakemake failed: {self.place.folder / 'snakemake.log'}")

    def _act(self) -> None:
        """What the operator does after a failure: --unlock where Snakemake was killed; the command again."""
        if self.random.random() < 0.5:  # at once, or when what was started before has ended
            self.wait(lambda: not self.alive(), PATIENCE)
        if self.killed_snakemake:
            unlock = self._run("--unlock", self.target.asked)
            self._end_of(unlock)
            self.killed_snakemake = False
        self.start()

    def _end_of(self, snakemake: Snakemake) -> int | None:
        """The exit code of a Snakemake, which is ended if it hangs."""
        if not self.wait(lambda: snakemake.code is not None, PATIENCE):
            self.outcome.crashes += 1
            self.outcome.note(f"Snakemake hangs: {self.place.folder / 'snakemake.log'}")
            snakemake.__exit__()
            self.killed_snakemake = True
        self.outcome.exit_codes.append(snakemake.code)
        snakemake.__exit__()
        return snakemake.code

    def alive(self) -> list[str]:
        """Ids of this place's jobs that have not ended."""
        return [job["JobId"] for job in self.jobs() if job["JobState"] in ALIVE]

    # the inspector

    def look(self, when: str, yet_to_come: bool = False) -> Found:
        """Have everything inspected; `yet_to_come`: the target's outputs may be absent, and jobs may be at work."""
        names = self.target.published(self.reference.root) if yet_to_come else []
        for _ in range(20):
            try:
                found = self.inspector.look(self.place.folder, names)
                break
            except FileNotFoundError:  # removed between two glances, by Snakemake before a job
                time.sleep(0.05)
        self.outcome.take(found, when)
        if not yet_to_come and not found.whole and self.outcome.exit_codes[-1] == 0:
            self.outcome.false_successes += 1
        return found

    def listen(self) -> None:
        """Wait for the last words of the job that was hit.

        They must be heard at once: Snakemake looks every two seconds here, submits again, and removes the log before
        the next job begins it; the job that was hit still writes to the one that it has open, and so it is read.
        """
        logs = self.place.folder / "logs"
        paths = [path for path in logs.rglob("*.log") if "slurm" not in path.relative_to(logs).parts]
        with ExitStack() as stack:
            files = []
            for path in paths:
                with suppress(FileNotFoundError):
                    files.append(stack.enter_context(path.open(errors="replace")))

            def spoken() -> bool:
                for file in files:
                    file.seek(0)
                return any(LAST_WORDS.search(file.read()) for file in files)

            self.heard = self.wait(spoken, KILL_WAIT)

    def close_up(self, in_words: bool, head_was_killed: bool) -> None:
        """Wait for everything that was started, look again, and judge the jobs that failed and what they left."""
        self.wait(lambda: not self.cures, PATIENCE)
        self.wait(lambda: not self.alive(), PATIENCE)
        said = (self.place.folder / "snakemake.log").read_text(errors="replace")
        if not self.outcome.faulty:
            self.look("when all jobs had ended")
        for job in self.jobs():
            self._judge(job, said, head_was_killed)
        if in_words and not self.heard and not LAST_WORDS.search(said):
            self.outcome.crashes += 1
            self.outcome.note("no last words of the job")
        if not self.wait(lambda: not self.lane.processes(), GONE):
            left = self.lane.processes()
            self.outcome.leftovers += len(left)
            self.outcome.note(f"processes left: {[' '.join(p.cmdline())[:200] for p in left]}")
        folders = sorted(path.name for path in self.temporary.glob("bv-*"))
        if folders and not self.lost_power:
            self.outcome.leftovers += len(folders)
            self.outcome.note(f"folders left: {folders}")

    def _judge(self, job: dict[str, str], said: str, head_was_killed: bool) -> None:
        """A job that failed must be explained by what was injected, and must not leave a traceback."""
        if job["JobState"] == "COMPLETED":
            return
        text = self.slurm_log(job) + _words_about(job["JobId"], said)
        started = time.mktime(time.strptime(job["StartTime"], "%Y-%m-%dT%H:%M:%S")) if "-" in job["StartTime"] else 0.0
        late = started > self.quiet_since + 1
        if late and not LIMITS.search(text):
            self.outcome.false_alarms += 1
            self.outcome.note(f"job {job['JobId']} failed though nothing had befallen it: {text[-1500:]}")
        if "Traceback (most recent call last)" in text and not head_was_killed:
            self.outcome.crashes += 1
            self.outcome.note(f"job {job['JobId']} ended with a traceback: {text[-3000:]}")

    def slurm_log(self, job: dict[str, str]) -> str:
        """What Slurm kept of a job."""
        paths = (self.place.folder / "logs" / "slurm").rglob(f"{job['JobId']}.log")
        return "".join(path.read_text(errors="replace") for path in paths)

    def leave(self) -> None:
        """End what is left and remove the folders; those of a place in which something was wrong stay."""
        if self.snakemake is not None:
            self.snakemake.__exit__()
        shutil.rmtree(self.temporary, ignore_errors=True)
        if not self.outcome.faulty:
            shutil.rmtree(self.place.folder, ignore_errors=True)


def _words_about(job: str, said: str) -> str:
    """What Snakemake has told of a failed batch job, in which it repeats the log of the job's rule."""
    _, found, rest = said.partition(f"external_jobid: {job}\n")
    return re.split(r"\n(?:Error in rule|rule) ", rest)[0] if found else ""
