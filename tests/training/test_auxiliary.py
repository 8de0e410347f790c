"""Auxiliary tasks: losses as sums over single elements, pairs and jets; fits that can be repeated and shared."""

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from auxiliary_jobs import ORIGINS, TASKS, draw_samples, job_of, make_dataset, study_of
from safetensors.torch import load_file

from bevatron.errors import UserError
from bevatron.models.network import load_network
from bevatron.store.shards.columns import ElementTarget
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.auxiliary import terms_per_sample
from bevatron.training.class_balance import class_weights
from bevatron.training.data import DataModule
from bevatron.training.fit import fit, initial_network, load_finished_fit, make_learner
from bevatron.training.history import COLUMNS

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("tracks"))


@pytest.fixture(scope="module")
def weighted(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("weighted"), weighted=True)


@torch.no_grad()
def expected_losses(network, samples, weights, class_weights_of_origin=None):
    """By task (mean loss, number of terms for a jet), from loops over jets, tracks and pairs."""
    sums = {name: [0.0, 0.0, 0] for name in TASKS}
    inputs = samples.inputs
    decay = samples.targets["decay_length"]
    mean, std = np.nanmean(decay_of("train")), np.nanstd(decay_of("train"))
    offsets = inputs["tracks"].column.offsets
    origin, vertex = (samples.element_targets[name].values for name in ("track_origin", "track_vertex"))

    def add(name, loss, weight):
        sums[name][0] += weight * loss
        sums[name][1] += weight
        sums[name][2] += 1

    from bevatron.models.layers.inputs import Padded

    for jet in range(len(samples)):
        first, last = offsets[jet : jet + 2]
        n = last - first
        values = torch.zeros(1, 6, 3)
        values[0, :n] = torch.from_numpy(inputs["tracks"].column.values[first:last])
        one = {
            "jet": torch.from_numpy(inputs["jet"].column.values[jet : jet + 1]),
            "tracks": Padded(values, torch.tensor([n])),
        }
        found, w = network.forward_with_auxiliary(one).auxiliary, float(weights[jet])
        for i in range(n):
            label = origin[first + i]
            if label >= 0:
                balance = 1.0 if class_weights_of_origin is None else float(class_weights_of_origin[label])
                add("origin", -float(torch.log_softmax(found["origin"][0, i], 0)[label]), w * balance)
            for j in range(i + 1, n):
                same = vertex[first + i] == vertex[first + j] and vertex[first + i] >= 0
                p = 1 / (1 + math.exp(-float(found["vertex"][0, i, j])))
                add("vertex", -math.log(p if same else 1 - p), w)
        if not math.isnan(decay[jet]):
            residual = abs((float(found["decay"]) - decay[jet]) / std)
            add("decay", 0.5 * residual**2 if residual < 1 else residual - 0.5, w)
    assert mean == pytest.approx(float(network.head("decay").outputs.centre), rel=1e-5)
    return {name: (total / weight, terms) for name, (total, weight, terms) in sums.items()}


def decay_of(split):
    return draw_samples(split).targets["decay_length"].astype(np.float64)


def learner_of(job):
    manifest = load_manifest(job.manifest_path)
    data = DataModule(job, manifest, CPU)
    network = initial_network(job, manifest)
    return make_learner(job, network, data), data


@pytest.mark.parametrize("balance", ["none", "weights"])
@pytest.mark.parametrize("kind", ["manifest", "weighted"])
def test_losses_are_those_of_loops_over_tracks_pairs_and_jets(kind, balance, request, tmp_path):
    path = request.getfixturevalue(kind)
    tasks = {**TASKS, "origin": {**TASKS["origin"], "balance": balance}}
    learner, data = learner_of(job_of(path, tmp_path, study_of(tasks, batch_size="full")))
    samples = draw_samples("train", kind == "weighted")
    weights = np.ones(len(samples)) if samples.weight is None else samples.weight / samples.weight.mean()
    counts = np.bincount(samples.element_targets["track_origin"].values + 1, minlength=4)[1:]
    of_classes = class_weights(counts.tolist()) if balance == "weights" else None
    expected = expected_losses(learner.network, samples, weights, of_classes)
    (batch,) = data.whole_training_split()
    batch["rows"] = len(samples)
    with torch.no_grad():
        outputs = learner.network.forward_with_auxiliary(batch["inputs"])
        part = learner.auxiliary.part(outputs.auxiliary, batch, learner.sample_weights(batch))
    means = part.sums[0] / part.sums[1]
    for name, mean in zip(learner.auxiliary.names, means.tolist(), strict=True):
        assert mean == pytest.approx(expected[name][0], rel=1e-4), name
    per_sample = terms_per_sample(learner.job, data.manifest)
    assert per_sample == {name: expected[name][1] / len(samples) for name in TASKS}
    total = sum(
        TASKS[name]["weight"] * float(loss) / expected[name][1]
        for name, loss in zip(learner.auxiliary.names, part.sums[0], strict=True)
    )
    assert float(part.total) == pytest.approx(total, rel=1e-5)
    data.close()


