"""Which site this is: its file, the environment, and whether Slurm keeps accounts."""

import pytest
import yaml
from pretended_slurm import PretendedSlurm

from bevatron.compute.slurm.accounting import keeps_accounts
from bevatron.compute.slurm.site import SITE, find_site, for_profile, site_file
from bevatron.errors import UserError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder without site."""
    monkeypatch.chdir(tmp_path)
    for name in ("BEVATRON_SITE", "SBATCH_ACCOUNT", "SBATCH_PARTITION"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def slurm(folder, monkeypatch):
    pretended = PretendedSlurm(folder / "slurm")
    monkeypatch.setenv("PATH", pretended.path)
    return pretended


def write(path, tree):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(tree))


def test_a_site_is_found_below_the_working_folder_or_by_the_environment(folder, monkeypatch):
    assert site_file() is None
    write(folder / SITE, {"account": "physics"})
    assert find_site().account == "physics"
    write(folder / "elsewhere.yaml", {"account": "teaching"})
    monkeypatch.setenv("BEVATRON_SITE", str(folder / "elsewhere.yaml"))
    assert find_site().account == "teaching"
    monkeypatch.setenv("BEVATRON_SITE", str(folder / "nowhere.yaml"))
    with pytest.raises(UserError, match="BEVATRON_SITE: there is no file"):
        find_site()


def test_slurms_own_variables_go_before_the_file(folder, monkeypatch):
    write(folder / SITE, {"account": "physics", "partition": "cpu", "gpu_partition": "gpu"})
    monkeypatch.setenv("SBATCH_PARTITION", "short")
    site = find_site()
    assert (site.account, site.partition, site.gpu_partition) == ("physics", "short", "gpu")
    monkeypatch.setenv("SBATCH_ACCOUNT", "teaching")
    assert find_site().account == "teaching"


def test_snakemake_asks_by_the_command_that_knows(slurm):
    assert keeps_accounts()
    assert for_profile().status_command == "sacct"
    slurm.configured(storage="none")
    assert not keeps_accounts()
    assert for_profile().status_command == "squeue"
    slurm.answers("scontrol", ([], 1, "Unable to contact slurm controller"))
    assert not keeps_accounts()


def test_a_profile_takes_what_the_site_says(slurm, folder):
    tree = {"status_command": "squeue", "jobs": 7, "resources": {"shards": {"per_job": 3}}}
    write(folder / SITE, tree)
    profile = for_profile()
    assert (profile.status_command, profile.jobs, profile.shards_per_job) == ("squeue", 7, 3)


def test_a_profile_leaves_mistakes_to_the_workflow(slurm, folder):
    write(folder / SITE, {"jobs": "many"})
    assert for_profile().jobs == 200
