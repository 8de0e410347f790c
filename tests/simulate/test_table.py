"""Somebody's files to samples: the same content from each format, by the mapping of a study."""

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.observables import measure_observables
from bevatron.evaluate.predictions.stored import read_predictions
from bevatron.evaluate.stage import evaluate_model
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.simulate.stage import simulate_shard
from bevatron.store.records.data import read_data
from bevatron.store.records.metrics import read_metrics
from bevatron.store.shards.shard import read_shard
from bevatron.train.stage import train_model

N = 3000


@pytest.fixture(scope="module")
def jets() -> dict:
    draw = np.random.default_rng(5)
    lengths = draw.integers(0, 9, N)
    total = lengths.sum()
    return {
        "jet_pt": draw.uniform(20, 500, N).astype(np.float32),
        "jet_eta": draw.normal(size=N).astype(np.float32),
        "jet_phi": draw.uniform(-3, 3, N).astype(np.float32),
        "flavour": draw.choice([0, 4, 5], N).astype(np.int32),
        "gen_weight": draw.uniform(0.5, 1.5, N).astype(np.float32),
        "run": draw.integers(1, 4, N),
        "event": np.arange(N) // 2,
        "part_pt": ak.unflatten(draw.exponential(size=total).astype(np.float32), lengths),
        "part_eta": ak.unflatten(draw.normal(size=total).astype(np.float32), lengths),
        "part_phi": ak.unflatten(draw.uniform(-3, 3, total).astype(np.float32), lengths),
    }


SOURCE = {
    "kind": "table",
    "files": ["jets.root"],
    "selection": "jet_pt > 50 and abs(jet_eta) < 2",
    "derived": {"part_dr": "delta_r(part_eta, part_phi, jet_eta, jet_phi)"},
    "groups": {
        "jet": {"features": {"log_pt": "log(jet_pt)", "eta": "jet_eta"}, "units": {"log_pt": "log(GeV)"}},
        "particles": {
            "layout": "list",
            "features": {"pt": "part_pt", "dr": "part_dr"},
            "select": "part_dr < 3",
            "order_by": "-part_pt",
            "max_length": 5,
        },
    },
    "targets": {"flavour": {"classes": {"b": "flavour == 5", "c": "flavour == 4", "light": "flavour == 0"}}},
    "weight": "gen_weight",
    "id": ["run", "event"],
    "observers": {"pt": "jet_pt", "n_particles": "count(part_pt)"},
}


