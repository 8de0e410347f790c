"""The virtual Slurm is a Slurm: it gives out GPUs, ends jobs over their memory, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from virtual_slurm import SlurmTrouble

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

HELD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from virtual_slurm import VirtualSlurm
with VirtualSlurm(Path(sys.argv[2]), nodes=2) as slurm:
    slurm.ask("sbatch", "--output=/dev/null", "--wrap=setsid sleep 1000 & sleep 1000")
    slurm.wait_until(lambda: slurm.jobs()[0]["JobState"] == "RUNNING", "the job runs", 60)
    print("runs", flush=True)
    if sys.argv[3] == "fail":
        raise RuntimeError("something fails")
    time.sleep(1000)
"""


def below(root: Path) -> list[psutil.Process]:
    """Processes that belong to the Slurm at `root`: its folder is in their arguments or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values()]
        except psutil.Error:  # a zombie, or gone
            continue
        if process.pid != os.getpid() and any(str(root) in word for word in words):
            found.append(process)
    return found


@pytest.mark.parametrize("ending", ["fail", "kill"])
def test_nothing_is_left_when_its_holder_fails_or_is_killed(slurm, tmp_path, ending):
    root = tmp_path / "s"
    command = [sys.executable, "-c", HELD, str(Path(__file__).parent), str(root), ending]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as holder:
        assert holder.stdout.readline() == b"runs\n"
        if ending == "kill":
            assert len(below(root)) > 8  # the search for them finds them: wardens, daemons, the job
            holder.send_signal(signal.SIGKILL)
        holder.wait()
    end = time.monotonic() + 20
    while (left := below(root)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not left


def test_nodes_are_three_and_each_job_gets_its_gpus(slurm):
    told = "echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES"
    said = slurm.ask("srun", "--nodes=3", "--gpus-per-node=1", "sh", "-c", told)
    assert sorted(said.splitlines()) == ["node1 0", "node2 0", "node3 0"]
    said = slurm.ask("srun", "--nodes=1", "--gpus=2", "sh", "-c", told)
    assert said.split()[1] == "0,1"
    with pytest.raises(SlurmTrouble, match="Requested node configuration is not available"):
        slurm.ask("srun", "--gpus-per-node=3", "true")


def test_commands_reach_it_without_its_variable(slurm):
    """As below Snakemake's job step, which drops SLURM_CONF."""
    environment = {name: value for name, value in slurm.environment().items() if name != "SLURM_CONF"}
    done = subprocess.run(["scontrol", "show", "config"], env=environment, capture_output=True, text=True, check=True)
    assert str(slurm.conf) in done.stdout


def test_a_dead_node_takes_its_processes_with_it(slurm, tmp_path):
    pids = tmp_path / "pids"
    script = f"setsid sleep 1001 & echo $! > {pids}; echo $$ >> {pids}; wait"
    slurm.ask("sbatch", "--partition=stormy", "--no-requeue", "--output=/dev/null", f"--wrap={script}")
    job = slurm.jobs()[-1]["JobId"]
    slurm.wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2, "the job's processes", 60)
    node = slurm.ask("squeue", "--noheader", f"--jobs={job}", "--format=%N").strip()
    slurm.kill_node(node)
    assert not any(psutil.pid_exists(int(pid)) for pid in pids.read_text().split())
    slurm.revive_node(node)
    states = [record["JobState"] for record in slurm.jobs() if record["JobId"] == job]
    assert states == ["NODE_FAIL"]
