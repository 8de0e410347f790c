"""Trainings and searches whose batch jobs end before their time are submitted again and end as if nothing had been."""

import hashlib
import json
import re

import pytest
from checkout import Checkout
from stories import SEARCH, TRAINING, TRIALS, trial_log

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(1500)]


def weights(runs_json) -> str:
    """SHA-256 of the only seed's weights, as runs.json has it and as the file is."""
    run = json.loads(runs_json.read_text())["runs"][0]
    said = run["files"]["weights.safetensors"]
    path = runs_json.parent / run["folder"] / "weights.safetensors"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == said
    return said


def assert_continued(place: Checkout, undisturbed) -> None:
    """The training went on from a checkpoint and learned the same, bit for bit."""
    assert re.search(r"continues from chunk-\d+", place.log("train/curve/net.log"))
    assert json.loads((place.folder / TRAINING).read_text())["runs"][0]["continued"] == 1
    assert weights(place.folder / TRAINING) == weights(undisturbed)


def assert_search_continued(place: Checkout) -> None:
    """The search's second job found ended trials, repeated none of them, and did the others."""
    lines = trial_log(place)
    ended = [line["trial"] for line in lines if line["event"] == "end"]
    assert sorted(ended) == list(range(1, TRIALS + 1))
    for trial in ended:
        events = [line["event"] for line in lines if line["trial"] == trial]
        assert events[-1] == "end"
    found = re.search(r"continues; (\d+) of \d+ trials have ended", place.slurm_logs("search")[-1])
    assert found
    assert 2 <= int(found[1]) < TRIALS
    assert len((place.folder / SEARCH).with_name("trials.csv").read_text().splitlines()) == 1 + TRIALS


def states(place: Checkout, rule: str) -> list[str]:
    return [job["JobState"] for job in place.jobs(f"rule_{rule}")]


def test_cancelled_jobs_are_submitted_again_and_go_on(cancelled, undisturbed):
    place = cancelled.place
    assert states(place, "train") == states(place, "search") == ["CANCELLED", "COMPLETED"]
    assert "the fit was asked to end (SIGTERM) and saved its state" in cancelled.said
    assert "the search was asked to stop (SIGTERM)" in cancelled.said
    assert_continued(place, undisturbed)
    assert_search_continued(place)


def test_jobs_of_a_dead_node_go_on_at_another(node_failure, undisturbed):
    place = node_failure.place
    for rule in ("train", "search"):
        assert states(place, rule) == ["NODE_FAIL", "COMPLETED"]
        first, second = (job["NodeList"] for job in place.jobs(f"rule_{rule}"))
        assert first != second
    assert_continued(place, undisturbed)
    assert_search_continued(place)


def test_a_training_saves_its_state_before_its_time_is_over_and_gets_more(time_limit, undisturbed):
    place = time_limit.place
    first, *_, last = place.jobs("rule_train")
    assert first["TimeLimit"] == "00:01:00"
    assert "the batch job ends in" in time_limit.said
    # it ended by itself; where other work slows the machine down, its last block may take longer than it has
    assert first["JobState"] in ("FAILED", "TIMEOUT")
    assert last["TimeLimit"] > first["TimeLimit"]
    assert last["JobState"] == "COMPLETED"
    assert "was asked to end (SIGTERM) and saved its state" in time_limit.said
    assert_continued(place, undisturbed)


def test_a_job_killed_for_want_of_memory_gets_more(out_of_memory):
    place = out_of_memory.place
    assert "exceeded memory limit" in place.slurm_logs("train")[0]
    first, *_, last = place.jobs("rule_train")
    assert first["JobState"] in ("FAILED", "OUT_OF_MEMORY", "CANCELLED")
    assert "mem=400M" in first["TRES"]
    assert "mem=1600M" in last["TRES"]
    assert last["JobState"] == "COMPLETED"
