"""The workflow's graph: what runs after which change, and that a wrong configuration stops before it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bevatron.config.loading.load import load_study
from bevatron.config.sections.study import Study

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "workflow", "config", "profiles")


@pytest.fixture
def checkout(tmp_path):
    """A copy of the workflow without results."""
    for part in PARTS:
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    return tmp_path


def snakemake(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=root)


def shipped(scale: str) -> list[Study]:
    """The studies that config.yaml lists."""
    names = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["studies"]
    return [load_study(name, scale, ROOT / "config" / "studies") for name in names]


def planned(root: Path, *arguments: str) -> dict[str, int]:
    """Number of jobs by rule of a dry run."""
    done = snakemake(root, "-n", "--quiet", "host", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return {m[1]: int(m[2]) for m in re.finditer(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.M)}


@pytest.mark.slow
def test_the_whole_row_is_planned(checkout):
    jobs, studies = planned(checkout), shipped("demo")
    models = [model for study in studies for model in study.models.values()]
    assert jobs["simulate"] == jobs["prepare"] == sum(study.simulation.shards for study in studies)
    assert jobs["manifest"] == jobs["observables"] == jobs["report_study"] == len(studies) == 21
    assert jobs["validate_source"] == sum(study.evaluation.validate_source for study in studies) >= 1
    assert jobs["search"] == sum(model.search is not None for model in models) == 1
    assert jobs["train"] == jobs["evaluate"] == len(models)
    assert jobs["report"] == 1


@pytest.mark.slow
def test_one_study_alone_and_the_paper_s_scale(checkout):
    jobs = planned(checkout, "--config", "studies=[jets]", "scale=paper")
    assert jobs["simulate"] == 1000
    assert jobs["train"] == 21 + 20  # the table of the paper, and the others


@pytest.mark.slow
def test_a_wrong_configuration_stops_before_the_graph(checkout):
    path = checkout / "config" / "studies" / "jets.yaml"
    tree = yaml.safe_load(path.read_text())
    tree["models"]["kinematics"]["training"]["epoch"] = 3
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    done = snakemake(checkout, "-n")
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "config/studies/jets.yaml: models.kinematics.training.epoch: unknown key" in text
    assert "Traceback" not in text
    assert "Building DAG" not in text


@pytest.mark.slow
def test_export_is_a_target_of_its_own(checkout):
    jobs = planned(checkout, "--config", "studies=[function]", "--", "export")
    assert jobs["export"] == 1
    assert jobs["export_model"] == jobs["evaluate"] == 11
    assert "report" not in jobs
    jobs = planned(checkout, "--config", "studies=[lartpc_boxes,lartpc_neutrino]", "--", "export")
    assert jobs["export_model"] == 4  # Faster R-CNN cannot be ONNX


@pytest.mark.slow
def test_apply_is_a_target_of_its_own_with_a_job_for_each_file(checkout):
    path = checkout / "config" / "studies" / "function.yaml"
    name = next(iter(yaml.safe_load(path.read_text())["models"]))
    entries = {
        "own": {"models": [name], "seed": 0},
        "exported": {"models": [name], "files": ["results/function/raw/shard-0000.h5"], "backend": "onnx"},
    }
    path.write_text(f"{path.read_text()}\n{yaml.safe_dump({'apply': entries})}")
    jobs = planned(checkout, "--config", "studies=[function]", "--", "apply")
    assert jobs["apply"] == jobs["export_model"] == jobs["train"] == 1
    assert jobs["apply_model"] == 2
    assert "report" not in jobs
    done = snakemake(checkout, "-n", f"results/function/scores/own/{name}/other.root", "--config", "studies=[function]")
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "no scores other.root in own: it has shard-0000" in text
    assert "Traceback" not in text


@pytest.mark.slow
def test_a_study_of_more_than_9999_shards(checkout):
    """The last of 10,001 is planned by its name of five digits."""
    path = checkout / "config" / "studies" / "perceptron.yaml"
    path.write_text(re.sub(r"^  shards: 1$", "  shards: 10001", path.read_text(), flags=re.M))
    targets = [f"results/perceptron/dataset/test-{number}.h5" for number in ("9999", "10000")]
    done = snakemake(checkout, "-n", *targets, "--config", "studies=[perceptron]")
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    for number in ("9999", "10000"):
        assert f"output: results/perceptron/raw/shard-{number}.h5" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("perceptron/raw/shard-0001.h5", "no shard 0001: perceptron has 1 shard, number 0000; set simulation.shards"),
        ("perceptron/dataset/val-0001.h5", "no shard 0001: perceptron has 1 shard"),
        ("jets/raw/shard-10004.h5", "no shard 10004: jets has 2 shards, to 0001"),
        ("perceptron/raw/shard-00000.h5", "MissingRuleException"),
        ("perceptron/models/kinematics/runs.json", "no model kinematics: perceptron has rosenblatt,"),
        ("perceptron/search/kinematics/best.yaml", "no model kinematics: perceptron has rosenblatt,"),
        ("perceptron/evaluation/kinematics/metrics.json", "no model kinematics: perceptron has rosenblatt,"),
        ("jets/export/rosenblatt/card.md", "no model rosenblatt: jets has "),
        ("perceptron/search/fisher/trials.csv", "no search of fisher: perceptron searches no model"),
        ("perceptron/scores/data/fisher/run.root", "no entry data in the section apply of perceptron"),
        ("perceptron/evaluation/source.json", "no validation of the source of perceptron"),
    ],
)
def test_a_target_that_a_study_does_not_have_is_told_without_a_traceback(target, told, checkout):
    done = snakemake(checkout, "-n", f"results/{target}", "--config", "studies=[perceptron,jets]")
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert told in text
    assert "Traceback" not in text
    assert "IndexError" not in text
    assert "KeyError" not in text


@pytest.mark.slow
def test_other_people_s_files_are_inputs_of_the_shards_that_read_them(checkout):
    path = checkout / "config" / "studies" / "jets.yaml"
    tree = yaml.safe_load(path.read_text())
    tree["simulation"] = {"source": {"kind": "hepmc", "files": ["events/*.hepmc"]}, "shards": 2}
    tree["scales"]["demo"].pop("simulation")
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    targets = [f"results/jets/raw/shard-{shard:04d}.h5" for shard in range(2)]
    done = snakemake(checkout, "-n", *targets, "--config", "studies=[jets]")
    assert done.returncode != 0
    assert "simulation.source.files: no file matches 'events/*.hepmc'" in done.stdout + done.stderr
    (checkout / "events").mkdir()
    for name in "ab":
        (checkout / "events" / f"{name}.hepmc").write_text(name)
    done = snakemake(checkout, "-n", *targets, "--config", "studies=[jets]")
    assert done.returncode == 0, done.stdout + done.stderr
    for shard, name in enumerate("ab"):
        read = rf"input: events/{name}\.hepmc\s+output: results/jets/raw/shard-{shard:04d}\.h5"
        assert re.search(read, done.stdout + done.stderr)


@pytest.mark.slow
def test_a_study_whose_files_are_missing_is_left_out_by_name(checkout):
    done = snakemake(checkout, "-n", "--config", "scale=paper", "studies=[colour,function]")
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert "study colour is left out: data/cifar10/data_batch_1.bin: no such file" in text
    assert "bevatron train colour" not in text
    assert (
        "--missing=colour"
        in snakemake(checkout, "-n", "-p", "--config", "scale=paper", "studies=[colour,function]").stdout
    )
    alone = snakemake(checkout, "-n", "--config", "scale=paper", "studies=[colour]")
    assert alone.returncode != 0
    assert "no study is left to run" in alone.stdout + alone.stderr
    folder = checkout / "data" / "cifar10"
    folder.mkdir(parents=True)
    for name in (*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"):
        (folder / name).write_bytes(bytes(3073))
    assert planned(checkout, "--config", "scale=paper", "studies=[colour]")["train"] == 4


def test_what_no_job_would_read_is_refused(checkout):
    (checkout / "my.yaml").write_text("accelerator: cuda\nruns_dir: my_runs\nscale: demo\nzorp: 1\n")
    done = snakemake(checkout, "-n", "--configfile", "my.yaml")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "only scale and studies can be given there, found accelerator, runs_dir, zorp" in said
    assert "Traceback" not in said


def test_a_configfile_of_scale_and_studies_alone_is_taken(checkout):
    (checkout / "my.yaml").write_text("studies: [perceptron]\n")
    assert planned(checkout, "--configfile", "my.yaml")["simulate"] == 1
