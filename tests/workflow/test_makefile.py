"""The Makefile makes its environment anew with another Python than that environment's own."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_an_activated_environment_does_not_make_itself_anew():
    """It would be emptied first, and its Python with it."""
    path = f"{ROOT}/.venv/bin:{os.environ['PATH']}"
    done = subprocess.run(
        ["make", "--always-make", "--dry-run", ".venv/ready"],
        cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    (line,) = [line for line in done.stdout.splitlines() if "-m venv" in line]
    python = Path(line.split()[0])
    assert python.is_absolute()
    assert python.parent != ROOT / ".venv" / "bin"
