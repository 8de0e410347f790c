"""Of a cross-validation each event is scored by the networks that have not seen it, in whichever file it is."""

import json
import re
import shutil

import awkward as ak
import numpy as np
import pytest
from applied import MODELS, SOURCE, jets, make_folds, write_root

from bevatron.apply.stage import apply_model
from bevatron.errors import UserError
from bevatron.store.files.checksum import with_checksum
from bevatron.store.records.runs import read_runs, write_runs
from bevatron.store.shards.folds import fold_of

ARCHITECTURES = ("mlp", "deep_sets")


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    """Two networks in three folds of two seeds each, from two ROOT files."""
    place = tmp_path_factory.mktemp("crossed")
    files = [write_root(place / f"jets-{number}.root", jets(600, number)) for number in range(2)]
    return make_folds(place, SOURCE, {name: MODELS[name] for name in ARCHITECTURES}, files)


@pytest.fixture
def model(crossed, tmp_path):
    """A copy of a model's folder, to be damaged."""
    return shutil.copytree(crossed.model("mlp"), tmp_path / "model")


@pytest.fixture
def data(tmp_path):
    return write_root(tmp_path / "data.root", jets(90, 7, truth=False))


def refused(match: str, model, files, output, **options) -> None:
    with pytest.raises(UserError, match=match) as caught:
        apply_model(model, files, output, **options)
    assert "\n" not in str(caught.value)
    assert not output.exists()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_scores_are_the_out_of_fold_predictions_to_the_last_bit(name, crossed, scores):
    predictions = crossed.predictions(name)
    assert len(predictions) > 300
    for seed in range(2):
        found = scores(crossed.model(name), crossed.files, seed=seed, logits=True)
        ids = (found["file"].astype(np.uint64) << np.uint64(40)) | found["entry"].astype(np.uint64)
        order = np.argsort(ids)
        rows = order[np.searchsorted(ids, predictions.id, sorter=order)]
        np.testing.assert_array_equal(ids[rows], predictions.id)
        logits = np.column_stack([found[f"logit_{label}"] for label in predictions.classes])
        np.testing.assert_array_equal(logits[rows], predictions.outputs[seed])
        np.testing.assert_array_equal(found["fold"][rows], predictions.fold)
        np.testing.assert_array_equal(found["fold"], fold_of(found["event"], 3))  # also of those that fail a selection
    assert set(np.unique(predictions.fold)) == {0, 1, 2}


def test_an_event_gets_its_own_fold_in_any_file_and_order(crossed, scores, tmp_path):
    """Rows in another order, of two files, with numbers of another type, and without the truth."""
    both = [jets(600, number) for number in range(2)]
    order = np.random.default_rng(5).permutation(1200)[:400]
    kept = [name for name in both[0] if name not in ("flav", "truth_m2", "w")]
    columns = {name: [*both[0][name], *both[1][name]] for name in kept}
    mixed = {name: ak.Array([values[row] for row in order]) for name, values in columns.items()}
    mixed["event_number"] = np.asarray(mixed["event_number"]).astype(np.float64)
    for name in ("pt", "eta", "met"):
        mixed[name] = np.asarray(mixed[name]).astype("f4")
    for name in ("trk_d0", "trk_z0"):
        mixed[name] = ak.values_astype(mixed[name], np.float32)
    found = scores(crossed.model("deep_sets"), [write_root(tmp_path / "mixed.root", mixed)])
    whole = scores(crossed.model("deep_sets"), crossed.files)
    for name in ("event", "fold", "passed", "p_heavy", "p_heavy_std"):
        np.testing.assert_array_equal(found[name], whole[name][order])


def test_mean_and_spread_are_over_the_seeds_of_the_fold(crossed, data, scores):
    found = scores(crossed.model("mlp"), [data])
    of_folds = [scores(crossed.model("mlp") / f"fold-{fold}", [data]) for fold in range(3)]
    assert "fold" not in of_folds[0]
    passed = found["passed"]
    assert 0 < passed.sum() < 90
    for name in ("p_heavy", "p_heavy_std"):
        chosen = np.choose(found["fold"], [scored[name] for scored in of_folds])
        np.testing.assert_array_equal(found[name], chosen)
        np.testing.assert_array_equal(np.isnan(found[name]), ~passed)
    one = scores(crossed.model("mlp") / "fold-2" / "seed-1", [data])
    np.testing.assert_array_equal(one["p_heavy"], scores(crossed.model("mlp") / "fold-2", [data], seed=1)["p_heavy"])


