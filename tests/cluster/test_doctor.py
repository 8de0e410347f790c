"""`bevatron doctor` on a real Slurm: what it says is what Slurm does."""

import subprocess
import sys

import pytest
from checkout import Checkout

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]
TRAIN = {"nodes": 2, "gpus": 2, "cpus": 4, "memory_gb": 20}


@pytest.fixture
def doctor(slurm, curve, tmp_path):
    """Runs the doctor in a checkout whose site has these needs of a training."""

    def run(train: dict, partition: str, *arguments: str) -> tuple[int, str]:
        site = {"partition": partition, "resources": {"rules": {"train": train}}}
        place = Checkout(tmp_path / partition, slurm, {}, site, curve.study.model_dump(mode="json"))
        command = [sys.executable, "-m", "bevatron.cli", "doctor", "--profile", "cluster", "--need-gb", "0", *arguments]
        done = subprocess.run(command, cwd=place.folder, env=slurm.environment(), capture_output=True, text=True)
        assert "Traceback" not in done.stderr, done.stderr
        assert not list(place.folder.glob(".bevatron-*"))
        return done.returncode, done.stdout

    return run


def test_nodes_that_have_what_is_asked_for_and_see_the_folder(doctor):
    code, said = doctor(TRAIN, "virtual", "--probe")
    assert code == 0, said
    assert "3 nodes; all 12 kinds of jobs fit" in said
    assert "squeue is asked" in said  # this Slurm keeps no accounts
    assert said.count("and runs this Python") == 2  # a job with a GPU and one without


@pytest.mark.parametrize(
    ("train", "asked", "found"),
    [
        (TRAIN | {"nodes": 4}, ["--nodes=4"], "4 × 4 CPUs, 2 GPUs, 20 GB are asked for; 3 of 3 nodes have that"),
        (TRAIN | {"gpus": 3}, ["--gpus-per-node=3"], "2 × 4 CPUs, 3 GPUs, 20 GB are asked for; 0 of 3 nodes have that"),
        (TRAIN | {"memory_gb": 101}, ["--mem=101000"], "0 of 3 nodes have that"),
    ],
)
def test_what_slurm_would_never_start_is_told_before(doctor, slurm, train, asked, found):
    code, said = doctor(train, "virtual")
    assert code == 1
    assert found in said
    command = ["sbatch", "--test-only", "--partition=virtual", *asked, "--wrap=true"]
    done = subprocess.run(command, env=slurm.environment(), capture_output=True, text=True)
    assert done.returncode != 0, done.stderr
    assert "allocation failure" in done.stderr
