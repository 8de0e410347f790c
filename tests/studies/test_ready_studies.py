"""The studies of public data sets, from files of exactly the published layout to a report."""

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
from study_files import WRITERS
from study_runs import demo, run
from written_truth import SPLITS, Truth

from bevatron.config.sections.study import Study
from bevatron.store.records.metrics import read_metrics
from bevatron.store.shards.columns import Group
from bevatron.store.shards.manifest import Manifest, load_manifest
from bevatron.store.shards.shard import read_shard


@dataclass
class Ran:
    """A study that has gone all the way; raw: its raw samples' groups, classes and splits, all shards joined."""

    study: Study
    folder: Path
    truth: Truth

    @property
    def manifest(self) -> Manifest:
        return load_manifest(self.results / "dataset" / "manifest.json")

    @property
    def results(self) -> Path:
        return self.folder / "results" / self.study.name

    def raw(self) -> list:
        return [read_shard(path) for path in sorted((self.results / "raw").glob("*.h5"))]

    def group(self, name: str) -> tuple[Group, np.ndarray]:
        """The group in the first shard, and its samples' targets."""
        (samples,) = self.raw()
        return samples.inputs[name], samples


@pytest.fixture(scope="module", params=WRITERS)
def ran(request, tmp_path_factory):
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        truth = WRITERS[name](Path("data") / name)
        study = demo(name)
        run(study, folder)
    return Ran(study, folder, truth)


class TestFromFileToReport:
    def test_the_split_and_the_classes_are_those_of_the_files(self, ran):
        counts = {split: list(ran.manifest.class_counts(split).values()) for split in SPLITS}
        assert np.sum(list(counts.values()), axis=0).tolist() == ran.truth.totals
        assert list(ran.manifest.class_counts("train")) == ran.study.task.classes
        if ran.truth.counts:
            assert counts == ran.truth.counts
        else:
            assert all(sum(count) > 0 for count in counts.values())

    def test_the_page_has_numbers_of_every_model_and_its_claims(self, ran):
        (model,) = ran.study.models
        metrics = read_metrics(ran.results / "evaluation" / model / "metrics.json", ran.study.name, model)
        assert metrics.n_test == ran.manifest.n_samples("test")
        page = ran.folder / "results" / "report" / ran.study.name
        record = json.loads((page / "claims.json").read_text())
        assert [claim["id"] for claim in record["claims"]] == [claim.id for claim in ran.study.claims]
        assert record["failures"] == []
        assert escape(ran.study.title).replace("&#x27;", "&#39;") in (page / "index.html").read_text()

    def test_what_was_planted_is_learned(self, ran):
        (model,) = ran.study.models
        metrics = read_metrics(ran.results / "evaluation" / model / "metrics.json", ran.study.name, model)
        assert metrics.metrics[f"auc.{ran.study.task.signal}_vs_rest"].value > 0.6

    def test_the_features_are_the_published_ones(self, ran):
        CHECKS[ran.study.name](ran)


def column(group: Group, feature: str) -> np.ndarray:
    return group.column.values[:, group.features.index(feature)]