def test_all_folds_are_averaged_where_asked(crossed, scores, tmp_path):
    columns = jets(90, 7, truth=False)
    del columns["event_number"]  # needed no longer
    path = write_root(tmp_path / "data.root", columns)
    found = scores(crossed.model("mlp"), [path], all_folds=True)
    assert "fold" not in found
    each = [scores(crossed.model("mlp") / f"fold-{f}", [path], seed=s)["p_heavy"] for f in range(3) for s in range(2)]
    np.testing.assert_allclose(found["p_heavy"], np.mean(each, axis=0), rtol=1e-6)
    np.testing.assert_allclose(found["p_heavy_std"], np.std(each, axis=0, ddof=1), rtol=1e-4, atol=1e-7)
    of_seed = scores(crossed.model("mlp"), [path], all_folds=True, seed=1)
    np.testing.assert_allclose(of_seed["p_heavy"], np.mean(each[1::2], axis=0), rtol=1e-6)


def test_a_file_without_numbers_of_events(crossed, data, tmp_path):
    columns = jets(90, 8, truth=False)
    columns["event_number_x"] = columns.pop("event_number")
    worse = write_root(tmp_path / "worse.root", columns)
    match = r"worse\.root: has no 'event_number', which says of which fold an event is; give --all-folds, if"
    refused(match, crossed.model("mlp"), [data, worse], tmp_path / "out")
    refused(match, crossed.model("mlp"), [data, worse], tmp_path / "out", observers=["pt"])


def test_numbers_of_any_sign_and_size(crossed, scores, tmp_path):
    """Negative numbers, those beyond 2⁶³, and what is the same number in a type of fewer bits."""
    small = np.array([-1, -5, 0, 7, 2**31 - 1, -(2**31)] * 5)
    for numbers, same in (
        (small.astype(np.int32), small),
        (small.astype(np.float64), small),
        (np.array([2**64 - 1, 2**63, 2**63 + 1] * 10, np.uint64), None),
    ):
        path = write_root(tmp_path / "data.root", jets(30, 7, truth=False) | {"event_number": numbers})
        found = scores(crossed.model("mlp"), [path])
        expected = fold_of(numbers if same is None else same, 3)
        np.testing.assert_array_equal(found["fold"], expected)


def test_an_observer_called_event_decides_nothing(tmp_path_factory, scores):
    place = tmp_path_factory.mktemp("observed")
    files = [write_root(place / "jets.root", jets(400, 1))]
    source = {**SOURCE, "observers": {"event": "event_number % 2"}, "id": ["event_number // 7", "event_number % 7"]}
    made = make_folds(place, source, {"mlp": MODELS["mlp"]}, files)
    found, predictions = scores(made.model("mlp"), files, seed=0, logits=True), made.predictions("mlp")
    rows = predictions.id.astype(np.int64)
    np.testing.assert_array_equal(found["event"], jets(400, 1)["event_number"] % 2)
    np.testing.assert_array_equal(found["fold"][rows], predictions.fold)
    np.testing.assert_array_equal(found["logit_heavy"][rows], predictions.outputs[0, :, 1])


def test_rows_without_numbers_have_no_fold(tmp_path, scores):
    files = [write_root(tmp_path / "jets.root", jets(400, 1))]
    source = {name: value for name, value in SOURCE.items() if name != "id"}
    made = make_folds(tmp_path, source, {"mlp": MODELS["mlp"]}, files)
    output = tmp_path / "out.root"
    refused("has no id that numbers events.*--all-folds.*predictions.h5", made.model("mlp"), files, output)
    assert np.isfinite(scores(made.model("mlp"), files, all_folds=True)["p_heavy"]).any()
    with pytest.raises(ValueError, match=r"apply\.a: without simulation\.source\.id the fold of an event"):
        type(made.study).model_validate(made.study.model_dump() | {"apply": {"a": {"files": ["x.root"]}}})


def change(path, **fields) -> None:
    """Other values in a published file, with the checksum of a file that was made so."""
    payload = json.loads(path.read_text()) | fields
    path.write_text(json.dumps(with_checksum(payload)))


