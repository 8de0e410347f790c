"""How long `bevatron --help` takes, as a process, from start to end.

python benchmarks/command_line.py
"""

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

RUNS = 15
LIMIT = 0.3


def main() -> list[dict]:
    """One row: the name, the median in seconds, and the limit on it."""
    command = [str(Path(sys.executable).parent / "bevatron"), "--help"]
    seconds = []
    for _ in range(RUNS + 1):
        start = perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(perf_counter() - start)
    return [{"name": "bevatron --help", "seconds": median(seconds[1:]), "limit": LIMIT}]


if __name__ == "__main__":
    for row in main():
        print(f"{row['name']}: {row['seconds']:.3f} s, limit {row['limit']} s")
