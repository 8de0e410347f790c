"""What needs the whole dataset: balancing, means of missing values, shards that are files of one flavour each."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.prepare.totals import write_totals
from bevatron.simulate.stage import simulate_shard
from bevatron.store.shards.manifest import load_manifest
from bevatron.store.shards.shard import read_shard

N = 3000
SPLITS = ("train", "val", "test")


def study(
    shards: int | None = None, balance: dict | None = None, source: dict | None = None, name: str = "mine"
) -> Study:
    options = {
        "kind": "table",
        "files": ["*.csv"],
        "groups": {"jet": {"features": ["pt", "mass"]}},
        "targets": {
            "flavour": {"classes": {"light": "flavour == 0", "charm": "flavour == 4", "beauty": "flavour == 5"}}
        },
        "missing": {"jet.mass": {"policy": "mean"}},
        "observers": {"eta": "eta"},
        "id": "number",
    }
    return Study.model_validate(
        {
            "name": name,
            "title": "Mine",
            "summary": "Of files.",
            "simulation": {"source": options | (source or {}) | ({"shard_mb": 1e-6} if shards else {})},
            "dataset": {"recipe": {"kind": "table"}, **({"balance": balance} if balance else {})},
            "task": {"kind": "classification", "target": "flavour", "classes": ["light", "charm", "beauty"],
                     "signal": "beauty"},
            "models": {"net": {"title": "net", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": [4]}}},
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def jets() -> pd.DataFrame:
    """Three flavours of other spectra, the rarest a tenth of the others; a fifth of the masses are missing."""
    draw = np.random.default_rng(3)
    flavour = draw.choice([0, 4, 5], N, p=[0.5, 0.35, 0.15])
    pt = 20 + draw.exponential(np.select([flavour == 0, flavour == 4], [10.0, 15.0], 25.0))
    mass = draw.normal(10, 2, N) + flavour
    mass[draw.random(N) < 0.2] = np.nan
    return pd.DataFrame(
        {"pt": pt, "eta": draw.normal(size=N), "mass": mass, "flavour": flavour, "number": np.arange(N)}
    )


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def one_file(jets):
    jets.to_csv("all.csv", index=False)


def file_by_flavour(jets):
    for flavour, some in jets.groupby("flavour"):
        some.to_csv(f"flavour_{flavour}.csv", index=False)


def make(study: Study) -> dict:
    """The whole dataset; by split, samples of all shards in the order of their ids."""
    for shard in range(study.simulation.shards):
        simulate_shard(study, shard, f"raw/shard-{shard:04d}.h5")
    write_totals(study, Path("raw"), Path("totals.json"))
    for shard in range(study.simulation.shards):
        prepare_shard(study, Path(f"raw/shard-{shard:04d}.h5"), Path("dataset"), Path("totals.json"))
    return {split: samples_of(study, split) for split in SPLITS}


def samples_of(study: Study, split: str) -> dict:
    parts = [read_shard(Path("dataset") / f"{split}-{shard:04d}.h5") for shard in range(study.simulation.shards)]
    columns = {
        "pt": np.concatenate([p.inputs["jet"].column.values[:, 0] for p in parts]),
        "mass": np.concatenate([p.inputs["jet"].column.values[:, 1] for p in parts]),
        "missing": np.concatenate([p.inputs["jet"].column.values[:, 2] for p in parts]),
        "flavour": np.concatenate([p.targets["flavour"] for p in parts]),
        "event": np.concatenate([p.event for p in parts]),
        "weight": np.concatenate([np.ones(len(p)) if p.weight is None else p.weight for p in parts]).astype(float),
    }
    order = np.argsort(columns["event"])
    return {name: values[order] for name, values in columns.items()}


def test_the_mean_is_that_of_all_files_whatever_the_shards(place, jets):
    file_by_flavour(jets)
    made = make(study(shards=3))
    train = made["train"]
    raw = jets.set_index("number").loc[train["event"]]
    there = raw["mass"].notna().to_numpy()
    np.testing.assert_array_equal(train["missing"], ~there)
    np.testing.assert_allclose(train["mass"][~there], raw["mass"][there].mean(), rtol=1e-6)
    np.testing.assert_array_equal(train["mass"][there], raw["mass"][there].astype(np.float32))
    assert set(made["test"]["mass"][made["test"]["missing"] == 1]) == set(train["mass"][~there])
    assert sum(len(made[split]["pt"]) for split in SPLITS) == N


def test_a_feature_that_is_missing_everywhere_has_no_mean(place, jets):
    one_file(jets.assign(mass=np.nan))
    with pytest.raises(UserError, match=r"'jet\.mass' is missing in all of the training split.*leave this feature out"):
        make(study())


def test_resampling_counts_over_all_files(place, jets):
    """A file for each flavour and a shard for each file: as many jets of each are left in each bin, up to chance."""
    file_by_flavour(jets)
    borders = [25.0, 35.0, 50.0]
    made = make(study(3, {"method": "resample", "bins": {"jet.pt": borders}}))
    split_of = {number: split for split in SPLITS for number in make(study(3))[split]["event"]}
    train = made["train"]
    kept, before = (
        np.stack([np.histogram(v["pt"][v["flavour"] == k], [0, *borders, np.inf])[0] for k in range(3)])
        for v in (train, in_split(jets, split_of, "train"))
    )
    expected = before.min(axis=0)
    assert (np.abs(kept - expected) < 5 * np.sqrt(expected + 1)).all()
    rarest = before.argmin(axis=0)
    np.testing.assert_array_equal(kept[rarest, np.arange(len(expected))], expected)
    assert len(made["test"]["pt"]) == sum(split == "test" for split in split_of.values())  # as nature made it
    assert len(made["val"]["pt"]) < sum(split == "val" for split in split_of.values())


def in_split(jets, split_of, split) -> dict:
    some = jets[jets["number"].map(split_of) == split]
    return {"pt": some["pt"].to_numpy(np.float32), "flavour": some["flavour"].map({0: 0, 4: 1, 5: 2}).to_numpy()}


BALANCES = [{"method": "resample"}, {"method": "reweight", "bins": {"eta": [0.0]}, "to": "flat"}]


@pytest.mark.parametrize("balance", BALANCES, ids=lambda balance: balance["method"])
def test_what_becomes_of_a_jet_does_not_depend_on_the_shards(place, jets, balance):
    file_by_flavour(jets)
    whole = make(study(None, balance))
    parts = make(study(3, balance))
    assert len(whole["train"]["pt"]) > 500
    for split in SPLITS:
        for name in whole[split]:
            np.testing.assert_allclose(whole[split][name], parts[split][name], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(("to", "reference"), [("rarest", None), ("flat", None), ("beauty", 2)])
def test_weights_make_the_spectra_equal(place, jets, to, reference):
    one_file(jets)
    borders = [22.0, 25.0, 30.0, 38.0, 50.0]
    balance = {"method": "reweight", "bins": {"jet.pt": borders}, "to": to, "largest": 1000.0}
    made = make(study(None, balance))
    train = made["train"]
    edges = [0, *borders, np.inf]
    spectra = np.stack(
        [np.histogram(train["pt"][train["flavour"] == k], edges, weights=train["weight"][train["flavour"] == k])[0]
         for k in range(3)]
    )  # fmt: skip
    np.testing.assert_allclose(spectra[1:], np.broadcast_to(spectra[0], spectra[1:].shape), rtol=1e-5)
    assert train["weight"].mean() == pytest.approx(1.0, rel=1e-5)
    if to == "flat":
        np.testing.assert_allclose(spectra, spectra.mean(), rtol=1e-5)
    if reference is not None:
        counts = np.histogram(train["pt"][train["flavour"] == reference], edges)[0]
        np.testing.assert_allclose(spectra[0] / spectra[0].sum(), counts / counts.sum(), rtol=1e-5)
    np.testing.assert_array_equal(made["test"]["weight"], 1.0)
    assert made["val"]["weight"].std() > 0.1


def test_weights_of_the_events_are_kept_and_counted(place, jets):
    one_file(jets.assign(w=np.where(jets["number"] % 2, 0.5, 2.0)))
    made = make(study(None, {"method": "reweight"}, {"weight": "w"}))
    train = made["train"]
    sums = np.bincount(train["flavour"], train["weight"])
    np.testing.assert_allclose(sums, sums.mean(), rtol=1e-5)
    ratio = train["weight"] / np.where(train["event"] % 2, 0.5, 2.0)
    for flavour in range(3):
        np.testing.assert_allclose(ratio[train["flavour"] == flavour], ratio[train["flavour"] == flavour][0], rtol=1e-5)
    np.testing.assert_array_equal(made["test"]["weight"], np.where(made["test"]["event"] % 2, 0.5, 2.0))


def test_no_weight_is_far_above_its_class_s_mean(place, jets):
    one_file(jets)
    borders = [20.0 + 10 * k for k in range(1, 12)]
    train = make(study(None, {"method": "reweight", "bins": {"jet.pt": borders}, "to": "flat", "largest": 3.0}))[
        "train"
    ]
    sums = np.bincount(train["flavour"], train["weight"])
    np.testing.assert_allclose(sums, sums.mean(), rtol=1e-5)
    for flavour in range(3):
        weights = train["weight"][train["flavour"] == flavour]
        assert weights.max() <= 3.0 * weights.mean() * (1 + 1e-5)
    light = train["weight"][train["flavour"] == 0]
    assert light.max() == pytest.approx(3.0 * light.mean(), rel=1e-5)  # it would be more without the limit


def test_resampled_spectra_agree(place, jets):
    one_file(pd.concat([jets.assign(number=jets["number"] + k * N, pt=jets["pt"] + 0.01 * k) for k in range(6)]))
    borders = [20 + 2.0 * k for k in range(1, 25)]
    train = make(study(None, {"method": "resample", "bins": {"jet.pt": borders}}))["train"]
    spectra = [train["pt"][train["flavour"] == k] for k in range(3)]
    inside = [values[values < 68] for values in spectra]
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert stats.ks_2samp(inside[a], inside[b]).pvalue > 1e-3


@pytest.mark.parametrize(("method", "words"), [("resample", "are left out"), ("reweight", "keep other spectra")])
def test_bins_that_a_class_lacks_are_told(place, jets, caplog, method, words):
    one_file(jets.assign(pt=jets["pt"] + np.where(jets["flavour"] == 5, 50.0, 0.0)))
    make(study(None, {"method": method, "bins": {"jet.pt": [50.0, 70.0]}}))
    assert f"a class has no sample and another has: beauty 2; these {words}" in caplog.text


@pytest.mark.parametrize(
    ("balance", "message"),
    [
        ({"method": "resample", "bins": {"jet.pz": [1.0]}}, r"'jet\.pz' is no observer and no feature.*known: eta"),
        ({"method": "resample", "to": "bottom"}, r"'bottom' is no class of the task; known: rarest, flat, light"),
        ({"method": "reweight", "target": "colour"}, r"no target 'colour'; known: flavour"),
        ({"method": "resample", "bins": {"eta": [-9.0]}, "to": "flat"}, None),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(place, jets, balance, message):
    one_file(jets)
    if message is None:
        assert len(make(study(None, balance))["train"]["pt"]) > 0
        return
    with pytest.raises(UserError, match=message):
        make(study(None, balance))
    assert not Path("totals.json").exists()


def test_a_class_that_no_file_has_is_named(place, jets):
    one_file(jets[jets["flavour"] != 5])
    with pytest.raises(UserError, match=r"dataset\.balance: the training split has no sample of the class 'beauty'"):
        make(study(None, {"method": "resample"}))


def test_borders_that_do_not_rise_are_refused(place):
    with pytest.raises(ValueError, match="borders must rise"):
        study(None, {"method": "resample", "bins": {"eta": [1.0, 0.0]}})


def test_totals_of_another_configuration_damaged_or_missing(place, jets):
    one_file(jets)
    first = study(None, {"method": "resample"})
    make(first)
    raw, totals = Path("raw/shard-0000.h5"), Path("totals.json")
    with pytest.raises(UserError, match="needs sums over all raw shards"):
        prepare_shard(first, raw, Path("other"))
    with pytest.raises(UserError, match="no such file; run `bevatron totals`"):
        prepare_shard(first, raw, Path("other"), Path("nothing.json"))
    with pytest.raises(UserError, match="made from another configuration"):
        prepare_shard(study(None, {"method": "reweight"}), raw, Path("other"), totals)
    text = json.loads(totals.read_text())
    text["balance"][0][0][0] += 1
    totals.write_text(json.dumps(text))
    with pytest.raises(UserError, match="was changed or damaged"):
        prepare_shard(first, raw, Path("other"), totals)
    totals.write_text(json.dumps([1]))
    with pytest.raises(UserError, match="holds no totals"):
        prepare_shard(first, raw, Path("other"), totals)
    assert not Path("other").exists()


def test_shards_of_other_totals_do_not_make_a_dataset(place, jets):
    file_by_flavour(jets)
    mine = study(3, {"method": "resample"})
    make(mine)
    write_manifest(mine, Path("dataset"))
    assert load_manifest(Path("dataset/manifest.json")).n_samples("train") > 100
    more = pd.read_csv("flavour_5.csv")
    more.iloc[:200].to_csv("flavour_5.csv", index=False)  # one file changes, and with it one raw shard
    simulate_shard(mine, 2, "raw/shard-0002.h5")
    write_totals(mine, Path("raw"), Path("totals.json"))
    prepare_shard(mine, Path("raw/shard-0002.h5"), Path("dataset"), Path("totals.json"))
    with pytest.raises(UserError, match="its totals differ from those of train-0000"):
        write_manifest(mine, Path("dataset"))
