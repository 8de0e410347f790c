"""What a file says cannot lead out of its folder: numbers are numbers and names are plain, seal or no seal."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from bevatron.config.loading.digest import digest_of
from bevatron.errors import UserError
from bevatron.prepare.stage import prepare_shard
from bevatron.report.provenance.trace import read_trace
from bevatron.report.results.study_results import read_study
from bevatron.search.trial_log import TrialLog
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.plain_names import inside
from bevatron.store.files.publish import publish_json, sha256_of
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.checkpoint import checksum_path, find_newest_valid

ESCAPES = [
    "../../../evil",
    "/tmp/evil",
    "seed-0/../../evil",
    "..",
    ".",
    "",
    ".hidden",
    "a/b",
    "a\x00b",
    "a\nb",
    "é" * 300,
]


def files_below(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def hostile(trained: Path, seal: bool, **changes: object) -> None:
    """runs.json with these values in its first run, as somebody who knows the seal would write it."""
    path = trained / "runs.json"
    tree = json.loads(path.read_text())
    tree["runs"][0] |= changes
    del tree["sha256"]
    path.write_text(json.dumps(with_checksum(tree) if seal else tree))


def export(curve) -> tuple[str, ...]:
    return ("export", "curve", "net", "--manifest", str(curve.manifest), "--runs", "out/net/runs.json",
            "--output", "deep/in/export")  # fmt: skip


def evaluate(curve) -> tuple[str, ...]:
    return ("evaluate", "curve", "net", "--manifest", str(curve.manifest), "--runs", "out/net/runs.json",
            "--output", "evaluation")  # fmt: skip


@pytest.mark.parametrize("seal", [True, False], ids=["sealed", "without a seal"])
def test_a_seed_that_is_a_path_writes_nothing_anywhere(curve, trained, place, bevatron, refused, seal):
    hostile(trained, seal, seed="0/../../../x")
    before = files_below(place)
    for command in (export(curve), evaluate(curve)):
        refused(bevatron(*command), "runs.json", "runs.0.seed")
    assert files_below(place) == before


@pytest.mark.parametrize("seed", [True, 0.0, "0", -1, 2**32, None, [0], 10**30])
def test_a_seed_is_an_integer(curve, trained, bevatron, refused, seed):
    hostile(trained, True, seed=seed)
    refused(bevatron(*evaluate(curve)), "runs.json", "runs.0.seed")


@pytest.mark.parametrize("folder", [*ESCAPES, 3, None])
def test_a_run_s_folder_is_a_plain_name(curve, trained, place, bevatron, refused, folder):
    """The files are where the name leads, so that nothing but the name is wrong."""
    if isinstance(folder, str) and folder.startswith(("..", "a/b", "seed")) and folder != "..":
        shutil.copytree(trained / "seed-0", trained / folder, dirs_exist_ok=True)
    hostile(trained, True, folder=folder)
    refused(bevatron(*evaluate(curve)), "runs.json", "runs.0.folder")


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", ".", "a/b"])
def test_files_of_a_run_are_plain_names_with_digests(curve, trained, bevatron, refused, name):
    files = json.loads((trained / "runs.json").read_text())["runs"][0]["files"]
    hostile(trained, True, files=files | {name: "0" * 64})
    refused(bevatron(*evaluate(curve)), "runs.json", "runs.0.files")
    hostile(trained, True, files=files | {"weights.safetensors": "../x"})
    refused(bevatron(*evaluate(curve)), "runs.json", "runs.0.files.weights.safetensors")


def test_two_runs_cannot_write_one_file(curve, trained, bevatron, refused):
    path = trained / "runs.json"
    tree = json.loads(path.read_text())
    tree["runs"].append(tree["runs"][0])
    path.write_text(json.dumps(with_checksum(tree)))
    refused(bevatron(*export(curve)), "runs.json", "two have the same seed")


@pytest.mark.parametrize("file", ["../train-0000.h5", "/dev/zero", "", ".train-0000.h5", "x/y.h5"])
def test_a_manifest_s_entries_lie_beside_it(curve, tmp_path, file):
    tree = load_manifest(curve.manifest).model_dump(mode="json")
    tree["splits"]["train"][0]["file"] = file
    left_out = {"sha256", "files"} if not tree["files"] else {"sha256"}
    tree["sha256"] = digest_of("manifest", {key: value for key, value in tree.items() if key not in left_out})
    publish_json(tmp_path / "manifest.json", tree)
    with pytest.raises(UserError, match=r"manifest\.json: splits\.train\.0\.file"):
        load_manifest(tmp_path / "manifest.json")


@pytest.mark.parametrize("number", ["0/../../../x", -1, 0.5, [1, 2], 10**12, True], ids=repr)
def test_a_raw_shard_s_number_is_a_number(curve, tmp_path, number):
    raw = tmp_path / "in" / "shard-0000.h5"
    raw.parent.mkdir()
    shutil.copy(curve.raw, raw)
    with h5py.File(raw, "r+") as file:
        del file.attrs["shard"]
        file.attrs["shard"] = np.bytes_(number) if isinstance(number, str) else np.asarray(number)
    with pytest.raises(UserError, match="shard"):
        prepare_shard(curve.study, raw, tmp_path / "out" / "dataset")
    assert not list(tmp_path.rglob("train-*"))


def test_a_raw_shard_that_says_less_than_it_must_is_refused(curve, tmp_path):
    for name in ("shard", "source", "versions"):
        raw = tmp_path / f"{name}.h5"
        shutil.copy(curve.raw, raw)
        with h5py.File(raw, "r+") as file:
            del file.attrs[name]
        with pytest.raises(UserError, match=f"has no attribute '{name}'"):
            prepare_shard(curve.study, raw, tmp_path / "dataset")


@pytest.mark.parametrize("name", ["../../secret", "/etc/hostname", "weights.safetensors", "best-000001.safetensors/.."])
def test_a_checkpoint_speaks_of_weights_beside_it_alone(tmp_path, name):
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    path = folder / "chunk-000000001.ckpt"
    path.write_bytes(b"checkpoint")
    (tmp_path / "secret").write_bytes(b"s")
    (folder / "best-000001.safetensors").write_bytes(b"b")
    (folder / "weights.safetensors").write_bytes(b"b")
    checksum_path(path).write_text(
        f"{sha256_of(path)}\n{sha256_of(folder / 'best-000001.safetensors')}  best-000001.safetensors\n"
    )
    assert find_newest_valid(folder) == path
    target = folder / name
    digest = sha256_of(target) if target.is_file() else "0" * 64
    checksum_path(path).write_text(f"{sha256_of(path)}\n{digest}  {name}\n")
    assert find_newest_valid(folder) is None


@pytest.mark.parametrize(
    "change", [{"trial": "../x"}, {"trial": True}, {"trial": 0}, {"trial": 1.0}, {"sampled": "x"}, {"event": "../x"}]
)
def test_a_journal_s_trials_are_numbers(tmp_path, change):
    path = tmp_path / "trial_log.jsonl"
    line = {"event": "start", "trial": 1, "sampled": {}}
    path.write_text(json.dumps(line) + "\n")
    TrialLog(path).__exit__()
    path.write_text(json.dumps(line | change) + "\n")
    with pytest.raises(UserError, match=r"trial_log\.jsonl:1: is no line"):
        TrialLog(path)


@pytest.mark.parametrize("line", ["[]", "3", '"x"', "{}", "[" * 100_000, "9" * 5000])
def test_a_journal_s_lines_of_another_kind_are_one_line(tmp_path, line):
    (tmp_path / "trial_log.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match=r"trial_log\.jsonl:1: is no line"):
        TrialLog(tmp_path / "trial_log.jsonl")


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("results", {"../../secret": "0" * 64}),
        ("report", {"/etc/hostname": "0" * 64}),
        ("results", {"a/../../b": "0" * 64}),
        ("report", {"index.html": "x"}),
        ("studies", {"../x": {}}),
    ],
)
def test_a_provenance_names_files_of_its_own_folders(tmp_path, part, change):
    tree = {"schema_version": 1, "studies": {"curve": {}}, "files": {"report": {"index.html": "0" * 64}, "results": {}}}
    publish_json(tmp_path / "provenance.json", tree | {"sha256": digest_of("provenance", tree)})
    read_trace(tmp_path)
    (tree["studies"] if part == "studies" else tree["files"][part]).update(change)
    publish_json(tmp_path / "provenance.json", tree | {"sha256": digest_of("provenance", tree)})
    with pytest.raises(UserError, match=r"provenance\.json: is no provenance of a report: (files|studies)"):
        read_trace(tmp_path)


@pytest.mark.parametrize("change", [{"folder": "../../x"}, {"seed": "0/../x"}, {"history_sha256": "x"}])
def test_the_report_reads_histories_of_the_model_s_own_runs(curve, trained, place, bevatron, change):
    results = place / "results"
    model = results / "curve" / "models" / "net"
    shutil.copytree(trained, model)
    shutil.copytree(curve.manifest.parent, results / "curve" / "dataset")
    evaluation = results / "curve" / "evaluation"
    manifest = str(results / "curve" / "dataset" / "manifest.json")
    for command in (
        ("evaluate", "curve", "net", "--manifest", manifest, "--runs", str(model / "runs.json"), "--output",
         str(evaluation / "net")),
        ("observables", "curve", "--manifest", manifest, "--output", str(evaluation / "data.json")),
    ):  # fmt: skip
        code, said = bevatron(*command)
        assert code == 0, said
    read_study(curve.study, results)
    path = evaluation / "net" / "metrics.json"
    tree = json.loads(path.read_text())
    tree["runs"][0] |= change
    path.write_text(json.dumps(with_checksum(tree)))
    with pytest.raises(UserError, match=r"metrics\.json: holds no metrics: runs\.0\."):
        read_study(curve.study, results)


@pytest.mark.parametrize("name", [*ESCAPES[:5], "plots/../../x", "plots//x", "plots/", "/plots/x"])
def test_a_report_s_file_lies_in_its_folder(tmp_path, name):
    assert inside(tmp_path, "plots/curve-net-search.png") == tmp_path / "plots" / "curve-net-search.png"
    with pytest.raises(UserError):
        inside(tmp_path, name)
