"""Targets of elements of lists from somebody's files: the same from each format, beside their elements."""

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot
import yaml

from bevatron.config.loading.load import find_validation_errors
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.simulate.stage import simulate_shard
from bevatron.store.records.runs import read_runs
from bevatron.store.shards.manifest import load_manifest
from bevatron.store.shards.shard import read_shard
from bevatron.train.stage import train_model

N, LONGEST = 400, 8
CLASSES = {"pile_up": 0, "primary": 2, "from_b": 3}


@pytest.fixture(scope="module")
def jets() -> dict:
    draw = np.random.default_rng(7)
    lengths = draw.integers(0, LONGEST + 1, N)
    total = int(lengths.sum())
    flavour = draw.choice([0, 5], N)
    return {
        "jet_pt": draw.uniform(20, 500, N).astype(np.float32),
        "flavour": flavour.astype(np.int32),
        "decay": np.where(flavour == 5, draw.exponential(3.0, N), np.nan).astype(np.float32),
        "d0": ak.unflatten((draw.normal(size=total) + np.repeat(flavour, lengths)).astype(np.float32), lengths),
        "origin": ak.unflatten(draw.choice([0, 2, 3], total).astype(np.int32), lengths),
        "vertex": ak.unflatten(draw.integers(-2, 4, total).astype(np.int32), lengths),
    }


def write_root(path, jets):
    with uproot.recreate(path) as file:
        file["tree"] = jets


def write_parquet(path, jets):
    ak.to_parquet(ak.zip(jets, depth_limit=1), path)


def write_hdf5(path, jets):
    """As ATLAS writes them: jets (n,) and tracks (n, longest), -1 and NaN where there is no track."""
    lists = ("d0", "origin", "vertex")
    of_jets = np.zeros(N, [(name, np.asarray(jets[name]).dtype) for name in jets if name not in lists])
    for name in of_jets.dtype.names:
        of_jets[name] = jets[name]
    tracks = np.zeros((N, LONGEST), [("d0", "f4"), ("origin", "i4"), ("vertex", "i4"), ("valid", "?")])
    for name, filler in (("d0", np.nan), ("origin", -1), ("vertex", -1)):
        tracks[name] = ak.to_numpy(ak.fill_none(ak.pad_none(jets[name], LONGEST, axis=1, clip=True), filler))
    tracks["valid"] = np.arange(LONGEST) < ak.to_numpy(ak.num(jets["d0"]))[:, None]
    with h5py.File(path, "w") as file:
        file.create_dataset("jets", data=of_jets)
        file.create_dataset("tracks", data=tracks)


FORMATS = {"root": (write_root, "", ""), "parquet": (write_parquet, "", ""), "h5": (write_hdf5, "jets.", "tracks.")}


def source_of(path, jet="", track="", **changes) -> dict:
    tracks = {"layout": "list", "features": {"d0": f"{track}d0"}, **changes.pop("tracks", {})}
    if track:
        tracks["exists"] = f"{track}valid"
    targets = {
        "flavour": {"classes": {"light": f"{jet}flavour == 0", "beauty": f"{jet}flavour == 5"}},
        "track_origin": {
            "group": "tracks",
            "element_classes": {name: f"{track}origin == {number}" for name, number in CLASSES.items()},
        },
        "track_vertex": {"group": "tracks", "element_index": f"{track}vertex"},
        "decay": {"value": f"{jet}decay", "optional": True},
    }
    for name, target in changes.pop("targets", {}).items():
        targets[name] = {**targets.get(name, {}), **target}
    groups = {"jet": {"features": {"pt": f"{jet}jet_pt"}}, "tracks": tracks}
    return {"kind": "table", "files": [str(path)], "groups": groups, "targets": targets, **changes}


TASKS = {
    "origin": {"kind": "element_classification", "target": "track_origin"},
    "vertex": {"kind": "same_vertex", "target": "track_vertex"},
    "decay": {"kind": "regression", "target": "decay"},
}


def tree_of(source: dict, **model) -> dict:
    net = {
        "title": "net",
        "inputs": ["jet", "tracks"],
        "architecture": {"kind": "deep_sets", "element_widths": [6], "widths": [4]},
        "auxiliary": TASKS,
        "training": {"epochs": 2, "batch_size": 50},
        **model,
    }
    return {
        "name": "mine",
        "title": "My jets",
        "summary": "Of a file.",
        "simulation": {"source": source},
        "dataset": {"recipe": {"kind": "table"}},
        "task": {"kind": "classification", "target": "flavour", "classes": ["light", "beauty"], "signal": "beauty"},
        "n_seeds": 1,
        "models": {"net": net},
    }


