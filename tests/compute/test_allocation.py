"""What a process learns of its batch job."""

import pytest

from bevatron.compute.slurm import allocation as module
from bevatron.compute.slurm.allocation import Allocation, allocation, node_address
from bevatron.errors import UserError


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0)


def test_nodes_and_memory_are_those_of_the_job(in_job):
    in_job("node1,node2,node3", number=12)
    assert allocation(3) == Allocation("12", ("node1", "node2", "node3"), 4000 * 2**20)
    assert node_address("node2") == "127.0.0.1"


def test_the_batch_host_comes_first_wherever_it_stands_in_the_list(in_job):
    in_job("node1,node2,node3", FAKE_BATCH_HOST="node2")
    assert allocation(3).nodes == ("node2", "node1", "node3")


@pytest.mark.parametrize(("asked", "nodes"), [(2, "node1"), (2, "node1,node2,node3")])
def test_another_number_of_nodes_is_one_clear_error(in_job, asked, nodes):
    in_job(nodes)
    names = nodes.replace(",", ", ")
    with pytest.raises(UserError, match=rf"4711: {asked} nodes were asked for and it has \d \({names}\)"):
        allocation(asked)


def test_outside_a_batch_job_is_one_clear_error(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(UserError, match="--nodes: 2 nodes were asked for outside a batch job"):
        allocation(2)


def test_a_controller_that_does_not_answer_is_asked_again(in_job, tmp_path):
    in_job("node1,node2", FAKE_DEAF=str(tmp_path / "asked"), FAKE_DEAF_TIMES="2")
    assert len(allocation(2).nodes) == 2
    in_job("node1,node2", FAKE_DEAF=str(tmp_path / "asked again"), FAKE_DEAF_TIMES="99")
    with pytest.raises(UserError, match=r"squeue .*: slurm_load_jobs error: Unable to contact slurm controller"):
        allocation(2)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("4000M", 4000 * 2**20), ("8G", 8 * 2**30), ("1.5T", 1.5 * 2**40), ("500", 500 * 2**20), ("0", None),
        ("", None), ("N/A", None), ("4000Mc", 4000 * 2**20),
    ],
)  # fmt: skip
def test_memory_as_slurm_writes_it(words, value):
    assert module._bytes(words) == value