def test_a_term_counts_alike_in_every_batch(manifest, tmp_path):
    """The parts of batches, weighted by their samples, are the part of all samples together."""
    totals = []
    for size in ("full", 50, 7):  # of 240 samples, fewer than 50 steps: one chunk
        learner, data = learner_of(job_of(manifest, tmp_path, study_of(batch_size=size)))
        total, rows = 0.0, 0
        for batch in data.training_batches(data.schedule.chunk(0)):
            outputs = learner.network(batch["inputs"], with_auxiliary=True)
            part = learner.auxiliary.part(outputs.auxiliary, batch, None)
            total, rows = total + part.total.item() * batch["rows"] / 240, rows + batch["rows"]
        assert rows == 240
        totals.append(total)
        data.close()
    assert totals == pytest.approx([totals[0]] * 3, rel=1e-5)


def rows_of(job):
    with (job.folder / "history.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", ["sets", "transformer"])
def test_a_fit_learns_and_records_each_task(name, manifest, tmp_path):
    job = job_of(manifest, tmp_path / "fit", study_of(epochs=25, learning_rate=0.01), name)
    result = fit(job)
    rows = rows_of(job)
    assert list(rows[0]) == [
        *COLUMNS,
        *(f"{split}_loss.{task}" for task in sorted(TASKS) for split in ("train", "val")),
        "train_total_loss",
        "val_total_loss",
    ]
    for row in rows:
        for split in ("train", "val"):
            total = row[f"{split}_loss"] + sum(t["weight"] * row[f"{split}_loss.{n}"] for n, t in TASKS.items())
            assert row[f"{split}_total_loss"] == pytest.approx(total)
    for task in TASKS:
        assert rows[-1][f"val_loss.{task}"] < 0.9 * rows[0][f"val_loss.{task}"], task
    best = min(rows, key=lambda row: row["val_loss"])
    assert result.best_epoch == best["epoch"]
    assert result.auxiliary_losses == {task: best[f"val_loss.{task}"] for task in TASKS}
    assert load_finished_fit(job) == result
    published = {k: v for k, v in load_file(job.folder / "weights.safetensors").items() if "task_" in k}
    assert {name.split(".")[1] for name in published} == {f"task_{task}" for task in TASKS}


def test_validation_losses_are_those_of_the_published_network(manifest, tmp_path):
    from bevatron.store.files.publish import publish_json
    from bevatron.training.fit import describe

    job = job_of(manifest, tmp_path / "fit", study_of())
    result = fit(job)
    publish_json(job.folder / "model.json", {"network": describe(job, load_manifest(manifest)).as_payload()})
    network = load_network(job.folder)
    samples = draw_samples("val")
    expected = expected_losses(network, samples, np.ones(len(samples)))
    for name, loss in result.auxiliary_losses.items():
        assert loss == pytest.approx(expected[name][0], rel=1e-4)


def test_the_task_s_own_network_starts_as_without_auxiliary_tasks(manifest, tmp_path):
    one, other = (
        initial_network(job_of(manifest, tmp_path, study), load_manifest(manifest)).state_dict()
        for study in (study_of({}), study_of())
    )
    assert all(torch.equal(other[name], weights) for name, weights in one.items())


def test_with_tiny_weights_the_task_is_learned_as_without(manifest, tmp_path):
    """A check of signs and factors: what is added to the loss vanishes with the weights."""
    tiny = {name: {**task, "weight": 1e-9} for name, task in TASKS.items()}
    plain, with_tiny, full = (
        [row["val_loss"] for row in rows_of(job) if fit(job) or True]
        for job in (
            job_of(manifest, tmp_path / folder, study_of(tasks, optimiser="sgd", learning_rate=0.05))
            for folder, tasks in (("plain", {}), ("tiny", tiny), ("full", TASKS))
        )
        if fit(job)
    )
    assert with_tiny == pytest.approx(plain, rel=1e-5)
    assert full != pytest.approx(plain, rel=1e-4)


