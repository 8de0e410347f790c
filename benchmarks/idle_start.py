"""What Snakemake takes in a folder in which everything is made already: `make demo` a second time.

    python benchmarks/idle_start.py FOLDER [--rounds 5]

FOLDER is a clone in which `make demo` has ended. Snakemake is started there so often, with nothing to do: it is
imported, reads the configuration, builds the graph and looks at every file. The first start after a change of Bevatron
or of a study validates the studies, for which PyTorch is imported, and is not counted. Medians of wall and CPU time.
"""

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

REQUIRED = 3.0


def main(folder: Path, rounds: int = 5) -> list[dict]:
    """One row: the median of the seconds, and what is required."""
    _start(folder)
    found = [_start(folder) for _ in range(rounds)]
    wall, cpu = (median(times) for times in zip(*found, strict=True))
    print(f"{wall:.2f} s ({cpu:.2f} s of CPU) of {', '.join(f'{seconds:.2f}' for seconds, _ in found)}")
    return [{"name": "Snakemake's start in a finished demo", "seconds": wall, "cpu": cpu, "required": REQUIRED}]


def _start(folder: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    used, before = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    seconds, after = perf_counter() - before, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode or "Nothing to be done" not in done.stdout + done.stderr:
        raise RuntimeError(f"{folder}: not finished\n{(done.stdout + done.stderr)[-2000:]}")
    return seconds, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    main(arguments.folder, arguments.rounds)
