"""NanoAOD files: jets and vertices against a plain loop over the same arrays; every foreign file in one line."""

import math
import os

import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.simulate.sources.nanoaod import KINEMATICS, VERTEX, NanoAOD

uproot = pytest.importorskip("uproot")
ak = pytest.importorskip("awkward")
OWN_FILE = "BEVATRON_NANOAOD"  # a NanoAOD file of one's own, for the last test
FEATURES = ("nConstituents", "area", "chHEF", "neHEF", "chEmEF", "neEmEF", "muEF", "hadronFlavour", "genJetIdx")


def read(*files, shard=0, **options):
    names = [str(file) for file in files]
    return NanoAOD().simulate(NanoAOD.Options(kind="nanoaod", files=names, **options), shard, 1)


def made_events(seed, n):
    """Branches of n events with 0 to 5 jets and 0 to 3 vertices each."""
    rng = np.random.default_rng(seed)

    def lists(counts, low, high, kind=np.float32):
        return ak.unflatten(rng.uniform(low, high, counts.sum()).astype(kind), counts)

    jets, vertices = rng.integers(0, 6, n), rng.integers(0, 4, n)
    ranges = {"pt": (10, 200), "eta": (-3, 3), "phi": (-3.14, 3.14), "mass": (1, 20)}
    jet = {name: lists(jets, *ranges.get(name, (0, 1))) for name in (*KINEMATICS, *FEATURES)}
    jet["hadronFlavour"] = ak.unflatten(rng.choice([0, 4, 5], jets.sum()).astype(np.uint8), jets)
    jet["genJetIdx"] = ak.unflatten(rng.integers(-1, 3, jets.sum()).astype(np.int16), jets)
    vertex = {name: lists(vertices, *ranges.get(name, (0, 9))) for name in VERTEX}
    event = {"event": np.arange(n, dtype=np.uint64)}
    return event | {f"Jet_{name}": column for name, column in jet.items()} | {
        f"SV_{name}": column for name, column in vertex.items()
    }  # fmt: skip


def write(path, branches, tree="Events"):
    with uproot.recreate(path) as file:
        kinds = {name: column.dtype if isinstance(column, np.ndarray) else column.type.content
                 for name, column in branches.items()}  # fmt: skip
        file.mktree(tree, kinds)
        if len(next(iter(branches.values()))):
            file[tree].extend(branches)
    return path


@pytest.fixture
def file(tmp_path):
    return write(tmp_path / "nano.root", made_events(1, 60))


def test_jets_have_the_weight_of_their_event_that_the_study_names(tmp_path, caplog):
    branches = made_events(3, 60)
    branches["genWeight"] = np.where(np.arange(60) % 5 == 0, -0.25, 1.5).astype(np.float32)
    path = write(tmp_path / "weighted.root", branches)
    plain, _ = read(path)
    assert plain.weight is None
    assert plain.attributes["event_weights"] == [-0.25, 1.5]
    assert "they go from -0.25 to 1.5" in caplog.text
    samples, _ = read(path, weight="genWeight")
    event = (samples.targets["event"] & np.uint64(0xFFFFFFFF)).astype(int)
    np.testing.assert_array_equal(samples.weight, branches["genWeight"][event])
    np.testing.assert_array_equal(samples.id, plain.id)
    with pytest.raises(UserError, match=r"has no branch 'LHEWeight'"):
        read(path, weight="LHEWeight")
    with pytest.raises(UserError, match=r"Jet_pt: is .* for each event; name a branch of one number an event"):
        read(path, weight="Jet_pt")


def by_hand(branches, options):
    """(event, rank, pt, flavour, places of the near vertices) of each jet that passes, by plain loops."""
    found = []
    columns = {name: ak.to_list(column) for name, column in branches.items()}
    for event in range(len(columns["Jet_pt"])):
        jets = zip(
            *(columns[f"Jet_{n}"][event] for n in ("pt", "eta", "phi", "genJetIdx", "hadronFlavour")), strict=True
        )
        for rank, (pt, eta, phi, matched, flavour) in enumerate(jets):
            if pt <= options.jet_pt_min or abs(eta) >= options.jet_eta_max or (options.gen_match and matched < 0):
                continue
            places = zip(columns["SV_eta"][event], columns["SV_phi"][event], strict=True)
            near = [k for k, (sv_eta, sv_phi) in enumerate(places)
                    if math.hypot(sv_eta - eta, math.remainder(sv_phi - phi, 2 * math.pi)) < 0.8]  # fmt: skip
            found.append((event, rank, pt, flavour, near))
    return found


