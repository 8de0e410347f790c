"""The demo's jets, with two networks, from simulate to report on three nodes; the controller is restarted meanwhile."""

import re
from collections import Counter
from types import SimpleNamespace

import pytest
import yaml
from checkout import ROOT, Checkout

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def row(slurm, tmp_path_factory):
    """The finished workflow; `running` are the jobs that ran while Slurm's controller was restarted."""
    study = with_two_networks(yaml.safe_load((ROOT / "config" / "studies" / "jets.yaml").read_text()))
    site = {"partition": "virtual", "resources": {"shards": {"per_job": 2}}}
    place = Checkout(tmp_path_factory.mktemp("row") / "r", slurm, {"scale": "demo"}, site, study)
    log = place.folder / "logs" / "search" / "jets" / "feedforward_all.log"
    with place.snakemake() as snakemake:
        snakemake.wait_until(lambda: log.exists() and "trial" in log.read_text(), "the search's first trial", 600)
        running = [job["JobId"] for job in place.jobs() if job["JobState"] == "RUNNING"]
        slurm.restart_controller()
        said = snakemake.finish(600)
    return SimpleNamespace(place=place, running=running, said=said)


def with_two_networks(study: dict) -> dict:
    """The study with the searched network of its table and the one without tracks, and the claims about these."""
    grid, demo = study.pop("grids")["table"], study["scales"]["demo"]
    short = demo.pop("grids")["table"]
    searched = grid["axes"]["technique"]["feedforward"] | grid["axes"]["inputs"]["all"] | {"title": "feedforward"}
    searched["search"] |= short["axes"]["inputs"]["all"]["search"]
    training = grid["model"]["training"] | short["model"]["training"]
    study["models"] = {
        "feedforward_all": grid["model"] | searched | {"training": training},
        "kinematics": study["models"]["kinematics"],
    }
    demo["models"] = {"kinematics": demo["models"]["kinematics"]}
    demo["simulation"] = {"source": {"events": 700}, "shards": 4}  # two jobs of two shards each
    study["evaluation"]["reference"] = "feedforward_all"
    study["evaluation"]["importance"]["models"] = ["feedforward_all"]
    claims = ("displacement_orders_flavours", "kinematics_do_not_tag", "light_is_easier_than_charm")
    study["claims"] = [claim for claim in study["claims"] if claim["id"] in claims]
    return study


def test_the_report_is_written_and_every_rule_has_its_log(row):
    page = (row.place.folder / "results" / "report" / "index.html").read_text()
    assert "The flavour of jets" in page
    assert (row.place.folder / "results" / "report" / "tables" / "claims.csv").read_text().count("\n") == 1 + 3
    logs = row.place.folder / "logs"
    shards = [f"{rule}/jets/shard-000{number}" for rule in ("simulate", "prepare") for number in range(4)]
    models = [f"{rule}/jets/{model}" for rule in ("train", "evaluate") for model in ("feedforward_all", "kinematics")]
    for name in (*shards, "manifest/jets", "observables/jets", "search/jets/feedforward_all", *models, "report"):
        assert (logs / f"{name}.log").exists(), name
    assert "ssh -L" in (logs / "search" / "jets" / "feedforward_all.log").read_text()
    jobs = {int(path.stem) for path in (logs / "slurm").rglob("*.log")}
    assert jobs == {int(job["JobId"]) for job in row.place.jobs()}


def test_the_shards_share_a_job_and_the_jobs_spread_over_the_nodes(row):
    comments = [job["Comment"].strip() for job in row.place.jobs()]
    assert not [comment for comment in comments if comment.startswith(("rule_simulate", "rule_prepare"))]
    assert len([comment for comment in comments if "shards" in comment]) == 2  # of 2 shards each, made and prepared
    assert len({job["NodeList"] for job in row.place.jobs()}) > 1


def test_a_restart_of_the_controller_loses_no_job_and_runs_none_twice(row):
    assert row.running
    jobs = row.place.jobs()
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    assert {job["Restarts"] for job in jobs} == {"0"}
    assert set(row.running) <= {job["JobId"] for job in jobs}
    comments = Counter(job["Comment"].strip() for job in jobs)
    assert comments.pop("rule_shards-jets_prepare_simulate") == 2
    assert set(comments.values()) == {1}
    assert len(jobs) == row.said.count("has been submitted with SLURM jobid")
    done, planned = re.findall(r"(\d+) of (\d+) steps", row.said)[-1]
    assert done == planned
    assert "Error in rule" not in row.said