def study(source: dict, **simulation) -> Study:
    return Study.model_validate(
        {
            "name": "mine",
            "title": "My jets",
            "summary": "Of a file.",
            "simulation": {"source": source, **simulation},
            "dataset": {"recipe": {"kind": "table"}},
            "task": {"kind": "classification", "target": "flavour", "classes": ["b", "c", "light"], "signal": "b"},
            "models": {"net": {"title": "net", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": [4]}}},
        }
    )


@pytest.fixture
def place(tmp_path, monkeypatch, jets):
    monkeypatch.chdir(tmp_path)
    with uproot.recreate("jets.root") as file:
        file["tree"] = jets
    return tmp_path


def simulated(source: dict, shard: int = 0, **simulation):
    simulate_shard(study(source, **simulation), shard, "raw.h5")
    return read_shard("raw.h5")


def test_samples_are_what_the_mapping_says(place, jets):
    samples = simulated(SOURCE)
    passes = (jets["jet_pt"] > 50) & (abs(jets["jet_eta"]) < 2)
    rows = np.flatnonzero(passes)
    assert len(samples) == len(rows)
    np.testing.assert_allclose(samples.inputs["jet"].column.values[:, 0], np.log(jets["jet_pt"][rows]), rtol=1e-6)
    assert samples.inputs["jet"].units == ("log(GeV)", "")
    np.testing.assert_array_equal(samples.targets["flavour"], [[5, 4, 0].index(f) for f in jets["flavour"][rows]])
    np.testing.assert_array_equal(samples.weight, jets["gen_weight"][rows])
    np.testing.assert_array_equal(samples.observers["pt"], jets["jet_pt"][rows].astype(float))
    np.testing.assert_array_equal(samples.observers["n_particles"], ak.num(jets["part_pt"])[rows])
    column = samples.inputs["particles"].column
    for sample, row in enumerate(rows[:200]):
        pt, eta, phi = (np.asarray(jets[f"part_{name}"][row]) for name in ("pt", "eta", "phi"))
        away = np.remainder(phi - jets["jet_phi"][row] + np.pi, 2 * np.pi) - np.pi
        dr = np.hypot(eta - jets["jet_eta"][row], away)
        expected = np.column_stack([pt, dr])[dr < 3]
        expected = expected[np.argsort(-expected[:, 0], kind="stable")][:5]
        found = column.values[column.offsets[sample] : column.offsets[sample + 1]]
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_events_of_several_columns_stay_together(place, jets):
    samples = simulated(SOURCE)
    rows = (samples.id & np.uint64(2**40 - 1)).astype(int)
    keys = list(zip(jets["run"][rows], jets["event"][rows], strict=True))
    by_key: dict = {}
    for key, event in zip(keys, samples.targets["event"], strict=True):
        by_key.setdefault(key, set()).add(int(event))
    assert all(len(events) == 1 for events in by_key.values())
    assert len({next(iter(events)) for events in by_key.values()}) == len(by_key)


def test_shards_of_any_size_join_to_the_same_samples(place):
    whole = simulated(SOURCE)
    parts = [simulated({**SOURCE, "per_shard": 700}, k, shards=5) for k in range(5)]
    np.testing.assert_array_equal(np.concatenate([part.id for part in parts]), whole.id)
    values = np.concatenate([part.inputs["particles"].column.values for part in parts])
    np.testing.assert_array_equal(values, whole.inputs["particles"].column.values)


def padded(lists, n, fill=0.0):
    return np.asarray(ak.fill_none(ak.pad_none(lists, n, clip=True), fill))


@pytest.mark.parametrize("how", ["exists", "length", "padding"])
def test_padded_columns_are_the_same_lists(place, jets, how):
    whole = simulated(SOURCE)
    names = ("part_pt", "part_eta", "part_phi")
    flat = {name: values for name, values in jets.items() if name not in names}
    arrays = {name: padded(jets[name], 10).astype(np.float32) for name in names}
    counts = np.asarray(ak.num(jets["part_pt"]))
    np.savez("jets.npz", **flat, **arrays, valid=np.arange(10) < counts[:, None], n_part=counts)
    group = SOURCE["groups"]["particles"] | {
        "exists": {"exists": "valid"}, "length": {"length": "n_part"}, "padding": {"padding": 0}
    }[how]  # fmt: skip
    observers = {"pt": "jet_pt", "n_particles": "n_part"}
    source = {
        **SOURCE,
        "files": ["jets.npz"],
        "groups": {**SOURCE["groups"], "particles": group},
        "observers": observers,
    }
    source["derived"] = {}
    source["groups"]["particles"] |= {
        "features": {"pt": "part_pt", "dr": "delta_r(part_eta, part_phi, jet_eta, jet_phi)"},
        "select": "delta_r(part_eta, part_phi, jet_eta, jet_phi) < 3",
    }
    found = simulated(source)
    np.testing.assert_allclose(
        found.inputs["particles"].column.values, whole.inputs["particles"].column.values, rtol=1e-6
    )
    np.testing.assert_array_equal(found.inputs["particles"].column.offsets, whole.inputs["particles"].column.offsets)
    np.testing.assert_array_equal(found.observers["n_particles"], whole.observers["n_particles"])


def test_a_dataset_is_made_of_them(place, jets):
    of_mine = study(SOURCE)
    simulate_shard(of_mine, 0, "raw.h5")
    prepare_shard(of_mine, "raw.h5", place / "dataset")
    write_manifest(of_mine, place / "dataset")
    shards = [read_shard(place / f"dataset/{split}-0000.h5") for split in ("train", "val", "test")]
    assert sum(map(len, shards)) == len(read_shard("raw.h5"))
    events = [set(shard.event.tolist()) for shard in shards]
    assert not (events[0] & events[1] | events[0] & events[2] | events[1] & events[2])
    assert shards[2].observers.keys() == {"pt", "n_particles"}
    assert shards[2].weight is not None


def test_shards_follow_from_the_sizes_of_files(place, jets):
    """Small files are read together, a large one is cut; nobody says how many shards there are."""
    with uproot.recreate("small.root") as file:
        file["tree"] = {name: values[:7] for name, values in jets.items()}
    source = SOURCE | {"files": ["jets.root", "small.root"]}
    assert study(source).simulation.shards == 1
    whole = simulated(source)
    cut = source | {"shard_mb": 0.03}
    n = study(cut).simulation.shards
    assert n > 3
    parts = [simulated(cut, shard) for shard in range(n)]
    np.testing.assert_array_equal(np.concatenate([part.id for part in parts]), whole.id)
    values = [part.inputs["particles"].column.values for part in parts]
    np.testing.assert_array_equal(np.concatenate(values), whole.inputs["particles"].column.values)
    assert [path.name for path in study(cut).simulation.source.files_by_shard(n)[0]] == ["jets.root"]
    with pytest.raises(UserError, match=f"has shards 0 to {n - 1}"):
        simulated(cut, n)


def test_a_part_of_the_shards_can_be_asked_for(place):
    cut = SOURCE | {"shard_mb": 0.03}
    assert study(cut, shards=2).simulation.shards == 2


def test_a_shard_without_a_selected_event_is_empty(place, jets):
    order = np.argsort(-jets["jet_pt"], kind="stable")
    with uproot.recreate("jets.root") as file:
        file["tree"] = {name: values[order] for name, values in jets.items()}
    cut = SOURCE | {"shard_mb": 0.03, "selection": "jet_pt > 300"}
    last = study(cut).simulation.shards - 1
    assert len(simulated(cut, 0)) > 100
    assert len(simulated(cut, last)) == 0


def test_more_shards_than_rows(place, jets):
    with uproot.recreate("jets.root") as file:
        file["tree"] = {name: values[:3] for name, values in jets.items()}
    cut = {name: value for name, value in SOURCE.items() if name != "selection"} | {"shard_mb": 0.0005}
    n = study(cut).simulation.shards
    assert n > 3
    assert sum(len(simulated(cut, shard)) for shard in range(n)) == 3


def test_files_by_split_and_another_phase_space_for_the_test(place, jets):
    for split in ("train", "val", "test"):
        with uproot.recreate(f"{split}.root") as file:
            file["tree"] = {name: values[:1000] for name, values in jets.items()}
    files = {split: [f"{split}.root"] for split in ("test", "train", "val")}
    of_mine = study({**SOURCE, "files": files, "test_selection": "jet_pt > 200", "shard_mb": 0.05})
    n = of_mine.simulation.shards
    assert n >= 3
    for k in range(n):
        simulate_shard(of_mine, k, f"raw-{k}.h5")
        prepare_shard(of_mine, f"raw-{k}.h5", place / "dataset")
    write_manifest(of_mine, place / "dataset")
    train, test = (
        np.concatenate([read_shard(place / f"dataset/{split}-{k:04d}.h5").observers["pt"] for k in range(n)])
        for split in ("train", "test")
    )
    pt, eta = jets["jet_pt"][:1000], jets["jet_eta"][:1000]
    np.testing.assert_array_equal(np.sort(train), np.sort(pt[(pt > 50) & (abs(eta) < 2)]))
    np.testing.assert_array_equal(np.sort(test), np.sort(pt[pt > 200]))


def test_missing_values_are_refused_filled_or_marked(place, jets):
    broken = dict(jets)
    broken["jet_eta"] = jets["jet_eta"].copy()
    broken["jet_eta"][::3] = np.nan
    broken["jet_phi"] = np.where(np.arange(N) % 5 == 0, -999, jets["jet_phi"]).astype(np.float32)
    with uproot.recreate("jets.root") as file:
        file["tree"] = broken
    group = {"jet": {"features": ["jet_eta", "jet_phi"]}}
    source = {**SOURCE, "selection": "jet_pt > 50", "groups": group, "derived": {}}
    expected = r"jets\.root, entries 0 to 2999: 'jet\.jet_eta' is nan, no finite number, in \d+ of \d+ values"
    with pytest.raises(UserError, match=expected):
        simulated(source)
    filled = simulated({**source, "missing": {"jet": {"policy": "constant", "constant": -5}}})
    kept = np.flatnonzero(jets["jet_pt"] > 50)
    eta = filled.inputs["jet"].column.values[:, 0]
    np.testing.assert_array_equal(eta, np.where(kept % 3 == 0, -5, jets["jet_eta"][kept]))
    marked = simulated({**source, "missing": {"all": {"policy": "mean", "values": [-999]}}})
    assert marked.inputs["jet"].features == ("jet_eta", "jet_eta_missing", "jet_phi", "jet_phi_missing")
    np.testing.assert_array_equal(marked.inputs["jet"].column.values[:, 3], kept % 5 == 0)


def test_images_of_bytes(place):
    draw = np.random.default_rng(0)
    images, answers = draw.integers(0, 256, (40, 8, 6, 3), np.uint8), draw.integers(0, 2, 40)
    with h5py.File("galaxies.h5", "w") as file:
        file["images"], file["ans"] = images, answers
    source = {
        "kind": "table",
        "files": ["galaxies.h5"],
        "groups": {"image": {"layout": "image", "column": "images", "channels": "last", "scale": 1 / 255}},
        "targets": {"flavour": {"classes": {"b": "ans == 0", "c": "ans == 1"}}},
    }
    samples = simulated(source)
    np.testing.assert_allclose(
        samples.inputs["image"].column.values, np.moveaxis(images, -1, 1) / 255, rtol=1e-6, atol=1e-7
    )


def classes(**expressions):
    return {"flavour": {"classes": expressions}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"selection": "jet_ptt > 5"}, r"jets\.root: has no column 'jet_ptt'; did you mean 'jet_pt'"),
        ({"selection": "jet_pt > 9000"}, "no event passes the selection 'jet_pt > 9000'"),
        ({"selection": "part_pt > 5"}, r"selection: 'part_pt > 5' is a list of values in each sample; reduce it"),
        ({"selection": "jet_pt >"}, r"selection: 'jet_pt >' is no expression"),
        ({"tree": "events"}, r"jets\.root: has no tree 'events'; it has: tree"),
        (
            {"targets": {"flavour": {"classes": {"b": "flavour == 5", "c": "flavour == 4"}}}},
            "is of none of the classes b, c",
        ),
        ({"targets": {"flavour": {"classes": {"b": "flavour > 3", "c": "flavour == 4"}}}}, "is of the classes b and c"),
        ({"id": "jet_pt"}, r"id\.0: 'jet_pt' is .*, no integer"),
        ({"weight": "part_pt"}, "weight: 'part_pt' is a list of values"),
        ({"groups": {"jet": {"features": ["part_pt"]}}}, "is a list of values in each sample"),
        ({"groups": {"jet": {"features": ["jet_pt"], "layout": "list"}}}, "no feature is a list; set layout: sample"),
        ({"files": ["none.root"]}, r"none\.root: no such file"),
        ({"files": ["*.parquet"]}, r"no file matches '\*\.parquet'"),
    ],
)
def test_mistakes_are_told_in_one_line(place, change, message):
    with pytest.raises(UserError, match=message) as error:
        simulated({**SOURCE, **change})
    assert "\n" not in str(error.value)
    assert not (place / "raw.h5").exists()