def same_as_by_hand(samples, branches, options):
    expected = by_hand(branches, options)
    assert samples.targets["event"].tolist() == [event for event, *_ in expected]
    assert (samples.id & np.uint64(255)).tolist() == [rank for _, rank, *_ in expected]
    np.testing.assert_array_equal(samples.inputs["jet"].column.values[:, 0], np.float32([jet[2] for jet in expected]))
    assert samples.targets["flavour"].tolist() == [jet[3] for jet in expected]
    significance = samples.inputs["vertices"].column
    lists = np.split(significance.values[:, list(VERTEX).index("dlenSig")], significance.offsets[1:-1])
    for (event, *_, near), found in zip(expected, lists, strict=True):
        np.testing.assert_array_equal(found, np.float32(ak.to_numpy(branches["SV_dlenSig"][event])[near]))


@pytest.mark.parametrize("options", [{}, {"gen_match": False, "jet_pt_min": 50.0, "jet_eta_max": 1.5}])
def test_jets_and_their_vertices_are_those_of_a_plain_loop(file, options):
    samples, facts = read(file, **options)
    assert facts["events"] == 60
    same_as_by_hand(samples, made_events(1, 60), NanoAOD.Options(kind="nanoaod", files=["x"], **options))
    assert samples.inputs["jet"].features == ("pt", "eta", "phi", "mass", *FEATURES[:-2])


def test_steps_and_shards_change_nothing(file, tmp_path, monkeypatch):
    other = write(tmp_path / "other.root", made_events(2, 40))
    whole = [read(path)[0] for path in (file, other)]
    monkeypatch.setattr("bevatron.simulate.external.nanoaod_events.STEP", 7)
    parts = [read(file, other, shard=k, per_shard=45)[0] for k in range(3)]
    for group in ("jet", "vertices"):
        divided = np.concatenate([part.inputs[group].column.values for part in parts])
        assert divided.tobytes() == np.concatenate([w.inputs[group].column.values for w in whole]).tobytes()
    assert [set(part.targets["process"].tolist()) for part in parts] == [{0}, {0, 1}, {1}]
    assert len(np.unique(np.concatenate([part.id for part in parts]))) == sum(map(len, whole))
    with pytest.raises(UserError, match="shard 3: the files hold 100 events, enough for the shards 0 to 2"):
        read(file, other, shard=3, per_shard=45)


def without(*names):
    return {name: column for name, column in made_events(1, 10).items() if name not in names}


FOREIGN = {
    "collision data": (lambda p: write(p, without("Jet_hadronFlavour")), "'Jet_hadronFlavour': it is collision data"),
    "another version": (lambda p: write(p, without("Jet_area", "SV_dxy")), "'Jet_area', 'SV_dxy': another NanoAOD ver"),
    "no jets at all": (lambda p: write(p, {"event": np.arange(5)}), "'Jet_pt', .*: it is no NanoAOD file"),
    "another tree": (lambda p: write(p, made_events(1, 5), "Runs"), "has no tree 'Events'.* it holds: Runs"),
    "no event": (lambda p: write(p, made_events(1, 0)), "holds no event"),
    "strange flavour": (
        lambda p: write(p, without() | {"Jet_hadronFlavour": ak.full_like(without()["Jet_hadronFlavour"], 21)}),
        "Jet_hadronFlavour: found 21, expected 0, 4 or 5",
    ),
    "text": (lambda p: p.write_text("HepMC::Version 3.02\n" * 40), "is no ROOT file"),
    "nothing": (lambda p: p.write_bytes(b""), "is empty"),
}


@pytest.mark.parametrize("fault", FOREIGN)
def test_a_foreign_file_is_told_in_one_line(tmp_path, fault):
    make, expected = FOREIGN[fault]
    make(tmp_path / "foreign.root")
    with pytest.raises(UserError, match=expected) as told:
        read(tmp_path / "foreign.root")
    assert "foreign.root" in str(told.value)
    assert "\n" not in str(told.value)


def changed(branch, value, places=(0,)):
    """60 events of which some values of a branch are others."""
    branches = made_events(1, 60)
    flat = ak.to_numpy(ak.flatten(branches[branch])).astype(np.float64)
    flat[list(places)] = value
    return branches | {branch: ak.unflatten(flat, ak.num(branches[branch]))}


