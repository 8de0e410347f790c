"""`bevatron doctor` says what is missing, what was found, and what to do; exit code 1 where something needed is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pretended_slurm import PretendedCommands, PretendedSlurm

from bevatron.doctor.gpus import gpus_of
from bevatron.doctor.partitions import minutes_of
from bevatron.doctor.places import mount_of

ROOT = Path(__file__).parents[2]


class Machine:
    """A working folder with the shipped configuration, and commands of a batch system first in PATH."""

    def __init__(self, folder: Path):
        self.folder = folder
        shutil.copytree(ROOT / "config", folder / "config")
        unwanted = ("SLURM", "SBATCH", "BEVATRON")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        self.commands: PretendedCommands | None = None

    def site(self, tree: dict) -> None:
        path = self.folder / "profiles" / "site" / "site.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(tree))

    def config(self, tree: dict) -> None:
        (self.folder / "config" / "config.yaml").write_text(yaml.safe_dump({"studies": ["jets"], **tree}))

    def doctor(self, *arguments: str) -> tuple[int, list[str]]:
        """Exit code and lines; a finding is one line."""
        path = self.commands.path if self.commands else self.environment["PATH"]
        done = subprocess.run(
            [sys.executable, "-m", "bevatron.cli", "doctor", *arguments], cwd=self.folder, capture_output=True,
            text=True, env={**self.environment, "PATH": path},
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path / "m")


@pytest.fixture
def slurm(machine, tmp_path):
    machine.commands = PretendedSlurm(tmp_path / "slurm")
    return machine.commands


def bad(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("missing")]


def finding(lines: list[str], what: str) -> str:
    """The one line whose second column starts with `what`."""
    (line,) = [line for line in lines if " ".join(line.split()[1:]).startswith(what)]
    return line


def test_a_laptop_without_slurm_has_all_it_needs(machine, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("python", "bevatron"):
        (folder / name).symlink_to(Path(sys.executable).parent / name)
    machine.environment["PATH"] = str(folder)  # no Slurm here, wherever the tests run
    code, lines = machine.doctor()
    assert (code, bad(lines)) == (0, [])
    assert finding(lines, "Slurm not here; the profile local needs none")
    for what in ("Python ", "torch ", "ray ", "free disk in", "locks in", "temporary folder"):
        assert finding(lines, what).startswith("ok")
    code, lines = machine.doctor("--profile", "cluster")
    assert code == 1
    assert "not found: sbatch, srun" in finding(bad(lines), "Slurm's commands")


def test_a_healthy_slurm_has_all_that_the_table_asks_for(machine, slurm):
    machine.site({"account": "physics"})
    code, lines = machine.doctor("--profile", "cluster")
    assert (code, bad(lines)) == (0, [])
    assert "slurm 23.11.4" in finding(lines, "Slurm's commands")
    assert "sacct answers" in finding(lines, "accounting")
    assert "4 nodes; all 12 kinds of jobs fit" in finding(lines, "partition cpu")  # and not the drained one


def test_without_accounting_squeue_is_asked_as_long_as_it_remembers(machine, slurm):
    slurm.configured(storage="none", age=300)
    code, lines = machine.doctor("--profile", "cluster")
    assert code == 0
    assert "squeue is asked how jobs stand (MinJobAge 300 s)" in finding(lines, "accounting ")
    slurm.configured(storage="none", age=30)
    code, lines = machine.doctor("--profile", "cluster")
    assert code == 1
    assert "forgets ended jobs after 30 s" in finding(bad(lines), "accounting ")
    machine.site({"status_command": "sacct", "account": "physics"})
    _, lines = machine.doctor("--profile", "cluster")
    assert "set status_command to squeue" in finding(bad(lines), "accounting ")
    assert "remove `account`" in finding(bad(lines), "account ")


def test_accounting_that_does_not_answer_is_told(machine, slurm):
    slurm.answers("sacct", ([], 1, "sacct: error: Problem talking to the database: Connection refused"))
    code, lines = machine.doctor("--profile", "cluster")
    assert code == 1
    assert "Connection refused" in finding(bad(lines), "accounting")


def test_somebody_elses_account_and_partition_are_told_with_ones_own(machine, slurm):
    machine.site({"account": "chemistry", "partition": "fast"})
    code, lines = machine.doctor("--profile", "cluster")
    assert code == 1
    assert "physics, teaching" in finding(bad(lines), "account 'chemistry' is not yours")
    assert "cpu, gpu" in finding(bad(lines), "partition there is no 'fast'")


@pytest.mark.parametrize(
    ("train", "wanted"),
    [
        ({"nodes": 2, "gpus": 4, "cpus": 64, "memory_gb": 200}, None),
        ({"gpus": 5}, "1 × 1 CPUs, 5 GPUs, 4 GB are asked for; 0 of 2 nodes have that"),
        ({"gpus": 1, "cpus": 65}, "0 of 2 nodes have that"),
        ({"gpus": 1, "memory_gb": 600}, "0 of 2 nodes have that"),
        ({"gpus": 1, "minutes": 2881}, "2881 minutes are asked for, the longest time is 2880"),
        ({"nodes": 5, "cpus": 32}, "5 × 32 CPUs, 4 GB are asked for; 4 of 4 nodes have that"),
    ],
)
def test_what_no_node_has_is_told_before_it_is_queued(machine, slurm, train, wanted):
    resources = {"rules": {"train": train}, "limits": {"memory_gb": 1000, "minutes": 9999}}
    machine.site({"gpu_partition": "gpu", "resources": resources})
    code, lines = machine.doctor("--profile", "cluster")
    if wanted is None:
        assert (code, bad(lines)) == (0, [])
        assert "2 nodes; all 1 kinds of jobs fit" in finding(lines, "partition gpu")
    else:
        assert code == 1
        (line,) = bad(lines)
        assert "train in " in line
        assert wanted in line


def test_gpus_of_another_type_do_not_count(machine, slurm):
    machine.site({"gpu_partition": "gpu", "gpu_type": "h100", "resources": {"rules": {"train": {"gpus": 1}}}})
    code, lines = machine.doctor("--profile", "cluster")
    assert code == 1
    assert "1 GPUs (h100)" in finding(bad(lines), "train in gpu")


def test_a_batch_job_of_shards_must_fit_into_the_longest_time(machine, slurm):
    slurm.configured(longest="04:00:00")
    code, lines = machine.doctor("--profile", "cluster")
    assert code == 1
    assert {line.split()[1] for line in bad(lines)} == {"simulate", "prepare"}
    assert all("300 minutes are asked for, the longest time is 240" in line for line in bad(lines))
    assert all("lower shards.per_job" in line for line in bad(lines))


def test_later_attempts_that_no_node_could_take_are_noted(machine, slurm):
    code, lines = machine.doctor("--profile", "cluster")
    assert code == 0
    machine.site({"resources": {"rules": {"train": {"memory_gb": 100}}}})
    code, lines = machine.doctor("--profile", "cluster")
    assert code == 0
    assert "later attempts may ask for 240 GB, the largest node has 128" in finding(lines, "limits for cpu")


def test_a_controller_that_is_down_ends_the_questions(machine, slurm):
    slurm.answers("scontrol", ([], 1, "slurm_ping error: Unable to contact slurm controller"))
    code, lines = machine.doctor("--profile", "cluster")
    assert code == 1
    assert "Unable to contact slurm controller" in finding(bad(lines), "Slurm's controller")
    assert slurm.asked("sinfo") == []


def test_a_probe_that_cannot_run_tells_why_and_leaves_nothing(machine, slurm):
    machine.site({"partition": "cpu"})
    code, lines = machine.doctor("--profile", "cluster", "--probe")
    assert code == 1
    assert "no job can be started" in finding(bad(lines), "a job in cpu")
    (asked,) = slurm.asked("srun")
    assert "--partition=cpu" in asked
    assert not list(machine.folder.glob(".bevatron-*"))


def test_a_node_that_sees_another_file_system_is_told(machine, slurm):
    said = '{"word": "of another file", "node": "c1", "gpus": 0}'
    srun = f"#!{sys.executable}\nimport sys\nopen(sys.argv[-1], 'w').write({said!r})\n"
    (slurm.folder / "srun").write_text(srun)
    code, lines = machine.doctor("--profile", "cluster", "--probe")
    assert code == 1
    assert "work in a folder that the nodes share" in finding(bad(lines), "a job in the default partition")


def test_too_little_disk_is_told(machine):
    code, lines = machine.doctor("--need-gb", "1e9")
    assert code == 1
    assert "1e+09 GB are asked for" in finding(bad(lines), "free disk")


def test_a_folder_that_cannot_be_written_is_told(machine):
    if not Path("/sys/kernel").is_dir():
        pytest.skip("needs a folder that nobody can write to")
    machine.config({"runs_dir": "/sys/kernel"})
    code, lines = machine.doctor("--need-gb", "0")
    assert code == 1
    assert "no file can be made there" in finding(bad(lines), "locks in /sys/kernel")


def test_a_long_temporary_folder_is_noted(machine, tmp_path):
    long = tmp_path / ("x" * 60)
    long.mkdir()
    machine.environment["TMPDIR"] = str(long)
    code, lines = machine.doctor()
    assert code == 0
    assert finding(lines, "temporary folder").startswith("note")


def test_the_token_of_an_existing_ray_is_for_its_user_alone(machine):
    token = machine.folder / "token"
    token.write_text("0123456789abcdef")
    token.chmod(0o644)
    machine.config({"ray": {"address": "127.0.0.1:1", "token": str(token)}})
    code, lines = machine.doctor()
    assert code == 1
    assert "refused" in finding(bad(lines), "Ray cluster")
    assert "mode 0644" in " ".join(bad(lines))
    token.chmod(0o600)
    _, lines = machine.doctor()
    assert len(bad(lines)) == 1
    assert "0123456789abcdef" not in "".join(lines)


def test_packages_below_their_floor_are_told(machine, tmp_path):
    """A `snakemake` whose metadata stands before the real one in the path."""
    old = tmp_path / "site" / "snakemake-9.1.0.dist-info"
    old.mkdir(parents=True)
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: snakemake\nVersion: 9.1.0\n")
    machine.environment["PYTHONPATH"] = str(old.parent)
    code, lines = machine.doctor()
    assert code == 1
    assert "9.1.0, and >=9.20 is asked for" in finding(bad(lines), "snakemake ")


def test_htcondor_takes_no_jobs_of_several_nodes(machine):
    machine.site({"resources": {"overrides": {"jets/feedforward_all": {"train": {"nodes": 2}}}}})
    code, lines = machine.doctor("--profile", "htcondor")
    assert code == 1
    assert "train jets/feedforward_all" in finding(bad(lines), "jobs of several nodes")


def test_mistakes_in_the_table_are_told_as_validate_tells_them(machine):
    machine.site({"resources": {"rules": {"train": {"cpu": 1}}}})
    code, lines = machine.doctor()
    assert code == 2
    assert lines == [
        "bevatron: profiles/site/site.yaml: resources.rules.train.cpu: unknown key (did you mean 'cpus'?); "
        "allowed: cpus, gpus, memory_gb, minutes, nodes"
    ]


@pytest.mark.parametrize(
    ("gres", "kind", "count"),
    [
        ("gpu:2", None, 2),
        ("gpu:a100:4(S:0-1),shard:8", None, 4),
        ("gpu:a100_3g.20gb:2(S:0),gpu:h100:1", None, 3),
        ("gpu:a100_3g.20gb:2(S:0),gpu:h100:1", "h100", 1),
        ("gpu:2", "h100", 0),
        ("(null)", None, 0),
        ("", None, 0),
    ],
)
def test_slurms_words_for_gpus(gres, kind, count):
    assert gpus_of(gres, kind) == count


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("2-00:00:00", 2880), ("1-12:30:00", 2190), ("04:00:00", 240), ("30:00", 30), ("UNLIMITED", None), ("", None)],
)
def test_slurms_words_for_time(text, minutes):
    assert minutes_of(text) == minutes


def test_the_innermost_mount_counts(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"/dev/sda1 / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw,local_lock=none 0 0\n"
        f"tmpfs {tmp_path}/a\\040b tmpfs rw 0 0\n"
    )
    (tmp_path / "a b").mkdir()
    assert mount_of(tmp_path / "results", mounts)[1] == "nfs4"
    assert mount_of(tmp_path / "a b" / "results", mounts)[1] == "tmpfs"
    assert mount_of(Path("/usr"), mounts)[:2] == ("/", "ext4")


def test_a_home_that_cannot_be_written_is_named_with_the_variable_that_helps(machine, tmp_path):
    machine.config({})
    machine.environment |= {"HOME": "/proc/nohome", "XDG_CACHE_HOME": ""}
    code, lines = machine.doctor("--need-gb", "0")
    (line,) = [line for line in lines if "Snakemake's cache" in line]
    assert code == 1
    assert "/proc/nohome" in line
    assert "XDG_CACHE_HOME" in line
    machine.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    _, lines = machine.doctor("--need-gb", "0")
    assert [line for line in lines if "Snakemake's cache" in line and line.split()[0] == "ok"]