def test_weights_and_observers_go_from_the_file_to_predictions_metrics_and_observables(place, jets):
    """And no network reads them: scikit-learn's weighted metrics of the published predictions are the references."""
    tree = study(SOURCE).model_dump(mode="json")
    tree["models"]["net"]["training"] = {"epochs": 2, "batch_size": 100, "balance": "weights"}
    tree["n_seeds"] = 1
    tree["evaluation"] = {
        "bootstrap": 20, "observables": {"log_pt": {"title": "ln pt", "group": "jet", "feature": "log_pt"}}
    }  # fmt: skip
    whole, folder = Study.model_validate(tree), place / "dataset"
    simulate_shard(whole, 0, "raw.h5")
    prepare_shard(whole, "raw.h5", folder)
    write_manifest(whole, folder)
    workflow = Workflow(studies=["mine"], runs_dir=str(place / "runs"), accelerator="cpu")
    train_model(whole, workflow, "net", folder / "manifest.json", None, place / "models")
    evaluate_model(whole, workflow, "net", folder / "manifest.json", place / "models" / "runs.json", place)
    measure_observables(whole, folder / "manifest.json", place / "data.json")

    found = read_predictions(place / "predictions.h5", "mine", "net")
    rows = (found.id & np.uint64(2**40 - 1)).astype(int)
    np.testing.assert_array_equal(found.weight, jets["gen_weight"][rows])
    np.testing.assert_array_equal(found.observers["pt"], jets["jet_pt"][rows])
    assert {"weight", "pt", "n_particles"} <= set(found.to_pandas().columns)
    metrics = read_metrics(place / "metrics.json", "mine", "net")
    p, labels = found.probabilities()[0], found.targets["flavour"]
    for name, expected in {
        "accuracy": accuracy_score(labels, p.argmax(1), sample_weight=found.weight),
        "log_loss": log_loss(labels, p, sample_weight=found.weight),
        "auc.b_vs_rest": roc_auc_score(labels == 0, p[:, 0], sample_weight=found.weight),
    }.items():
        assert metrics.metrics[name].value == pytest.approx(expected, rel=1e-5)
    w = found.weight
    assert metrics.n_test_effective == pytest.approx(w.sum() ** 2 / (w**2).sum())
    data = read_data(place / "data.json", "mine")
    values = np.log(jets["jet_pt"][rows])
    for k, name in enumerate(("b", "c", "light")):
        expected = np.average(values[labels == k], weights=w[labels == k])
        assert data.metrics[f"log_pt.mean.{name}"].value == pytest.approx(expected, rel=1e-5)
        record = data.observables["log_pt"]
        assert record.samples[name] == pytest.approx(w[labels == k].sum())
        assert sum(record.counts[name]) + record.below[name] + record.above[name] == pytest.approx(record.samples[name])
