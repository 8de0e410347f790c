"""`make profiles` makes `snakemake --profile cluster` work as written, and jobs ask for what the table says."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from pretended_slurm import PretendedSlurm

ROOT = Path(__file__).parents[2]
PRETENDED = Path(__file__).with_name("pretended_bevatron.py")
TRAINED = "results/function/models/ann_1000/runs.json"
pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path):
    """A copy of the workflow without results and without site, in which `bevatron` only pretends."""
    folder = tmp_path / "place"
    folder.mkdir()
    for part in ("Snakefile", "workflow", "config", "profiles"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    (folder / "profiles" / "site" / "site.yaml").unlink(missing_ok=True)
    commands = tmp_path / "commands"
    commands.mkdir()
    command = commands / "bevatron"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {PRETENDED} "$@"\n')
    command.chmod(0o755)
    return folder


@pytest.fixture
def environment(tmp_path):
    """Variables in which `place`'s pretended command is found, and nothing of the user's settings."""
    unwanted = ("SNAKEMAKE", "SBATCH", "SLURM", "BEVATRON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    home = str(tmp_path / "user")
    path = os.pathsep.join([str(tmp_path / "commands"), str(Path(sys.executable).parent), kept["PATH"]])
    return {**kept, "XDG_CONFIG_HOME": home, "HOME": home, "PATH": path}


def snakemake(place: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", *arguments]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)


def site(place: Path, tree: dict) -> None:
    (place / "profiles" / "site" / "site.yaml").write_text(yaml.safe_dump(tree))


@pytest.mark.parametrize("profile", ["local", "cluster", "htcondor"])
def test_a_profile_is_found_by_its_name(place, environment, profile):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    if profile == "htcondor" and importlib.util.find_spec("snakemake_executor_plugin_htcondor") is None:
        pytest.skip("the plugin is not installed: pip install 'bevatron[htcondor]'")
    subprocess.run(["make", "profiles"], cwd=ROOT, env=environment, check=True, capture_output=True)
    linked = Path(environment["XDG_CONFIG_HOME"]) / "snakemake"
    assert sorted(path.name for path in linked.iterdir()) == ["cluster", "htcondor", "local"]
    shutil.rmtree(place / "profiles" / profile)  # the user's folder must do
    done = snakemake(place, environment, "--profile", profile, "-n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"profile {profile}" in (done.stdout + done.stderr).lower()


def test_a_thousand_shards_are_fifty_jobs_of_the_sum_of_their_times(place, environment, tmp_path):
    slurm = PretendedSlurm(tmp_path / "slurm", storage="none")
    environment["PATH"] = os.pathsep.join([str(slurm.folder), environment["PATH"]])
    path = place / "config" / "studies" / "jets.yaml"
    tree = yaml.safe_load(path.read_text())
    tree["scales"]["demo"]["simulation"]["shards"] = 1000
    path.write_text(yaml.safe_dump(tree, sort_keys=False))  # the order of a grid's axes has a meaning
    site(place, {"account": "physics", "partition": "cpu", "sbatch": ["--mail-type=FAIL"]})
    manifest = "results/jets/dataset/manifest.json"
    arguments = ("--config", "studies=[jets]", "--retries", "1", "--slurm-init-seconds-before-status-checks", "1")
    done = snakemake(place, environment, "--profile", "profiles/cluster", manifest, *arguments)
    assert done.returncode != 0  # this Slurm takes no jobs, it only notes what they ask for
    jobs = [" ".join(call) for call in slurm.asked("sbatch")]
    assert len(jobs) == 2 * 50  # each is tried once more, with more
    for memory, minutes in ((2000, 20 * (10 + 5)), (4000, 20 * (15 + 8))):
        wanted = f"-t {minutes} --mem {memory} --no-requeue --ntasks=1 --cpus-per-task=1 --mail-type=FAIL"
        tries = [job for job in jobs if wanted in job]  # a second try may come before the last of the first ones
        assert len(tries) == 50, jobs[0]
        shards = re.findall(r"(simulate|prepare):study=jets,shard=(\d{4})", "\n".join(tries))
        assert len(set(shards)) == 2 * 1000
    assert all("-A physics" in job and "-p cpu" in job and "logs/slurm/group_shards-jets_" in job for job in jobs)


UNTOLD = """#!/bin/sh
echo asked >> {asked}
if [ $(wc -l < {asked}) -le 7 ]; then
    echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2
    exit 1