@pytest.mark.parametrize(
    ("branch", "value", "message"),
    [
        ("Jet_pt", np.nan, r"nano.root, events 0 to 59: 'jet.pt' is nan, no finite number, in 1 of .* first in entry"),
        ("SV_dlenSig", np.nan, "'vertices.dlenSig' is nan"),  # NaN would fail the cut, and the vertex vanish
        ("SV_eta", -np.inf, "'vertices.eta' is -inf"),
        ("Jet_area", 1e39, "'jet.area' is 1e[+]39, more than a 32-bit number holds"),
        ("Jet_hadronFlavour", 4.5, "Jet_hadronFlavour: found 4.5, which is no integer"),
        ("Jet_genJetIdx", np.nan, "Jet_genJetIdx: found nan, which is no integer"),
    ],
)
def test_values_that_are_not_finite_are_told_with_file_and_event(tmp_path, branch, value, message):
    path = write(tmp_path / "nano.root", changed(branch, value, range(30)))
    with pytest.raises(UserError, match=message.replace("in 1 of", "in 30 of")) as told:
        read(path)
    assert "\n" not in str(told.value)


def test_missing_values_may_be_replaced(tmp_path):
    path = write(tmp_path / "nano.root", changed("Jet_area", np.nan, range(0, 90, 2)))
    with pytest.raises(UserError, match=r"set simulation.source.missing \(jet.area: constant\)"):
        read(path)
    area = len(KINEMATICS) + 1
    plain = read(write(tmp_path / "plain.root", made_events(1, 60)))[0].inputs["jet"].column.values
    filled = read(path, missing={"jet.area": {"policy": "constant", "constant": -5}})[0].inputs["jet"].column.values
    assert set(filled[:, area]) - set(plain[:, area]) == {-5.0}
    np.testing.assert_array_equal(np.delete(filled, area, 1), np.delete(plain, area, 1))
    for missing in ({"jet.aria": {}}, {"jet.area": {"policy": "mean"}}):
        with pytest.raises(ValueError, match=r"did you mean 'jet\.area'|for the source `table` alone"):
            read(path, missing=missing)


def test_vertices_of_older_files_are_optional(tmp_path):
    older = write(tmp_path / "older.root", without("SV_ntracks"))
    with pytest.raises(UserError, match=r"leave ntracks out of simulation.source.vertex_features; .* since version 8"):
        read(older)
    features = read(older, vertex_features=["chi2"])[0].inputs["vertices"].features
    assert features == ("pt", "eta", "phi", "mass", "dlen", "dlenSig", "chi2")
    none = write(tmp_path / "none.root", without(*(f"SV_{name}" for name in VERTEX)))
    with pytest.raises(UserError, match=r"set simulation\.source\.vertices: false"):
        read(none)
    assert list(read(none, vertices=False)[0].inputs) == ["jet"]


def test_a_branch_that_is_misspelt_is_told_with_the_nearest(file):
    with pytest.raises(UserError, match=r"has no branch 'Jet_nConstituentz'.* did you mean 'Jet_nConstituents'\?"):
        read(file, jet_features=["nConstituentz"])


@pytest.mark.parametrize("fraction", [0.02, 0.3, 0.6, 0.95])
def test_a_file_cut_short_is_told_in_one_line(file, fraction):
    content = file.read_bytes()
    file.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(UserError, match="is cut short or damaged") as told:
        read(file)
    assert "\n" not in str(told.value)


def test_a_mixture_of_versions_names_the_file_that_lacks_the_branch(file, tmp_path):
    older = write(tmp_path / "older.root", without("Jet_nConstituents"))
    with pytest.raises(UserError, match=r"older.root: has no branch 'Jet_nConstituents'"):
        read(file, older, per_shard=100)


@pytest.mark.skipif(OWN_FILE not in os.environ, reason=f"{OWN_FILE} names no NanoAOD file of CMS")
def test_a_file_of_the_experiment():
    path = os.environ[OWN_FILE]
    options = NanoAOD.Options(kind="nanoaod", files=[path])
    samples, _ = read(path)
    with uproot.open(path) as file:
        arrays = file["Events"].arrays([*NanoAOD.branches(options)])
    same_as_by_hand(samples, {name: arrays[name] for name in arrays.fields}, options)
    has_vertex = samples.inputs["vertices"].column.lengths > 0
    flavour = samples.targets["flavour"]
    fractions = [has_vertex[flavour == number].mean() for number in (0, 4, 5)]
    assert fractions == sorted(fractions)  # displaced vertices are found in beauty, then charm, then light jets
