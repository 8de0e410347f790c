"""What a fit reads is there, and is not empty: told before the fit, not by a traceback in it."""

import pytest

from bevatron.errors import UserError
from bevatron.store.shards.contract import GroupInfo
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.check_inputs import check_inputs
from bevatron.training.job import FitJob


@pytest.fixture
def job(curve, reading, tmp_path):
    return FitJob(curve.study, curve.study.models["net"], curve.manifest, 0, tmp_path, reading, "cpu")


def with_lists(manifest, elements):
    """The manifest with a list 'tracks', of so many elements in each shard of the train split."""
    info = GroupInfo(layout="ragged", features=("d0",), units=("mm",), shape=(1,), max_length=3, dtype="float32")
    splits = {
        split: tuple(
            entry.model_copy(update={"elements": {"tracks": elements if split == "train" else 0}}) for entry in entries
        )
        for split, entries in manifest.splits.items()
    }
    return manifest.model_copy(update={"groups": manifest.groups | {"tracks": info}, "splits": splits})


def test_a_list_that_is_empty_in_all_samples_is_told(job):
    manifest = load_manifest(job.manifest_path)
    check_inputs(job, with_lists(manifest, 0))  # the model does not read it
    job.model.inputs.append("tracks")
    try:
        check_inputs(job, with_lists(manifest, 1))
        with pytest.raises(UserError, match=r"manifest.json: 'tracks' is empty in all samples of the train split"):
            check_inputs(job, with_lists(manifest, 0))
        job.model.inputs[-1] = "trakcs"
        with pytest.raises(UserError, match=r"has no input group 'trakcs'; did you mean 'tracks'\?"):
            check_inputs(job, with_lists(manifest, 1))
    finally:
        job.model.inputs.pop()
