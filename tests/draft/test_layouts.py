"""Files in the layouts that people have: the drafted study is valid, and makes a dataset of what is in the files."""

from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot
from layouts import ALL, N

from bevatron.config.loading.load import load_study
from bevatron.config.loading.whole_dataset import needs_totals
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.draft.stage import draft_study
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.prepare.totals import write_totals
from bevatron.simulate.stage import simulate_shard
from bevatron.store.files.names import raw_shard
from bevatron.store.shards.columns import Samples
from bevatron.store.shards.shard import read_shard
from bevatron.train.stage import train_model


class Drafted:
    """A drafted study, its text, and the samples that it makes of all shards."""

    def __init__(self, name: str, folder: Path):
        self.files = [path.relative_to(folder) for path in ALL[name](folder)]
        self.text, _ = draft_study(self.files, None, Path(f"{name}.yaml"))
        self.study: Study = load_study(name, "paper", folder)
        self.samples: list[Samples] = []
        raw = [folder / f"{name}-raw" / raw_shard(shard) for shard in range(self.study.simulation.shards)]
        for shard, path in enumerate(raw):
            simulate_shard(self.study, shard, path)
            samples = read_shard(path)
            files = samples.id >> np.uint64(40)
            self.samples += [samples.take(np.flatnonzero(files == number)) for number in np.unique(files)]
        totals = folder / f"{name}.json" if needs_totals(self.study) else None
        if totals is not None:
            write_totals(self.study, raw[0].parent, totals)
        for path in raw:
            prepare_shard(self.study, path, folder / name, totals)
        self.source = self.study.simulation.source
        self.manifest = folder / name / "manifest.json"
        write_manifest(self.study, folder / name)

    def values(self, group: str) -> np.ndarray:
        """Flat values (elements, features) of all shards."""
        return np.concatenate([samples.inputs[group].column.values for samples in self.samples])

    def features(self, group: str) -> tuple[str, ...]:
        return self.samples[0].inputs[group].features


@pytest.fixture
def drafted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda name: Drafted(name, tmp_path)


def test_jetclass(drafted):
    found = drafted("jetclass")
    assert found.study.task.classes == ["hbb", "qcd", "tbqq"]
    assert all(
        samples.targets["label"].tolist() == [k] * N for k, samples in zip((0, 2, 1), found.samples, strict=True)
    )
    assert set(found.source.groups) == {"jet", "part"}
    assert len(found.features("part")) == 16
    assert len(found.features("jet")) == 10
    with uproot.open(found.files[0]) as file:
        expected = ak.flatten(file["tree"]["part_energy"].array())
    column = found.features("part").index("part_energy")
    np.testing.assert_allclose(found.samples[0].inputs["part"].column.values[:, column], expected, rtol=1e-6)
    assert "aux_truth_match" in found.source.observers
    assert not any("aux" in name or "label" in name for name in (*found.features("part"), *found.features("jet")))


def test_top_tagging(drafted):
    found = drafted("top_tagging")
    assert isinstance(found.source.files, dict)
    assert found.features("particles") == ("E", "PX", "PY", "PZ")
    assert found.study.task.classes == ["background", "signal"]
    import pandas as pd

    frame = pd.read_hdf(found.files[0], key="table")
    energies = frame[[f"E_{k}" for k in range(20)]].to_numpy()
    np.testing.assert_array_equal(found.samples[0].inputs["particles"].column.values[:, 0], energies[energies != 0])
    np.testing.assert_array_equal(found.samples[0].targets["is_signal_new"], frame["is_signal_new"])
    assert {"truthE", "ttv"} <= found.source.observers.keys()


def test_quark_gluon(drafted):
    found = drafted("quark_gluon")
    values = np.load("QG_jets.npz")["X"]
    np.testing.assert_allclose(found.values("x"), values[values[..., 0] != 0], rtol=1e-6)
    assert found.study.task.signal == "signal"


def test_atlas_dumper(drafted):
    found = drafted("atlas_dumper")
    assert found.study.task.classes == ["bjets", "cjets", "ujets"]  # as the file's attribute says
    assert "jets.HadronConeExclTruthLabelID" in found.source.observers  # the same in disguise is no input
    assert "jets.HadronConeExclTruthLabelID" not in found.features("jets")
    assert "ftagTruthOriginLabel" not in found.features("tracks")
    assert found.source.id == ["jets.eventNumber"]
    with h5py.File(found.files[0]) as file:
        tracks = file["tracks"][()]
    expected = tracks["d0"][tracks["valid"]]
    np.testing.assert_array_equal(found.values("tracks")[:, found.features("tracks").index("d0")], expected)


def test_salt_tutorial(drafted):
    found = drafted("salt_tutorial")
    assert found.source.groups["consts"].exists == "consts.valid"
    assert set(found.features("consts")).isdisjoint({"valid", "truth_origin_label", "truth_vertex_idx"})


def test_atlas_top(drafted):
    found = drafted("atlas_top")
    assert found.features("fjet") == ("fjet_eta", "fjet_m", "fjet_phi", "fjet_pt")
    assert "# weight: weights" in found.text
    with h5py.File(found.files[0]) as file:
        pt = file["fjet_clus_pt"][()]
    column = found.features("fjet_clus").index("fjet_clus_pt")
    np.testing.assert_array_equal(found.values("fjet_clus")[:, column], pt[pt != 0])


def test_aspen_open_jets(drafted):
    found = drafted("aspen_open_jets")
    assert len(found.features("pfcands")) == 11
    assert "LOOK: write what is to be learned" in found.text


def test_galaxy10(drafted):
    found = drafted("galaxy10")
    with h5py.File(found.files[0]) as file:
        expected = np.moveaxis(file["images"][()], -1, 1) / 255
    np.testing.assert_allclose(found.values("images"), expected, rtol=1e-6, atol=1e-7)
    assert found.study.models["cnn"].inputs == ["images"]
    assert found.study.task.classes == ["class_0", "class_1", "class_2"]


def test_higgs(drafted):
    found = drafted("higgs")
    table = np.loadtxt("HIGGS.csv", delimiter=",")
    np.testing.assert_array_equal(found.samples[0].targets[found.study.task.target], table[:, 0])
    np.testing.assert_allclose(found.values("event"), table[:, 1:], rtol=1e-6)


def test_higgsml(drafted):
    found = drafted("higgsml")
    assert found.study.task.classes == ["b", "s"]
    assert found.study.task.signal == "s"
    assert found.source.id == ["EventId"]
    assert "# weight: Weight" in found.text
    assert {key: policy.values for key, policy in found.source.missing.items()} == {
        f"event.DER_{k}": [-999.0] for k in "aeim"
    }
    assert "DER_a_missing" in found.features("event")
    assert not {"Weight", "EventId", "Label"} & set(found.features("event"))


@pytest.mark.parametrize(("name", "model"), [("higgsml", "mlp"), ("top_tagging", "deep_sets")])
def test_a_network_learns_from_a_drafted_study(drafted, tmp_path, name, model):
    found = drafted(name)
    fit = {"training.epochs": 1, "training.batch_size": 32}
    study = found.study.model_copy(update={"models": {model: found.study.models[model].with_values(fit)}, "n_seeds": 1})
    workflow = Workflow(studies=[name], runs_dir=str(tmp_path / "runs"), accelerator="cpu")
    train_model(study, workflow, model, found.manifest, None, tmp_path / "out")
    assert (tmp_path / "out" / "runs.json").is_file()
