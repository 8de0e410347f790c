"""Which files a shard reads, and that a file whose content changes makes another dataset, or none."""

import json
import sys

import pytest

from bevatron.config.loading.identity import external_files
from bevatron.config.loading.kinds import SOURCES
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.simulate.external.external_files import FileOptions
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.stage import simulate_shard
from bevatron.store.files.publish import sha256_of
from bevatron.store.shards.manifest import load_manifest

TRACK = [[0.1, 0.2, 0.5, 1.2, 0.1], [0.01, 0, 0.01, 0, 0, 1e-4, 0, 0, 0, 1e-4, 0, 0, 0, 0, 1e-6], [1], [0] * 7]


def write(path, first, pt=30.0):
    """120 jets of all flavours."""
    jets = [[pt + k, 0.5, (0, 4, 5)[k % 3], [1.0] * 8, [1.0] * 6, [TRACK]] for k in range(first, first + 120)]
    path.write_text("".join(json.dumps(jet) + "\n" for jet in jets))


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "one.json", 0)
    write(tmp_path / "two.json", 120)
    tree = {
        "name": "published",
        "title": "Published",
        "summary": "Lines.",
        "simulation": {"source": {"kind": "jet_flavour_jsonl", "files": ["*.json"], "per_shard": 80}, "shards": 3},
        "dataset": {"recipe": {"kind": "jet_flavour"}},
        "task": {"kind": "classification", "target": "flavour", "classes": ["light", "charm", "beauty"],
                 "signal": "beauty"},
        "models": {"net": {"title": "net", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": []}}},
    }  # fmt: skip
    return Study.model_validate(tree)


def make(study, shards=(0, 1, 2)):
    for shard in shards:
        simulate_shard(study, shard, f"raw/shard-{shard:04d}.h5")
        prepare_shard(study, f"raw/shard-{shard:04d}.h5", "dataset")


def test_the_manifest_names_the_files_and_another_content_is_another_dataset(study, tmp_path):
    make(study)
    write_manifest(study, tmp_path / "dataset")
    first = load_manifest(tmp_path / "dataset" / "manifest.json")
    assert first.files == {f"{name}.json": sha256_of(tmp_path / f"{name}.json") for name in ("one", "two")}
    assert sum(first.n_samples(split) for split in first.splits) == 240
    (tmp_path / "two.json").write_text((tmp_path / "two.json").read_text() + "\n")  # the jets are the same
    make(study)
    write_manifest(study, tmp_path / "dataset")
    second = load_manifest(tmp_path / "dataset" / "manifest.json")
    assert second.files["one.json"] == first.files["one.json"]
    assert second.files["two.json"] != first.files["two.json"]
    assert second.sha256 != first.sha256


def test_shards_of_two_contents_of_one_file_make_no_dataset(study, tmp_path):
    make(study)
    write(tmp_path / "two.json", 120, pt=40.0)
    make(study, shards=[2])
    with pytest.raises(UserError, match=r"shard?.*-0002.h5: was read from another content of '(one|two).json'"):
        write_manifest(study, tmp_path / "dataset")


def test_shards_of_two_divisions_make_no_dataset(study, tmp_path):
    make(study)
    write(tmp_path / "a_new_one.json", 300)
    make(study, shards=[2])
    with pytest.raises(UserError, match=r"-0002.h5: was read from other files than the shards before it"):
        write_manifest(study, tmp_path / "dataset")


def test_the_workflow_is_told_which_files_a_shard_reads(study, curve):
    assert external_files(study.simulation) == [["one.json", "two.json"]] * 3
    assert external_files(curve.study.simulation) == [[]]


def test_a_name_that_snakemake_takes_for_a_wildcard_is_told(study, tmp_path):
    (tmp_path / "a{x}.json").write_bytes((tmp_path / "one.json").read_bytes() + b"\n")
    with pytest.raises(UserError, match=r"'a\{x\}.json' has a word in braces, which Snakemake takes for a wildcard"):
        external_files(study.simulation)


def test_without_per_shard_each_shard_reads_its_own_file(study, tmp_path):
    options = FileOptions(kind="any", files=["two.json", "*e.json"])
    assert [str(path) for path in options.resolve_files()] == ["two.json", "one.json"]  # in the order of the patterns
    assert [[str(path) for path in files] for files in options.files_by_shard(2)] == [["two.json"], ["one.json"]]
    with pytest.raises(
        UserError, match=r"2 files, one a shard, and none for shard 2; set simulation.shards to at most"
    ):
        options.files_by_shard(3)


@pytest.mark.parametrize(("kind", "package"), [("hepmc", "pyhepmc"), ("nanoaod", "uproot")])
def test_without_its_reader_one_line_says_what_to_install(kind, package, tmp_path, monkeypatch):
    head = b"HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\nE 0 0 0\nHepMC::Asciiv3-END_EVENT_LISTING\n"
    (tmp_path / "file").write_bytes(head)
    monkeypatch.setitem(sys.modules, package, None)
    source = SOURCES[kind]
    options = source.Options(kind=kind, files=[str(tmp_path / "file")])
    with pytest.raises(UserError, match=rf"{package}: is not installed.*pip install 'bevatron\[formats\]'"):
        source().simulate(options, 0, ShardSeed.of("1", 0))


def test_the_number_of_shards_is_that_of_the_files_or_has_to_be_given(study):
    tree = study.model_dump(mode="json")
    del tree["simulation"]["shards"]
    with pytest.raises(UserError, match=r"simulation\.shards: how many shards .* with per_shard .*; set it"):
        _ = Study.model_validate(tree).simulation.shards
    del tree["simulation"]["source"]["per_shard"]
    assert Study.model_validate(tree).simulation.shards == 2