def test_gradient_accumulation_makes_the_step_of_all_samples(manifest, tmp_path):
    settings = {"epochs": 2, "optimiser": "sgd", "learning_rate": 0.05}
    weights = []
    for folder, more in (("one", {"batch_size": 120}), ("two", {"batch_size": 40, "accumulate": 3})):
        job = job_of(manifest, tmp_path / folder, study_of(**settings, **more))
        fit(job)
        weights.append(load_file(job.folder / "weights.safetensors"))
    for name in weights[0]:
        torch.testing.assert_close(weights[0][name], weights[1][name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loading", [{}, {"memory_budget_gb": 1e-9, "block_rows": 16, "buffer_blocks": 2}])
def test_a_class_subset_takes_its_jets_tracks_along(loading, manifest, tmp_path):
    study = study_of(model={"class_subset": ["light", "beauty"]}, epochs=1, batch_size=9)
    job = job_of(manifest, tmp_path / "fit", study, **loading)
    learner, data = learner_of(job)
    samples, n = draw_samples("train"), 0
    for whole in data.training_batches(data.schedule.chunk(0)):
        batch = learner.drop_excluded(whole)
        rows = batch["id"].numpy().astype(int)
        expected = samples.take(rows)
        n += len(rows)
        assert set(expected.targets["flavour"].tolist()) <= {0, 2}
        for name in ("track_origin", "track_vertex"):
            assert np.array_equal(batch["element_targets"][name].values.numpy(), expected.element_targets[name].values)
    assert n == (samples.targets["flavour"] != 1).sum()
    data.close()
    fit(job)


def changed(samples, name, values, classes=()):
    return replace(samples, element_targets={**samples.element_targets, name: ElementTarget("tracks", values, classes)})


UNFIT = {
    "unknown": ({"kind": "same_vertex", "target": "track_vertices"}, "'track_vertices' .did you mean 'track_vertex'"),
    "of samples": ({"kind": "same_vertex", "target": "decay_length"}, "'decay_length': it is one of samples"),
    "of elements": ({"kind": "regression", "target": "track_vertex"}, "'track_vertex': it is one of elements"),
    "classes": (
        {"kind": "same_vertex", "target": "track_origin"},
        "has classes .fake, primary, from_b., and no numbers",
    ),
    "numbers": ({"kind": "element_classification", "target": "track_vertex"}, "has no classes, but numbers of what"),
    "order": (
        {**TASKS["origin"], "classes": ["primary", "fake", "from_b"]},
        "has the classes primary, fake, from_b; those of 'track_origin' are fake, primary, from_b",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_what_a_task_cannot_learn_is_refused_in_one_line(case, manifest, tmp_path):
    task, message = UNFIT[case]
    with pytest.raises(UserError, match=message) as error:
        fit(job_of(manifest, tmp_path, study_of({"odd": task})))
    assert "'odd' of 'sets'" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_list_that_the_model_does_not_read_has_no_elements_for_it(manifest, tmp_path):
    study = study_of({"odd": TASKS["vertex"]}, {"inputs": ["jet"]})
    with pytest.raises(UserError, match="'track_vertex' is of the elements of 'tracks', which the model does not read"):
        fit(job_of(manifest, tmp_path, study))


def test_a_number_needs_no_list(manifest, tmp_path):
    result = fit(job_of(manifest, tmp_path, study_of({"decay": TASKS["decay"]}, {"inputs": ["jet"]})))
    assert list(result.auxiliary_losses) == ["decay"]


@pytest.mark.parametrize("missing", ["train", "val"])
def test_a_target_that_no_sample_has_is_refused(missing, tmp_path):
    from shard_attributes import shard_attributes

    from bevatron.store.shards.build_manifest import build_manifest
    from bevatron.store.shards.manifest import write_manifest
    from bevatron.store.shards.shard import write_shard

    study = study_of({"decay": TASKS["decay"]})
    for split in ("train", "val", "test"):
        samples = draw_samples(split)
        if split == missing:
            nothing = np.full(len(samples), np.nan, np.float32)
            samples = replace(samples, targets={**samples.targets, "decay_length": nothing})
        attributes = shard_attributes(study, "jets", ["light", "charm", "beauty"])
        write_shard(tmp_path / f"{split}-0000.h5", samples, attributes)
    write_manifest(tmp_path / "manifest.json", build_manifest(tmp_path, study))
    with pytest.raises(UserError, match=f"no sample of the train split|nothing to learn from in the {missing} split"):
        fit(job_of(tmp_path / "manifest.json", tmp_path / "fit", study))


def test_a_loss_that_diverges_is_named(manifest, tmp_path):
    from bevatron.training.job import Diverged

    tasks = {"vertex": {**TASKS["vertex"], "weight": 1e30}}
    with pytest.raises(Diverged, match=r"loss"):
        fit(job_of(manifest, tmp_path, study_of(tasks, optimiser="sgd", learning_rate=10.0, epochs=5)))


def test_a_search_may_change_weights_and_widths(manifest, tmp_path):
    job = job_of(manifest, tmp_path, study_of())
    model = job.model.with_values({"auxiliary.origin.weight": 2.5, "auxiliary.vertex.widths": [7]})
    assert model.auxiliary["origin"].weight == 2.5
    found = initial_network(replace(job, model=model), load_manifest(manifest)).spec
    assert found.auxiliary["vertex"].widths == (7,)
    with pytest.raises(KeyError):
        job.model.with_values({"auxiliary.other.weight": 2.5})


def test_a_model_without_auxiliary_tasks_has_the_digest_that_it_had(manifest, tmp_path):
    assert "auxiliary" not in study_of({}).models["sets"].model_dump(mode="json")
    assert "auxiliary" in study_of().models["sets"].model_dump(mode="json")


def test_the_order_of_tasks_in_the_file_means_nothing(manifest, tmp_path):
    """Digests sort keys, so a run of one order would be taken for one of the other."""
    weights = []
    for folder, tasks in (("one", TASKS), ("other", dict(reversed(TASKS.items())))):
        job = job_of(manifest, tmp_path / folder, study_of(tasks))
        fit(job)
        weights.append((job.folder / "weights.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_names_of_origins_are_those_of_the_dataset(manifest):
    assert load_manifest(manifest).element_targets["track_origin"].classes == ORIGINS
