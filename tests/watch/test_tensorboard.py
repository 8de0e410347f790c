"""TensorBoard shows runs by study, model and seed."""

import json

import pytest
from workflow_folder import touch, write_progress

from bevatron.watch.live_runs import LiveRuns
from bevatron.watch.tensorboard import RunLinks

MODELS = {"curve": ["net"]}


@pytest.fixture
def links(tmp_path):
    folder = tmp_path / "links"
    folder.mkdir()
    return RunLinks(folder, tmp_path / "results", LiveRuns(tmp_path / "runs"))


def names(folder) -> dict[str, str]:
    """The run that each link leads to."""
    found = (path for path in folder.rglob("*") if path.is_symlink())
    return {path.relative_to(folder).as_posix(): path.resolve().parent.name for path in found}


def make_run(tmp_path, name: str, **values) -> None:
    write_progress(tmp_path / "runs" / name, **values)
    touch(tmp_path / "runs" / name / "tensorboard/events.out")


def test_the_published_run_of_a_seed_is_shown_and_else_the_newest(links, tmp_path):
    make_run(tmp_path, "a" * 20, updated=10, state="finished")
    make_run(tmp_path, "b" * 20, updated=20, state="finished")
    make_run(tmp_path, "c" * 20, updated=30, seed=1)
    assert links.refresh(MODELS) == 2
    assert names(tmp_path / "links") == {"curve/net/seed-0": "b" * 20, "curve/net/seed-1": "c" * 20}
    record = tmp_path / "results/curve/models/net/runs.json"
    touch(record)
    record.write_text(json.dumps({"runs": [{"seed": 0, "digest": "a" * 64}]}))
    links.refresh(MODELS)
    assert names(tmp_path / "links") == {"curve/net/seed-0": "a" * 20, "curve/net/seed-1": "c" * 20}


def test_links_come_and_go_with_the_runs(links, tmp_path):
    import shutil

    assert links.refresh(MODELS) == 0
    make_run(tmp_path, "a" * 20)
    write_progress(tmp_path / "runs/search", kind="search", trials=3)
    touch(tmp_path / "runs/search/trial-0001/tensorboard/events.out")
    links.refresh(MODELS)
    assert set(names(tmp_path / "links")) == {"curve/net/seed-0", "curve/net/search/trial-0001"}
    shutil.rmtree(tmp_path / "runs/search/trial-0001")
    links.refresh(MODELS)
    assert set(names(tmp_path / "links")) == {"curve/net/seed-0"}


@pytest.mark.parametrize("name", ["../../x", "/etc", "", "a\nb", "ä"])
def test_names_of_a_file_lead_nowhere_else(links, tmp_path, name):
    make_run(tmp_path, "a" * 20, study=name)
    make_run(tmp_path, "b" * 20, study="curve", model=name, title=name)
    assert links.refresh(MODELS) == 0
    record = tmp_path / "results/curve/models/net/runs.json"
    touch(record)
    record.write_text(json.dumps({"runs": [{"seed": 0, "digest": name}, {"seed": "x", "digest": 3}]}))
    assert links.refresh(MODELS) == 0


def test_tensorboard_reads_through_the_links(links, tmp_path):
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
    from torch.utils.tensorboard import SummaryWriter

    make_run(tmp_path, "a" * 20)
    with SummaryWriter(str(tmp_path / "runs" / ("a" * 20) / "tensorboard")) as writer:
        writer.add_scalar("val_loss", 0.5, 7)
    links.refresh(MODELS)
    found = EventMultiplexer().AddRunsFromDirectory(str(tmp_path / "links")).Reload()
    assert list(found.Runs()) == ["curve/net/seed-0"]
    assert [(event.step, event.value) for event in found.Scalars("curve/net/seed-0", "val_loss")] == [(7, 0.5)]
