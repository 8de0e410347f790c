"""A search of the study `function` as a job of its workflow, by an earlier commit and by this checkout.

    python benchmarks/search_start.py --baseline COMMIT [--rounds 3]

The two take turns, on the same dataset. Where a commit has a fork server, a workflow's is started first and has
imported what a training needs; its template's own imports are not the job's, and are printed beside. Measured are the
first search of a workflow, which waits for the template to import Ray, and the second, which does not. Wall time is
that of the command; core-seconds are those of all its processes, until the last of them has ended. Run it on a machine
that does nothing else.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

import psutil
import yaml
from adopted import adopt_orphans, wait_for_adopted

from bevatron.config.loading.merge import merge

ROOT = Path(__file__).resolve().parents[1]
STUDY, MODEL, TRIALS, THREADS = "function", "ann_searched", 12, 2  # a search at the scale paper alone
LOOK_SECONDS = 0.25
REQUIRED = 0.6  # of the baseline's wall time
# A workflow: starts the server where there is one, says where and which process it is, and lives until its input ends.
WORKFLOW = """
import os, sys
try:
    from bevatron.fork_server.start import start_fork_server
    start_fork_server()
except ImportError:
    pass
print(os.environ.get("BEVATRON_FORK_SERVER", ""), flush=True)
sys.stdin.read()
"""


class Side:
    """A checkout, and a place to search in."""

    def __init__(self, source: Path, place: Path):
        self.place = place
        place.mkdir()
        shutil.copytree(ROOT / "config", place / "config")
        settings = yaml.safe_load((place / "config/config.yaml").read_text())
        (place / "config/config.yaml").write_text(yaml.safe_dump({**settings, "accelerator": "cpu"}))
        study = yaml.safe_load((place / f"config/studies/{STUDY}.yaml").read_text())
        study["models"][MODEL] = merge(study["scales"]["paper"]["models"][MODEL], {"search": {"trials": TRIALS}})
        (place / f"config/studies/{STUDY}.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(THREADS))
        has_module = (source / "src/bevatron/__main__.py").exists()
        self.program = ["-m", "bevatron"] if has_module else ["-c", "from bevatron.cli import main; main()"]
        self.environment = {**os.environ, **threads, "PYTHONPATH": str(source / "src")}

    def bevatron(self, *arguments: str, server: str = "") -> float:
        """Seconds that the command took."""
        start = time.monotonic()
        subprocess.run(
            [sys.executable, *self.program, *arguments],
            cwd=self.place, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**self.environment, **({"BEVATRON_FORK_SERVER": server} if server else {})},
        )  # fmt: skip
        return time.monotonic() - start

    def simulate(self) -> None:
        """The dataset."""
        self.bevatron("simulate", STUDY, "--shard", "0", "--output", "raw/shard-0000.h5")
        self.bevatron("prepare", STUDY, "--raw", "raw/shard-0000.h5", "--output", "dataset")
        self.bevatron("manifest", STUDY, "--dataset", "dataset")

    def search(self, server: str) -> float:
        """Seconds of the search, from nothing."""
        for name in ("runs", "search"):
            shutil.rmtree(self.place / name, ignore_errors=True)
        given = ("--manifest", "dataset/manifest.json", "--cpus", str(THREADS), "--log", "search.log")
        return self.bevatron("search", STUDY, MODEL, *given, "--output", "search", server=server)

    def trials(self) -> list[list[str]]:
        """What was tried and what came of it, without the seconds."""
        with open(self.place / "search/trials.csv", encoding="utf-8", newline="") as file:
            return [[value for key, value in row.items() if key != "seconds"] for row in csv.DictReader(file)]

    def run(self) -> dict[str, float]:
        """Seconds of a workflow's searches, their core-seconds, and those of the template's imports.

        There are two searches, or one where there is no server.
        """
        clock = Clock()
        clock.start()
        with subprocess.Popen(
            [sys.executable, "-c", WORKFLOW], env=self.environment, cwd=self.place, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as workflow:  # fmt: skip
            assert workflow.stdin is not None
            assert workflow.stdout is not None
            server = workflow.stdout.readline().strip()
            if server:
                self.bevatron("evaluate", "--help", server=server)  # when it is answered, the template is ready
            warm = _own(workflow)
            seconds = [self.search(server) for _ in range(2 if server else 1)]
            own = _own(workflow)
            workflow.stdin.close()
        wait_for_adopted()
        return {
            "first search, s": seconds[0],
            "second search, s": seconds[-1],
            "core-seconds a search": (clock.stop() - own) / len(seconds),
            "the template's imports of Ray, core-seconds once": own - warm,
        }


def _own(workflow: subprocess.Popen) -> float:
    """Core-seconds of the workflow, its server and its template, and of nobody whom they have forked."""
    process = psutil.Process(workflow.pid)
    every = [process, *(p for p in process.children(recursive=True) if "bevatron" not in p.name())]
    return sum(times.user + times.system for times in (p.cpu_times() for p in every))


def main(baseline: str, rounds: int, folder: Path) -> dict:
    """Medians by side, and the ratios of this checkout's to the baseline's."""
    adopt_orphans()
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    subprocess.run(["git", "-C", clone, "checkout", "--quiet", _commit(baseline)], check=True)
    sides = {"baseline": Side(clone, folder / "baseline"), "now": Side(ROOT, folder / "now")}
    for side in sides.values():
        side.simulate()
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for _ in range(rounds):
        trials = []
        for name, side in sides.items():
            measured[name].append(side.run())
            trials.append(side.trials())
            print(
                name, {key: round(value, 2) for key, value in measured[name][-1].items()}, file=sys.stderr, flush=True
            )
        assert _sampled(trials[0])[:10] == _sampled(trials[1])[:10], "the searches sample differently"
    result = {name: {key: median(run[key] for run in runs) for key in runs[0]} for name, runs in measured.items()}
    ratios = {key: result["now"][key] / value for key, value in result["baseline"].items() if value}
    return {**result, "ratio": ratios, "required": REQUIRED}


def _commit(name: str) -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", name]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _sampled(trials: list[list[str]]) -> list[list[str]]:
    """Number and values of each trial: the first ten draws depend on the seed alone, also with several at a time."""
    return [trial[:3] for trial in trials]


class Clock(threading.Thread):
    """Core-seconds of each descendant of this process, as last seen.

    The system's own sum lacks the workers of a raylet, which does not wait for its children. What a process uses in its
    last quarter of a second may be missed.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._seconds: dict[tuple[int, str], float] = {}
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            processes: dict[int, tuple[int, str, float]] = {}
            for path in Path("/proc").glob("[0-9]*/stat"):
                with suppress(OSError):
                    fields = path.read_text().rpartition(")")[2].split()
                    used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                    processes[int(path.parent.name)] = (int(fields[1]), fields[19], used)
            family = {os.getpid()}
            while found := {pid for pid, (parent, *_) in processes.items() if parent in family} - family:
                family |= found
            for pid in family - {os.getpid()}:
                _, start, used = processes[pid]
                self._seconds[pid, start] = used

    def stop(self) -> float:
        """The sum."""
        self._end.set()
        self.join()
        return sum(self._seconds.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--baseline", required=True, help="a commit")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps(main(arguments.baseline, arguments.rounds, Path(temporary)), indent=1))
