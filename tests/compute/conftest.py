"""A batch job in which Slurm's commands are pretended: all its nodes are this host, and srun runs commands here."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

FAKE_SLURM = Path(__file__).with_name("fake_slurm")


@dataclass(frozen=True)
class FakeSlurm:
    """Makes the environment of a process in a batch job."""

    def job(self, number: int, nodes: str, **more: str) -> dict[str, str]:
        """`nodes` are separated by commas; for `more` see the commands in fake_slurm/."""
        path = f"{FAKE_SLURM}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "SLURM_JOB_ID": str(number), "FAKE_NODES": nodes, **more}


@pytest.fixture
def fake_slurm() -> FakeSlurm:
    return FakeSlurm()


@pytest.fixture
def in_job(monkeypatch, fake_slurm):
    """Puts this process into a batch job of some nodes."""

    def enter(nodes: str, number: int = 4711, **more: str) -> None:
        for name, value in fake_slurm.job(number, nodes, **more).items():
            monkeypatch.setenv(name, value)

    return enter