def test_folds_that_do_not_go_together(model, data, tmp_path):
    output = tmp_path / "scores.root"
    whole = shutil.copytree(model, tmp_path / "whole")

    def again() -> None:
        shutil.rmtree(model)
        shutil.copytree(whole, model)

    shutil.rmtree(model / "fold-1")
    refused(r"fold-1/runs\.json: is missing, and .*fold-0 is of 3 folds; run `bevatron train", model, [data], output)
    shutil.copytree(whole / "fold-0", model / "fold-1")
    refused(r"fold-1: is of fold 0; run", model, [data], output)
    again()
    shutil.copytree(whole / "fold-0", model / "fold-3")
    refused(r"fold-3: is there, and .*fold-0 is of 3 folds; remove it, or run", model, [data], output)
    again()
    shutil.copy(whole / "fold-0" / "runs.json", model / "runs.json")
    refused(r"runs\.json: is of a model without folds, and beside it are fold-0, fold-1", model, [data], output)
    again()
    record = read_runs(model / "fold-2" / "runs.json", "applied", "mlp")
    write_runs(model / "fold-2" / "runs.json", record.model_copy(update={"runs": record.runs[:1]}))
    refused(r"fold-2: has other seeds \(0\) than .*fold-0; run", model, [data], output)
    settings = {**record.settings, "training": {}}
    write_runs(model / "fold-2" / "runs.json", record.model_copy(update={"settings": settings}))
    refused(r"fold-2: has other settings of the model than", model, [data], output)
    one = record.runs[0].model_copy(update={"fold": 1})
    write_runs(model / "fold-2" / "runs.json", record.model_copy(update={"runs": (one, record.runs[1])}))
    refused(r"runs\.json: lists runs of several folds", model, [data], output)
    again()
    (model / "fold-2" / "preprocessing.json").unlink()
    refused(r"fold-2/preprocessing\.json: is missing", model, [data], output)
    again()
    path = model / "fold-2" / "preprocessing.json"
    sums = json.loads(path.read_text())["sums"]
    name, values = next((name, record["values"]) for name, record in sums.items())
    change(path, sums=sums | {name: sums[name] | {"values": [2 * value for value in values]}})
    refused(r"fold-2: has other sums in its preprocessing than", model, [data], output)


def test_another_number_of_folds_in_one_of_them(crossed, model, data, tmp_path):
    two = make_folds(tmp_path / "two", SOURCE, {"mlp": MODELS["mlp"]}, crossed.files, k=2)
    shutil.rmtree(model / "fold-1")
    shutil.copytree(two.model("mlp") / "fold-1", model / "fold-1")
    refused(r"fold-1: has other dataset_digest in its preprocessing than", model, [data], tmp_path / "o.root")
    shutil.rmtree(model / "fold-1")
    shutil.copytree(crossed.model("mlp") / "fold-1", model / "fold-1")
    path = model / "fold-1" / "preprocessing.json"
    settings = json.loads(path.read_text())["settings"]
    assert settings.count('"folds": 3') == 1
    change(path, settings=re.sub('"folds": 3', '"folds": 4', settings))
    refused(r"fold-1/preprocessing\.json: its settings are those of the dataset", model, [data], tmp_path / "o.root")


def test_all_folds_of_a_model_without_folds(made, crossed, data, tmp_path):
    output = tmp_path / "scores.root"
    refused("--all-folds: .* holds no folds; leave it out", made.model("mlp"), [data], output, all_folds=True)
    refused("holds no folds", crossed.model("mlp") / "fold-1", [data], output, all_folds=True)


def test_what_can_only_be_learned_by_heart_is_not_known(tmp_path, scores):
    """The class is a throw of a coin. The rows of the training come back in another order, without their labels."""
    draw, n = np.random.default_rng(1), 1200
    columns = {"x": draw.normal(size=n), "y": draw.normal(size=n), "number": 7919 * np.arange(n) - 4_000_000}
    heads = draw.integers(0, 2, n)
    source = {
        "kind": "table",
        "groups": {"point": {"features": {"x": "x", "y": "y"}}},
        "targets": {"flavour": {"classes": {"light": "heads == 0", "heavy": "heads == 1"}}},
        "id": "number",
    }
    trees = {"kind": "boosted_trees", "rounds": 60, "leaves": 64, "depth": 12, "samples_per_leaf": 1}
    model = {"title": "Trees", "inputs": ["point"], "architecture": trees, "training": {"checkpoint": "last"}}
    made = make_folds(tmp_path, source, {"trees": model}, [write_root(tmp_path / "a.root", columns | {"heads": heads})])
    order = draw.permutation(n)
    new = write_root(tmp_path / "new.root", {name: values[order] for name, values in columns.items()})

    def accuracy(path, **options) -> float:
        return float(np.mean((scores(path, [new], **options)["p_heavy"] > 0.5) == heads[order]))

    assert abs(accuracy(made.model("trees")) - 0.5) < 4 * 0.5 / np.sqrt(n)
    assert accuracy(made.model("trees"), all_folds=True) > 0.8  # as the documentation warns
    assert accuracy(made.model("trees") / "fold-0") > 0.7
