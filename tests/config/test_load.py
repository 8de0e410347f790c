"""A wrong configuration is told in one line for each mistake: file, key path, what is allowed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bevatron.config.loading.load import apply_scale, check_overrides, find_validation_errors, load_study, load_workflow
from bevatron.config.loading.merge import merge
from bevatron.errors import ConfigurationError, UserError

STUDIES = Path(__file__).parents[2] / "config" / "studies"


@pytest.fixture
def workspace(tmp_path):
    """A configuration folder with one valid study, and a function that changes one key of it."""
    (tmp_path / "studies").mkdir()
    (tmp_path / "config.yaml").write_text("scale: demo\nstudies: [function]\n")
    tree = yaml.safe_load((STUDIES / "function.yaml").read_text())
    tree = json.loads(json.dumps(tree))  # YAML's anchors give one object several places
    tree["scales"] = {"demo": {}, "paper": {}}  # which would hide a mistake, or tell it twice

    def change(path: str = "", value=None, remove: bool = False) -> list[str]:
        *steps, leaf = path.split(".") if path else [""]
        branch = tree
        for step in steps:
            branch = branch[int(step) if step.isdigit() else step]
        if remove:
            del branch[leaf]
        elif path:
            branch[leaf] = value
        (tmp_path / "studies" / "function.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
        return find_validation_errors(tmp_path / "config.yaml", tmp_path / "studies")

    change.folder = tmp_path
    return change


def test_a_study_imports_the_parts_that_it_names_alone():
    code = (
        "import sys; from pathlib import Path; from bevatron.config.loading.load import load_study;"
        f"load_study('function', 'demo', Path({str(STUDIES)!r}));"
        "print(*(name for name in sys.modules if name.startswith('bevatron.')))"
    )
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    for package, of_others in {
        "simulate.sources": {"pythia", "lartpc", "sky"},
        "prepare.recipes": {"jets", "lartpc", "sky"},
        "models": {"faster_rcnn", "gan", "alexnet"},
    }.items():
        found = {name.removeprefix(f"bevatron.{package}.") for name in imported if f".{package}." in name}
        assert found, package
        assert not found & of_others, package


def test_the_shipped_studies_are_valid_at_every_scale():
    assert find_validation_errors(STUDIES.parent / "config.yaml", STUDIES) == []


@pytest.mark.parametrize(
    ("path", "value", "place", "wanted"),
    [
        ("n_seedz", 3, "n_seedz", ["unknown key", "did you mean 'n_seeds'", "allowed: "]),
        ("n_seeds", 0, "n_seeds", ["greater than or equal to 1", "found 0"]),
        ("models.ann_1000.training.epoch", 5, "ann_1000.training.epoch", ["did you mean 'epochs'", "batch_size"]),
        ("models.ann_1000.training.optimiser", "lion", "training.optimiser", ["'adam'", "'adamw'", "'sgd'", "'lion'"]),
        ("models.ann_1000.architecture.kind", "cnn", "models.ann_1000.architecture", ["unknown architecture", "mlp"]),
        ("models.ann_1000.architecture.width", [5], "architecture.width", ["unknown key", "widths"]),
        ("models.ann_1000.architecture.initialisation.std", -1, "initialisation.std", ["greater than 0", "found -1"]),
        ("models.ann_1000.architecture.kind", ["mlp"], "ann_1000.architecture", ["unknown architecture ['mlp']"]),
        ("simulation.source.kind", "lhc", "simulation.source", ["unknown source", "function", "jets"]),
        ("simulation.source.low", 20, "simulation.source", ["low must be below high"]),
        ("task.kind", "ranking", "task", ["regression", "classification"]),
        ("models.ann_1000.search",
         {"trials": 2, "epochs": 1000, "space": {"training.rate": {"kind": "uniform", "low": 0, "high": 1}}},
         "models.ann_1000", ["'training.rate' is no key", "learning_rate"]),
        ("models.ann_1000.search",
         {"trials": 2, "epochs": 1000, "space": {"training.learning_rate": {"kind": "uniform", "low": -1, "high": 1}}},
         "models.ann_1000", ["training.learning_rate", "greater than 0"]),
        ("claims.0.test.metric.model", "ann_999", "claims", ["ann_999", "ann_1000"]),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line_with_file_key_and_allowed_values(workspace, path, value, place, wanted):
    lines = workspace(path, value)
    assert len(lines) == 1, lines
    assert lines[0].startswith(str(workspace.folder / "studies" / "function.yaml"))
    assert place in lines[0]
    for words in wanted:
        assert words in lines[0]
    assert "\n" not in lines[0]


def test_a_missing_key_is_told_with_its_meaning(workspace):
    (line,) = workspace("models.ann_1000.inputs", remove=True)
    assert "models.ann_1000.inputs: this key is missing: input groups" in line


def test_several_mistakes_are_several_lines(workspace):
    workspace("n_seeds", 0)
    lines = workspace("models.ann_1000.training.optimiser", "lion")
    assert len(lines) == 2


def test_a_mistake_in_one_scale_alone_is_found(workspace):
    (line,) = workspace("scales", {"paper": {"n_seeds": -1}})
    assert "n_seeds" in line


def test_text_that_is_no_yaml_is_placed(workspace):
    workspace()
    (workspace.folder / "studies" / "function.yaml").write_text("name: function\n  title: [\n")
    (line,) = find_validation_errors(workspace.folder / "config.yaml", workspace.folder / "studies")
    assert "function.yaml:2" in line
    assert "is not YAML" in line


def test_a_study_that_is_listed_but_absent_is_told(workspace):
    workspace()
    (workspace.folder / "config.yaml").write_text("studies: [function, quarks]\n")
    (line,) = find_validation_errors(workspace.folder / "config.yaml", workspace.folder / "studies")
    assert "quarks" in line
    assert "studies found" in line


def test_the_file_name_is_the_study_name(tmp_path):
    (tmp_path / "other.yaml").write_text((STUDIES / "function.yaml").read_text())
    with pytest.raises(ConfigurationError, match="must be the file's own name 'other'"):
        load_study("other", "demo", tmp_path)


def test_overlays_merge_mappings_and_replace_the_rest():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 4}
    assert merge(base, {"a": {"c": [3]}, "e": 5}) == {"a": {"b": 1, "c": [3]}, "d": 4, "e": 5}
    assert merge({"kind": "x", "of_x": 1}, {"kind": "y", "of_y": 2}) == {"kind": "y", "of_y": 2}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 4}


def test_scales_are_laid_over_the_study():
    tree = {"n_seeds": 3, "scales": {"paper": {"n_seeds": 10}}}
    assert apply_scale(tree, "demo", Path("s.yaml")) == {"n_seeds": 3}
    assert apply_scale(tree, "paper", Path("s.yaml")) == {"n_seeds": 10}


def test_yaml_cannot_build_objects(tmp_path):
    (tmp_path / "config.yaml").write_text("studies: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(UserError, match="is not YAML"):
        load_workflow(tmp_path / "config.yaml")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"study": ["jets"]}, "found study; did you mean 'studies'? write"),
        ({"scales": "paper"}, "found scales; did you mean 'scale'? write"),
        (
            {"runs_dir": "mine", "accelerator": "cuda", "zorp": 1},
            "found accelerator, runs_dir, zorp; write other keys in",
        ),
        ({"ray": {"address": "1.2.3.4:5"}}, "found ray; write"),
        ({"scale": "paper", "studies": ["jets"]}, None),
        ({"runs_dir": "runs", "scale": "demo"}, None),  # as the file says it
    ],
)
def test_overrides_that_no_job_would_read_are_refused(changes, words, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("studies: [curve]\nruns_dir: runs\n")
    config = yaml.safe_load(path.read_text()) | changes
    if words is None:
        check_overrides(config, path)
        return
    with pytest.raises(UserError, match="only scale and studies can be given there") as caught:
        check_overrides(config, path)
    assert words in str(caught.value)