fi
echo '7|COMPLETED'
"""


def test_a_job_that_ends_while_the_controller_is_away_is_not_forgotten(place, environment, tmp_path):
    """The plugin asks five times, and forgets a job of which nobody has told it anything."""
    slurm = PretendedSlurm(tmp_path / "slurm", storage="none")
    environment["PATH"] = os.pathsep.join([str(slurm.folder), environment["PATH"]])
    asked, shard = tmp_path / "asked", "results/function/raw/shard-0000"
    benchmark = "results/benchmarks/simulate/function/shard-0000.tsv"
    made = (place / name for name in (f"{shard}.h5", f"{shard}.timing.json", benchmark))
    commands = {
        "sbatch": "#!/bin/sh\n" + "".join(f"mkdir -p {path.parent}\ntouch {path}\n" for path in made) + "echo 7\n",
        "squeue": UNTOLD.format(asked=asked),
    }
    for name, script in commands.items():
        (slurm.folder / name).write_text(script)
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/cluster", f"{shard}.h5"]
    options = ["--slurm-init-seconds-before-status-checks", "1", "--config", "studies=[function]"]
    with subprocess.Popen(
        [*command, *options], cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        try:
            said, _ = run.communicate(timeout=100)
        finally:
            run.kill()
    assert run.returncode == 0, said
    assert len(asked.read_text().splitlines()) == 8


def test_memory_does_not_keep_a_job_from_a_laptop(place, environment):
    site(place, {"resources": {"rules": {"simulate": {"memory_gb": 200}, "train": {"nodes": 3, "cpus": 64}}}})
    done = snakemake(place, environment, "--profile", "profiles/local", "--cores", "2", TRAINED)
    assert done.returncode == 0, done.stdout + done.stderr
    said = (place / "logs" / "train" / "function" / "ann_1000.log").read_text()
    assert "--nodes 3 --workers 3 --cpus 2 " in said  # no more cores than there are


def test_the_table_is_no_reason_to_run_anything_again(place, environment):
    arguments = ("--profile", "profiles/local", "--cores", "2", "--config", "studies=[function]")
    done = snakemake(place, environment, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    site(place, {"resources": {"rules": {"train": {"gpus": 2, "cpus": 8, "memory_gb": 60}}, "shards": {"per_job": 3}}})
    again = snakemake(place, environment, *arguments, "-n")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_a_signal_to_the_job_reaches_the_command_and_not_a_shell_before_it(place, environment):
    """Slurm signals all processes of a step: bash would die at once, and the job end before its state is saved."""
    (place / "wait").touch()
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/local", "--cores", "1", TRAINED]
    log = place / "logs" / "train" / "function" / "ann_1000.log"
    with subprocess.Popen(
        command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    ) as run:  # fmt: skip
        while not (log.exists() and "trains" in log.read_text()):
            assert run.poll() is None, run.stdout.read()
            time.sleep(0.1)
        os.killpg(run.pid, signal.SIGTERM)
        said, _ = run.communicate(timeout=60)
    assert "saved" in log.read_text()
    assert run.returncode != 0
    assert "Error in rule train" in said


def test_a_wrong_site_stops_before_the_graph(place, environment):
    site(place, {"resources": {"rules": {"train": {"cpu": 2}}}})
    done = snakemake(place, environment, "--profile", "profiles/cluster", "-n")
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "profiles/site/site.yaml: resources.rules.train.cpu: unknown key (did you mean 'cpus'?)" in text
    assert "Traceback" not in text


def test_shards_that_wait_for_sums_over_all_share_jobs_before_and_after(place, environment, tmp_path):
    slurm = PretendedSlurm(tmp_path / "slurm", storage="none")
    environment["PATH"] = os.pathsep.join([str(slurm.folder), environment["PATH"]])
    path = place / "config" / "studies" / "perceptron.yaml"
    tree = yaml.safe_load(path.read_text())
    tree["dataset"]["balance"] = {"method": "resample"}
    tree["scales"]["demo"].setdefault("simulation", {})["shards"] = 50
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    folder = place / "results" / "perceptron"
    arguments = ("--config", "studies=[perceptron]", "--retries", "0", "--slurm-init-seconds-before-status-checks", "1")
    command = ("--profile", "profiles/cluster", "results/perceptron/dataset/manifest.json", *arguments)

    def submitted() -> list[str]:
        before = len(slurm.asked("sbatch"))
        assert snakemake(place, environment, *command).returncode != 0  # this Slurm takes no jobs
        return [" ".join(call) for call in slurm.asked("sbatch")[before:]]

    first = submitted()
    assert len(first) == 3  # of 20, 20 and 10 shards
    assert all("group_shards-perceptron" in job and "prepare:" not in job for job in first)
    (folder / "raw").mkdir(parents=True)
    for number in range(50):
        for suffix in ("h5", "timing.json"):
            (folder / "raw" / f"shard-{number:04d}.{suffix}").touch()
    (second,) = submitted()
    assert "rule_totals" in second
    (folder / "totals.json").touch()
    third = submitted()
    assert len(third) == 3
    assert all("group_prepare-perceptron" in job and "simulate:" not in job for job in third)
