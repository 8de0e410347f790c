"""`make profiles` makes `snakemake --profile cluster` work as written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["local", "cluster"])
def test_a_profile_is_found_by_its_name(tmp_path, profile):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    user = tmp_path / "user"
    environment = {**os.environ, "XDG_CONFIG_HOME": str(user), "HOME": str(user)}
    subprocess.run(["make", "profiles"], cwd=ROOT, env=environment, check=True, capture_output=True)
    assert (user / "snakemake" / profile / "config.yaml").is_file()
    place = tmp_path / "place"
    place.mkdir()
    for part in ("Snakefile", "workflow", "config"):  # no profiles/ here: the user's folder must do
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place / part)
    command = [sys.executable, "-m", "snakemake", "--profile", profile, "-n"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"profile {profile}" in (done.stdout + done.stderr).lower()
