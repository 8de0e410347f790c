"""Fits of lists, of questions and of committees that are interrupted end with the same bits."""

import json
from pathlib import Path

import pytest

from bevatron.store.shards.manifest import load_manifest
from bevatron.training.checkpoint import find_newest_valid
from bevatron.training.fit import describe, fit


@pytest.fixture
def members(flavours, tmp_path) -> dict[str, Path]:
    """Fitted members of the committee, as the train stage leaves them."""
    folders = {}
    for name in ("beauty_or_charm", "charm_or_light", "trees"):
        job = flavours.job(tmp_path / name, name)
        fit(job)
        spec = describe(job, load_manifest(flavours.manifest))
        (job.folder / "model.json").write_text(json.dumps({"network": spec.as_payload()}))
        folders[name] = job.folder
    return folders


OVER_LISTS = {
    "transformer": {"kind": "transformer", "width": 8, "heads": 2, "blocks": 1},
    "deep_sets": {"kind": "deep_sets", "element_widths": [8], "widths": [8]},
    "outer_fold": {"kind": "outer_fold", "width": 8},
    "gn2": {"kind": "gn2", "width": 8, "heads": 2, "blocks": 1, "feedforward": 8, "output_width": 6, "widths": [4]},
    "particle_net": {"kind": "particle_net", "coordinates": [], "convolutions": [[4, 4], [6]], "widths": [4]},
    "particle_transformer": {
        "kind": "particle_transformer", "momenta": {"log_pt": "d0", "eta": "z0", "phi": "d0"}, "heads": 2,
        "embedding_widths": [8], "pair_widths": [4], "blocks": 1, "class_blocks": 1, "feedforward": 8,
    },
    "outer_convolution": {"kind": "outer_convolution", "width": 8, "layers": 2},
}  # fmt: skip


@pytest.mark.parametrize("model", ["lstm", "charm_or_light", "committee", *OVER_LISTS])
def test_an_interrupted_fit_ends_with_the_same_bits(model, flavours, members, tmp_path):
    def interrupt(row):
        if row["epoch"] == 2:
            raise KeyError("interrupted")

    values = {"training__checkpoint_seconds": 1e-9, "architecture__dropout": 0.2, "training__batch_size": 16}
    if model in OVER_LISTS:
        del values["architecture__dropout"]
        model, values["architecture"] = "lstm", {**OVER_LISTS[model], "dropout": 0.2}
    given = members if model == "committee" else None
    straight, broken = (flavours.job(tmp_path / n, model, members=given, **values) for n in ("straight", "broken"))
    whole = fit(straight)
    with pytest.raises(KeyError):
        fit(broken, interrupt)
    assert find_newest_valid(broken.folder) is not None
    result = fit(broken)
    assert result.continued == 1
    assert result.best_val_loss == whole.best_val_loss
    name = "weights.safetensors"
    assert (broken.folder / name).read_bytes() == (straight.folder / name).read_bytes()
