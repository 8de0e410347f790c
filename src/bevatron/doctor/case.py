"""What is examined: a profile, the configuration it would run, and the folders it would write."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bevatron.config.sections.resources import RULES, JobResources, Resources
from bevatron.config.sections.site import Site
from bevatron.config.sections.workflow import Workflow

Profile = Literal["local", "cluster", "htcondor"]
SECONDS = 30


@dataclass(frozen=True)
class Case:
    """Everything the checks may look at; `need_gb` is the free disk asked for, in units of 10⁹ bytes."""

    profile: Profile
    workflow: Workflow
    table: Resources
    site: Site
    need_gb: float

    @property
    def folders(self) -> list[Path]:
        """Where results and live state go, or the nearest folders above that exist already."""
        folders = []
        for path in (Path("results"), Path(self.workflow.runs_dir)):
            path = path.absolute()
            while not path.is_dir():
                path = path.parent
            folders.append(path)
        return list(dict.fromkeys(folders))

    def jobs(self) -> list[tuple[str, JobResources, int]]:
        """Every kind of job the table knows: its name, its needs, and its minutes with all shards of a batch job."""
        keys: list[tuple[str, str | None, str | None]] = [(rule, None, None) for rule in RULES]
        for key, overrides in self.table.overrides.items():
            study, _, model = key.partition("/")
            rules = [rule for rule in RULES if getattr(overrides, rule, None) is not None]
            keys += [(rule, study, model or None) for rule in rules]
        jobs = []
        for rule, study, model in keys:
            needs = self.table.needs(rule, study, model)
            minutes = needs.minutes
            if rule in ("simulate", "prepare"):
                minutes = self.table.minutes_of_shards(study)
            name = " ".join([rule, "/".join(filter(None, (study, model)))]).strip()
            jobs.append((name, needs, minutes))
        return jobs


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    ok: bool
    text: str


def ask(*command: str, seconds: float = SECONDS) -> Answer:
    """Run a command of the system; what it printed, or why it could not, on one line."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        return Answer(False, f"{command[0]} is not installed")
    except OSError as error:
        return Answer(False, f"{command[0]} cannot be run: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Answer(False, f"{command[0]} did not answer within {seconds:g} s")
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        return Answer(False, lines[-1] if lines else f"{command[0]} failed with exit code {done.returncode}")
    return Answer(True, done.stdout.strip())