def check_jetclass(ran: Ran) -> None:
    group, samples = ran.group("particles")
    names = [path.name for path in sorted((ran.folder / "data/jetclass/train_100M").iterdir())]
    number = names.index("TTBar_000.root")  # files come by their names, those to learn from first
    taken = samples.take(np.flatnonzero(samples.id >> np.uint64(40) == number))
    group, written = taken.inputs["particles"], ran.truth.content["train Tbqq"]
    assert set(taken.targets["kind"]) == {ran.study.task.classes.index("tbqq")}
    flat = {name: np.asarray(ak.flatten(written[name])) for name in written if name.startswith("part_")}
    lengths = [len(v) for v in written["part_px"]]
    px, py, energy = (flat[f"part_{name}"].astype(float) for name in ("px", "py", "energy"))
    pt = np.sqrt(px**2 + py**2)
    expected = {
        "log_pt": np.clip((np.log(pt) - 1.7) * 0.7, -5, 5),
        "log_energy_fraction": np.clip((np.log(energy / np.repeat(written["jet_energy"], lengths)) + 4.7) * 0.7, -5, 5),
        "delta_r": np.clip((np.sqrt(flat["part_deta"] ** 2.0 + flat["part_dphi"] ** 2.0) - 0.2) * 4, -5, 5),
        "d0": np.tanh(flat["part_d0val"]),
        "d0_error": np.clip(flat["part_d0err"], 0, 1),
        "is_muon": flat["part_isMuon"],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(column(group, name), values, rtol=1e-4, atol=1e-5, err_msg=name)
    assert len(group.features) == 17


def check_top_tagging(ran: Ran) -> None:
    group, samples = ran.group("particles")
    (momenta, jet), written = (samples.inputs[name] for name in ("momenta", "jet")), ran.truth.content["train"]
    first = {name: values[0].astype(float) for name, values in written.items()}
    n = int((first["E"] > 0).sum())
    total = {name: values.sum() for name, values in first.items()}
    pt, jet_pt = np.hypot(first["PX"], first["PY"])[:n], np.hypot(total["PX"], total["PY"])
    eta = np.arctanh(first["PZ"][:n] / np.sqrt(pt**2 + first["PZ"][:n] ** 2))
    jet_eta = np.arctanh(total["PZ"] / np.hypot(jet_pt, total["PZ"]))
    angle = np.angle(np.exp(1j * (np.arctan2(first["PY"], first["PX"])[:n] - np.arctan2(total["PY"], total["PX"]))))
    assert group.column.lengths[0] == n
    expected = {
        "delta_eta": eta - jet_eta,
        "delta_phi": angle,
        "log_pt": np.log(pt),
        "log_pt_fraction": np.log(pt / jet_pt),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(column(group, name)[:n], values, rtol=1e-3, atol=1e-4, err_msg=name)
    np.testing.assert_allclose(column(momenta, "pt_fraction")[:n], pt / jet_pt, rtol=1e-4)
    mass = np.sqrt(total["E"] ** 2 - total["PX"] ** 2 - total["PY"] ** 2 - total["PZ"] ** 2)
    np.testing.assert_allclose(column(jet, "mass")[0], mass, rtol=1e-3)
    assert column(jet, "n_particles")[0] == n


def check_quark_gluon(ran: Ran) -> None:
    group, samples = ran.group("particles")
    jet = ran.truth.content["train"][0]
    jet = jet[jet[:, 0] > 0]
    assert samples.inputs["momenta"].column.lengths[0] == len(jet)
    centre = np.average(jet[:, 1:3], weights=jet[:, 0], axis=0)  # the published preprocessing
    np.testing.assert_allclose(column(group, "pt_fraction")[: len(jet)], jet[:, 0] / jet[:, 0].sum(), rtol=1e-5)
    np.testing.assert_allclose(column(group, "rapidity")[: len(jet)], jet[:, 1] - centre[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(column(group, "phi")[: len(jet)], jet[:, 2] - centre[1], rtol=1e-4, atol=1e-5)
    charge = {22: 0, 130: 0, 2112: 0, 211: 1, 321: 1, 2212: 1, 11: -1, 13: -1}
    expected = [np.sign(kind) * charge[abs(int(kind))] for kind in jet[:, 3]]
    assert column(group, "charge")[: len(jet)].tolist() == expected
    kinds = np.stack([column(group, f) for f in group.features if f.startswith("is_")])
    assert (kinds.sum(axis=0) == 1).all()  # each particle is of one kind


def check_higgs(ran: Ran) -> None:
    group, samples = ran.group("measured")
    rows = ran.truth.content["rows"]
    np.testing.assert_allclose(group.column.values, rows[:, 1:22], rtol=1e-6)
    np.testing.assert_allclose(samples.inputs["masses"].column.values, rows[:, 22:], rtol=1e-6)


def check_higgsml(ran: Ran) -> None:
    (samples,) = ran.raw()
    frame = ran.truth.content["frame"]
    frame = frame[frame["KaggleSet"] != "u"]
    assert len(samples) == len(frame)
    np.testing.assert_allclose(samples.weight, frame["KaggleWeight"], rtol=1e-6)
    mass = samples.inputs["derived"]
    np.testing.assert_array_equal(column(mass, "DER_mass_MMC_missing"), frame["DER_mass_MMC"] == -999)
    prepared = read_shard(next((ran.results / "dataset").glob("train*.h5")))
    values, missing = (column(prepared.inputs["derived"], n) for n in ("DER_mass_MMC", "DER_mass_MMC_missing"))
    train = frame[(frame["KaggleSet"] == "t") & (frame["DER_mass_MMC"] != -999)]
    np.testing.assert_allclose(values[missing == 1], train["DER_mass_MMC"].mean(), rtol=1e-4)
    assert not (prepared.inputs["measured"].column.values == -999).any()


def check_atlas_flavour(ran: Ran) -> None:
    group, samples = ran.group("tracks")
    written = ran.truth.content["train"]
    kept = np.flatnonzero(written["jets"]["HadronConeExclTruthLabelID"] != 15)
    tracks = written["tracks"][kept]
    assert np.isfinite(group.column.values).all()
    np.testing.assert_array_equal(group.column.lengths[: len(kept)], tracks["valid"].sum(axis=1))
    row = int(np.flatnonzero(tracks["valid"].sum(axis=1) > 2)[0])
    first = tracks[row][tracks[row]["valid"]]
    order = np.argsort(-np.abs(first["lifetimeSignedD0Significance"]), kind="stable")
    start = int(group.column.offsets[row])
    for feature, name in (("d0", "d0"), ("sct_hits", "numberOfSCTHits"), ("q_over_p", "qOverP")):
        np.testing.assert_array_equal(column(group, feature)[start : start + len(first)], first[name][order])
    assert samples.element_targets["track_origin"].group == "tracks"
    for target, name in (("track_origin", "ftagTruthOriginLabel"), ("track_vertex", "ftagTruthVertexIndex")):
        found = samples.element_targets[target].values[start : start + len(first)]
        np.testing.assert_array_equal(found, first[name][order])
    assert samples.element_targets["track_origin"].classes[3:6] == ("from_b", "from_b_to_c", "from_c")
    gev = np.log(written["jets"]["pt_btagJes"][kept] / 1000)
    np.testing.assert_allclose(column(samples.inputs["jet"], "log_pt")[: len(kept)], gev, rtol=1e-5)


def check_salt_tutorial(ran: Ran) -> None:
    group, samples = ran.group("constituents")
    consts = ran.truth.content["train"]["consts"]
    flat = consts[consts["valid"]]
    for feature, name in (("ip_3d", "signed_3d_ip"), ("delta_phi", "phi_rel"), ("charge", "charge")):
        np.testing.assert_array_equal(column(group, feature)[: len(flat)], flat[name])
    for target, name in (("origin", "truth_origin_label"), ("vertex", "truth_vertex_idx")):
        np.testing.assert_array_equal(samples.element_targets[target].values[: len(flat)], flat[name])
    runs = json.loads((ran.results / "models" / "auxiliary" / "runs.json").read_text())["runs"]
    assert runs[0]["auxiliary_losses"].keys() == {"origin", "vertex"}


def check_microboone(ran: Ran) -> None:
    (samples,) = ran.raw()
    content = ran.truth.content["inclusive"]
    kept = np.flatnonzero(content["inside"])
    assert (samples.id >> np.uint64(40) == 0).sum() == len(kept)
    lengths = samples.inputs["hits"].column.lengths[: len(kept)]
    np.testing.assert_array_equal(lengths, content["counts"][kept])  # also of events without a hit
    row = int(np.argmax(lengths))
    offsets = np.concatenate([[0], np.cumsum(content["counts"])])
    first, last = offsets[kept[row]], offsets[kept[row] + 1]
    integral = content["hits"]["integral"][first:last]
    start = int(samples.inputs["hits"].column.offsets[row])
    found = column(samples.inputs["hits"], "log_charge")[start : start + lengths[row]]
    np.testing.assert_allclose(found, np.log(-np.sort(-integral)), rtol=1e-5)
    np.testing.assert_array_equal(samples.targets["interaction"][: len(kept)], content["kind"][kept])


def check_galaxy10(ran: Ran) -> None:
    group, samples = ran.group("image")
    images, answer = ran.truth.content["images"], ran.truth.content["ans"]
    np.testing.assert_array_equal(samples.targets["kind"], answer)
    expected = images.reshape(len(images), 32, 8, 32, 8, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2) / 255
    np.testing.assert_allclose(group.column.values, expected, rtol=1e-5, atol=1e-6)


CHECKS = {name: globals()[f"check_{name}"] for name in WRITERS}
