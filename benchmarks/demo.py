"""The whole demo, of an earlier commit and of this checkout's, in turns: core-seconds of all processes, and wall time.

    python benchmarks/demo.py --baseline COMMIT [--rounds 1] [--studies function digits]

Each demo runs in a clone of its own, with an environment of its own, whose installation is not counted. All processes
count, also those that outlive their parents: this one adopts them. Run it on a machine that does nothing else.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from adopted import adopt_orphans, wait_for_adopted

ROOT = Path(__file__).resolve().parents[1]


def main(baseline: str, rounds: int, studies: list[str], folder: Path) -> dict:
    """Medians of core-seconds and seconds, by side, and their ratios."""
    adopt_orphans()
    places = {"baseline": _clone(baseline, folder / "baseline"), "now": _clone("HEAD", folder / "now")}
    measured: dict[str, list[tuple[float, float]]] = {side: [] for side in places}
    for _ in range(rounds):
        for side, place in places.items():
            measured[side].append(_run_demo(place, studies))
            print(side, [round(number, 1) for number in measured[side][-1]], file=sys.stderr, flush=True)
    result = {
        side: {"core_seconds": median(c for c, _ in runs), "seconds": median(s for _, s in runs)}
        for side, runs in measured.items()
    }
    ratios = {key: result["now"][key] / result["baseline"][key] for key in ("core_seconds", "seconds")}
    return {**result, "ratio": ratios}


def _clone(commit: str, place: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", ROOT, place], check=True)
    resolved = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", commit], check=True, capture_output=True, text=True
    ).stdout.strip()
    subprocess.run(["git", "-C", place, "checkout", "--quiet", resolved], check=True)
    subprocess.run(["make", ".venv/ready"], cwd=place, check=True, stdout=subprocess.DEVNULL)
    return place


def _run_demo(place: Path, studies: list[str]) -> tuple[float, float]:
    """Core-seconds and seconds of the demo, from nothing."""
    subprocess.run(["rm", "-rf", "results", "runs", "logs", ".snakemake"], cwd=place, check=True)
    chosen = ["--config", f"studies=[{','.join(studies)}]"] if studies else []
    before, start = _used(), time.monotonic()
    with open(place / "demo.log", "w", encoding="utf-8") as log:
        subprocess.run(
            [place / ".venv/bin/snakemake", "--profile", "profiles/local", *chosen],
            cwd=place, env={**os.environ, "PATH": f"{place}/.venv/bin{os.pathsep}{os.environ['PATH']}"},
            check=True, stdout=log, stderr=log,
        )  # fmt: skip
    seconds = time.monotonic() - start
    wait_for_adopted()
    return _used() - before, seconds


def _used() -> float:
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--baseline", required=True, help="a commit")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--studies", nargs="*", default=[], help="default: all")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps(main(arguments.baseline, arguments.rounds, arguments.studies, Path(temporary)), indent=1))