def simulated(source: dict, folder):
    study = Study.model_validate(tree_of(source))
    simulate_shard(study, 0, folder / "raw" / "shard-0000.h5")
    return study, read_shard(folder / "raw" / "shard-0000.h5")


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_gives_them_in_the_order_of_the_elements(kind, jets, tmp_path):
    """Selected, ordered and cut as the elements themselves are."""
    write, *prefixes = FORMATS[kind]
    write(tmp_path / f"jets.{kind}", jets)
    cut = {"select": f"abs({prefixes[1]}d0) < 6", "order_by": f"-{prefixes[1]}d0", "max_length": 4}
    jet_selection = {"selection": f"{prefixes[0]}jet_pt > 100"}
    _, samples = simulated(source_of(tmp_path / f"jets.{kind}", *prefixes, tracks=cut, **jet_selection), tmp_path)
    expected = {"d0": [], "origin": [], "vertex": []}
    numbers = {value: number for number, value in enumerate(CLASSES.values())}
    for jet in np.flatnonzero(jets["jet_pt"] > 100):
        rows = sorted(zip(*(jets[name][jet].tolist() for name in expected), strict=True), key=lambda row: -row[0])
        for d0, origin, vertex in [row for row in rows if abs(row[0]) < 6][:4]:
            expected["d0"].append(np.float32(d0))
            expected["origin"].append(numbers[origin])
            expected["vertex"].append(max(vertex, -1))
    assert samples.inputs["tracks"].column.values[:, 0].tolist() == expected["d0"]
    origin, vertex = samples.element_targets["track_origin"], samples.element_targets["track_vertex"]
    assert (origin.group, origin.classes) == ("tracks", tuple(CLASSES))
    assert (vertex.group, vertex.classes) == ("tracks", ())
    assert origin.values.tolist() == expected["origin"]
    assert vertex.values.tolist() == expected["vertex"]
    np.testing.assert_array_equal(samples.targets["decay"], jets["decay"][jets["jet_pt"] > 100])
    assert samples.optional == ("decay",)


def test_from_a_file_to_a_trained_network(jets, tmp_path):
    write_root(tmp_path / "jets.root", jets)
    study, raw = simulated(source_of(tmp_path / "jets.root"), tmp_path)
    prepare_shard(study, tmp_path / "raw" / "shard-0000.h5", tmp_path / "dataset")
    write_manifest(study, tmp_path / "dataset")
    manifest = load_manifest(tmp_path / "dataset" / "manifest.json")
    counts = np.sum([list(manifest.element_counts("track_origin", s).values()) for s in manifest.splits], axis=0)
    assert counts.tolist() == np.bincount(raw.element_targets["track_origin"].values).tolist()
    assert manifest.targets["decay"].optional
    workflow = Workflow(studies=["mine"], runs_dir=str(tmp_path / "runs"), accelerator="cpu")
    train_model(study, workflow, "net", tmp_path / "dataset" / "manifest.json", None, tmp_path / "models")
    (run,) = read_runs(tmp_path / "models" / "runs.json", "mine", "net").runs
    assert run.auxiliary_losses.keys() == TASKS.keys()


def test_folds_keep_the_targets_of_their_elements(jets, tmp_path):
    write_root(tmp_path / "jets.root", jets)
    tree = tree_of(source_of(tmp_path / "jets.root"))
    tree["dataset"]["folds"] = 2
    study = Study.model_validate(tree)
    simulate_shard(study, 0, tmp_path / "raw" / "shard-0000.h5")
    prepare_shard(study, tmp_path / "raw" / "shard-0000.h5", tmp_path / "dataset")
    write_manifest(study, tmp_path / "dataset")
    expected = np.bincount(read_shard(tmp_path / "raw" / "shard-0000.h5").element_targets["track_origin"].values)
    manifests = [load_manifest(tmp_path / "dataset" / f"manifest-fold-{k}.json") for k in range(2)]
    assert sum(np.array(list(m.element_counts("track_origin", "test").values())) for m in manifests).tolist() == (
        expected.tolist()
    )
    for path in (tmp_path / "dataset").glob("*.h5"):
        samples = read_shard(path)
        entry = (samples.id & np.uint64(2**40 - 1)).astype(int)
        vertex = np.maximum(np.asarray(ak.flatten(jets["vertex"][entry])), -1)
        assert samples.element_targets["track_vertex"].values.tolist() == vertex.tolist()


