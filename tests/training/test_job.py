"""A fit's job comes out of another process's hands as it went in."""

import json
from pathlib import Path

import pytest

from bevatron.training.job import FitJob


@pytest.mark.parametrize(
    ("model", "changes", "members"),
    [
        ("net", {}, {}),
        ("trees", {"architecture__rounds": 3}, {}),
        ("committee", {}, {"beauty_or_charm": Path("/a/seed-0"), "charm_or_light": Path("/b"), "trees": Path("/c")}),
    ],
)
def test_a_job_is_the_same_after_it_was_sent(flavours, tmp_path, model, changes, members):
    job = flavours.job(tmp_path / "fit", model, 3, members, **changes)
    sent = FitJob.from_payload(json.loads(json.dumps(job.as_payload())))
    assert sent == job
    assert list(sent.members) == list(job.members)


def test_epochs_are_sent_too(flavours, tmp_path):
    from dataclasses import replace

    job = replace(flavours.job(tmp_path, "net"), epochs=2, accelerator="auto")
    assert FitJob.from_payload(job.as_payload()) == job


def test_a_relative_manifest_is_found_from_another_folder(flavours, tmp_path, monkeypatch):
    from dataclasses import replace

    monkeypatch.chdir(flavours.manifest.parent)
    job = replace(flavours.job(tmp_path, "net"), manifest_path=Path("manifest.json"))
    payload = job.as_payload()
    monkeypatch.chdir(tmp_path)
    assert FitJob.from_payload(payload).manifest_path.samefile(flavours.manifest)
