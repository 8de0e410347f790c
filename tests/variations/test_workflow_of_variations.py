"""A study with variations through Snakemake: what runs, and what runs again."""

import re
from pathlib import Path

import pandas as pd
import pytest
from small_checkout import make_checkout, run_snakemake
from test_variations import STUDY, write_files

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path):
    write_files(tmp_path)
    return make_checkout(tmp_path, {"mine": STUDY})


def run(folder: Path, *more: str) -> dict[str, int]:
    """How many jobs of each rule ran, or with -n would run; without the target."""
    words = run_snakemake(folder, *more)
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", words, re.M) if rule not in ("all", "total")}


@pytest.mark.slow
def test_a_change_of_one_variation_runs_its_own_jobs_again(project):
    first = run(project)
    assert {rule: n for rule, n in first.items() if rule.endswith("_variation")} == {
        "simulate_variation": 3,
        "prepare_variation": 3,
        "manifest_variation": 3,
        "evaluate_variation": 3,
    }
    assert first["train"] == first["evaluate"] == 1
    assert run(project) == {}
    study = project / "config" / "studies" / "mine.yaml"
    study.write_text(STUDY.replace("1.2 * pt", "1.3 * pt"))
    own = {"simulate_variation", "prepare_variation", "manifest_variation", "evaluate_variation"}
    assert run(project, "-n") == dict.fromkeys([*own, "report_study", "report"], 1)
    study.write_text(STUDY)
    table = pd.read_csv(project / "smeared.csv")
    table.assign(pt=table.pt + 1).to_csv(project / "smeared.csv", index=False)
    assert run(project, "-n") == dict.fromkeys([*own, "report_study", "report"], 1)