def test_elements_of_no_class_are_kept_without_one_where_the_study_says_so(jets, tmp_path):
    write_root(tmp_path / "jets.root", jets)
    two = {"element_classes": {"pile_up": "origin == 0", "from_b": "origin == 3"}, "others": "drop"}
    _, samples = simulated(source_of(tmp_path / "jets.root", targets={"track_origin": two}), tmp_path)
    origin = np.asarray(ak.flatten(jets["origin"]))
    expected = np.select([origin == 0, origin == 3], [0, 1], -1)
    assert samples.element_targets["track_origin"].values.tolist() == expected.tolist()


def first_entry(jets, name, where):
    rows = np.flatnonzero(ak.to_numpy(ak.any(where(jets[name]), axis=1)))
    return int(rows[0])


def changed(jets, name, value, entry=17):
    """One element of the first list from `entry` on that has some."""
    lists = ak.to_list(jets[name])
    entry = next(k for k in range(entry, N) if lists[k])
    lists[entry][0] = value
    kind = np.float32 if isinstance(value, float) else np.int64
    return {**jets, name: ak.values_astype(ak.Array(lists), kind)}, entry


BAD = {
    "of no class": ("origin", 9, "1 elements are of none of the classes pile_up, primary, from_b, first one in entry"),
    "NaN vertex": ("vertex", float("nan"), "is NaN for 1 elements, first in entry"),
    "broken vertex": ("vertex", 1.5, "is 1.5 for an element of entry"),
    "large vertex": ("vertex", 2**40, "is 1099511627776 for an element of entry"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_label_is_refused_with_file_and_entry(case, jets, tmp_path):
    name, value, message = BAD[case]
    content, entry = changed(jets, name, value)
    write_root(tmp_path / "jets.root", content)
    with pytest.raises(UserError, match=message) as error:
        simulated(source_of(tmp_path / "jets.root"), tmp_path)
    text = str(error.value)
    assert "jets.root" in text
    assert f"entry {entry}" in text
    assert f"targets.track_{name}" in text
    assert "\n" not in text
    assert not (tmp_path / "raw" / "shard-0000.h5").exists()


def test_a_nan_label_is_of_no_class_and_not_of_the_first(jets, tmp_path):
    """An expression of NaN is not true, so it must not be an answer either: it is refused."""
    content, entry = changed(jets, "origin", float("nan"))
    write_root(tmp_path / "jets.root", content)
    with pytest.raises(UserError, match=f"none of the classes .* entry {entry}"):
        simulated(source_of(tmp_path / "jets.root"), tmp_path)


def test_an_element_of_two_classes_is_refused(jets, tmp_path):
    write_root(tmp_path / "jets.root", jets)
    both = {"element_classes": {"any": "origin >= 0", "from_b": "origin == 3"}}
    entry = first_entry(jets, "origin", lambda origin: origin == 3)
    with pytest.raises(UserError, match=f"an element of entry {entry} is of the classes any and from_b"):
        simulated(source_of(tmp_path / "jets.root", targets={"track_origin": both}), tmp_path)


def test_lists_of_other_lengths_are_refused_also_with_the_same_total(jets, tmp_path):
    lists = ak.to_list(jets["origin"])
    one, other = (k for k in range(N - 1) if len(lists[k]) != len(lists[k + 1])), None
    other = next(one)
    lists[other], lists[other + 1] = lists[other + 1], lists[other]
    write_root(tmp_path / "jets.root", {**jets, "origin": ak.values_astype(ak.Array(lists), np.int32)})
    with pytest.raises(UserError, match="has lists of other lengths than the features"):
        simulated(source_of(tmp_path / "jets.root"), tmp_path)


def test_an_infinite_number_is_no_missing_one(jets, tmp_path):
    decay = jets["decay"].copy()
    decay[3] = np.inf
    write_root(tmp_path / "jets.root", {**jets, "decay": decay})
    with pytest.raises(UserError, match="'decay' is inf in 1 entries, first in entry 3"):
        simulated(source_of(tmp_path / "jets.root"), tmp_path)
    write_root(tmp_path / "jets.root", jets)
    with pytest.raises(UserError, match="'decay' is nan in"):
        simulated(source_of(tmp_path / "jets.root", targets={"decay": {"optional": False}}), tmp_path)


def test_a_network_is_applied_to_files_without_truth(jets, tmp_path):
    from bevatron.simulate.sources.table import TableSource

    write_root(tmp_path / "jets.root", jets)
    new = {name: jets[name] for name in ("jet_pt", "d0")}
    write_root(tmp_path / "new.root", new)
    study = Study.model_validate(tree_of(source_of(tmp_path / "jets.root")))
    source, groups = study.simulation.source, ["jet", "tracks"]
    ((step,),) = (list(rows) for rows in TableSource().read_unlabelled(source, [tmp_path / "new.root"], groups, None))
    assert step.samples.element_targets == {}
    assert len(step.samples) == N


def errors_of(folder, source=None, **model) -> list[str]:
    studies = folder / "studies"
    studies.mkdir(exist_ok=True)
    (folder / "jets.root").touch()
    tree = tree_of(source_of(folder / "jets.root", **(source or {})), **model)
    (studies / "mine.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    (folder / "config.yaml").write_text("studies: [mine]\n")
    return find_validation_errors(folder / "config.yaml", studies)


def test_what_fits_is_valid(tmp_path):
    assert errors_of(tmp_path) == []


def auxiliary(**task):
    return {"auxiliary": {"odd": {"kind": "same_vertex", "target": "track_vertex", **task}}}


@pytest.mark.parametrize(
    ("source", "model", "message"),
    [
        (
            {},
            auxiliary(target="track_vertx"),
            "models.net.auxiliary.odd.target: simulation.source.targets has no 'track_",
        ),
        (
            {},
            auxiliary(target="track_origin"),
            "'track_origin' has element_classes, and 'same_vertex' needs element_index",
        ),
        ({}, auxiliary(kind="regression"), "'track_vertex' has element_index, and 'regression' needs value or values"),
        (
            {},
            {**auxiliary(), "inputs": ["jet"]},
            "auxiliary.odd.target: 'track_vertex' is of the elements of 'tracks', which is none of the model's inputs",
        ),
        (
            {},
            {"auxiliary": {"o": {**TASKS["origin"], "classes": ["from_b", "pile_up", "primary"]}}},
            "auxiliary.o.classes: from_b, pile_up, primary; simulation.source.targets.track_origin numbers them p",
        ),
        (
            {},
            {"architecture": {"kind": "mlp", "widths": [4]}},
            "models.net.auxiliary: 'mlp' encodes no elements that auxiliary tasks could begin from; architectures that",
        ),
        ({}, auxiliary(weight=0), "models.net.auxiliary.odd.weight: must be greater than 0, found 0"),
        ({}, auxiliary(kind="same_vertexes"), "auxiliary.odd: unknown kind 'same_vertexes'"),
        ({}, auxiliary(width=[4]), "auxiliary.odd.width: unknown key (did you mean 'widths'?)"),
        ({}, auxiliary(widths=[]), "auxiliary.odd.widths: must"),
        ({"targets": {"track_origin": {"group": "track"}}}, {}, "targets.track_origin.group: 'track' is no list"),
        ({"targets": {"track_origin": {"group": None}}}, {}, "group: missing; name the list whose elements these are"),
        ({"targets": {"flavour": {"group": "tracks"}}}, {}, "group: of elements alone"),
        ({"targets": {"flavour": {"optional": True}}}, {}, "optional: only numbers may be missing, not classes"),
        ({"targets": {"track_origin": {"element_index": "vertex"}}}, {}, "give one of value, values, classes, files"),
        ({"targets": {"track_origin": {"element_classes": {"a": "x"}}}}, {}, "element_classes: name two classes"),
        ({}, {"target": "track_origin"}, "'track_origin' has element_classes, which only auxiliary tasks learn"),
        ({}, {"target": "decay"}, "'decay' is optional"),
        (
            {},
            {"search": {"space": {"auxiliary.vertx.weight": {"kind": "uniform", "low": 0.1, "high": 2.0}}}},
            "'auxiliary.vertx.weight' is no key of this model",
        ),
    ],
)
def test_what_does_not_fit_is_one_clear_line(source, model, message, tmp_path):
    lines = errors_of(tmp_path, source, **model)
    assert len(lines) == 1, lines
    assert message in lines[0]


def test_weights_of_auxiliary_tasks_can_be_searched(tmp_path):
    space = {"auxiliary.vertex.weight": {"kind": "log_uniform", "low": 0.1, "high": 10.0}}
    assert errors_of(tmp_path, search={"space": space}) == []


def test_the_order_of_element_classes_is_part_of_the_dataset_s_identity(tmp_path):
    from bevatron.config.loading.identity import raw_digest

    payload = Study.model_validate(tree_of(source_of("jets.root"))).model_dump(mode="json")
    study = Study.model_validate(payload)
    target = payload["simulation"]["source"]["targets"]["track_origin"]
    target["element_classes"] = target["element_classes"][::-1]
    payload["models"]["net"]["auxiliary"] = {}
    assert raw_digest(Study.model_validate(payload)) != raw_digest(study)
