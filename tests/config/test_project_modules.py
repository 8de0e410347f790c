"""Modules of a project's own: they are found by name, their code is part of what identifies results, and what is wrong
with them is one line.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from project_files import LINEAR, RING, make_project

from bevatron.config.loading import project_modules
from bevatron.config.loading.code_text import code_without_comments, imported_modules
from bevatron.config.loading.identity import dataset_digest, raw_digest, run_digest
from bevatron.config.loading.kinds import ARCHITECTURES, CLAIM_TESTS, RECIPES, SOURCES
from bevatron.config.loading.load import find_validation_errors, load_study, load_workflow
from bevatron.config.loading.rule_facts import load_facts
from bevatron.errors import UserError
from bevatron.models.layers.inputs import InputGroup
from bevatron.training.job import FitJob


@pytest.fixture
def project(tmp_path):
    yield make_project(tmp_path / "project")
    project_modules.use_modules(None)


def load(project):
    """The study, by a process that has not seen the project before."""
    project_modules.use_modules(None)
    load_workflow(project / "config" / "config.yaml")
    return load_study("rings", "demo", project / "config" / "studies")


def digests(project):
    study = load(project)
    runs = {name: run_digest(study, model, "", 0, "") for name, model in study.models.items()}
    return {"raw": raw_digest(study), "dataset": dataset_digest(study), **runs}


def facts(project, kept):
    project_modules.use_modules(None)
    load_workflow(project / "config" / "config.yaml")
    return load_facts(["rings"], "demo", project / "config" / "studies", kept)["rings"]


def errors(project):
    project_modules.use_modules(None)
    return find_validation_errors(project / "config" / "config.yaml", project / "config" / "studies")


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_all_kinds_of_components_are_found(project):
    assert errors(project) == []
    study = load(project)
    assert study.models["own"].architecture.scale == 1.0
    for registry, name in ((SOURCES, "ring"), (RECIPES, "ring"), (ARCHITECTURES, "linear")):
        assert name in registry.names()
        assert "table" not in registry or registry["table"].__module__.startswith("bevatron.")
    assert "better_than_nothing" in CLAIM_TESTS


def test_the_example_of_the_docs_is_an_architecture(project):
    text = (Path(__file__).parents[2] / "docs" / "how-to" / "project.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (project / "modules" / "linear.py").write_text(example)
    options = load(project).models["own"].architecture
    network = ARCHITECTURES["linear"](options, {"point": InputGroup((2,), ("x", "y"))}, 3)
    assert network({"point": torch.zeros(5, 2)}).shape == (5, 3)


def test_another_project_has_other_modules(project, tmp_path):
    other = make_project(tmp_path / "other")
    replace(other / "modules" / "linear.py", "scale: float = 1.0", "scale: float = 2.0")
    for _ in range(2):
        assert load(project).models["own"].architecture.scale == 1.0
        assert load(other).models["own"].architecture.scale == 2.0
    replace(other / "config" / "config.yaml", "modules: modules\n", "")
    load_workflow(other / "config" / "config.yaml")
    assert "linear" not in ARCHITECTURES
    assert "mlp" in ARCHITECTURES


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("linear", "self.scale * ", "", {"own"}),
        ("layers", "nn.Linear(n, m)", "nn.Linear(n, m, bias=False)", {"own"}),
        ("ring", "< 1.2", "< 1.3", {"raw", "dataset"}),  # and by the manifest all runs
        ("better_than_nothing", "-0.2", "-0.3", set()),
        ("linear", "class Linear", "# a comment\n\nclass Linear", set()),
        ("layers", "nn.Linear(n, m)", "nn.Linear(n, m)  # another", set()),
    ],
)
def test_digests_hold_the_code_that_makes_what_they_identify(project, tmp_path, file, old, new, changed):
    before, known = digests(project), facts(project, tmp_path / "facts.json")
    replace(project / "modules" / f"{file}.py", old, new)
    after = digests(project)
    assert {name for name in before if before[name] != after[name]} == changed
    again = facts(project, tmp_path / "facts.json")
    assert again == facts(project, tmp_path / "none.json"), "the facts that were kept are those of other code"
    assert (again.models["own"].settings != known.models["own"].settings) == ("own" in changed)
    assert again.models["mlp"] == known.models["mlp"]
    assert (again.raw != known.raw) == ("raw" in changed)
    assert (again.whole != known.whole) == (file == "better_than_nothing")


def test_the_same_modules_elsewhere_have_the_same_digests(project, tmp_path):
    assert digests(project) == digests(make_project(tmp_path / "elsewhere"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("odd", "def f(:\n", "odd.py:1: is not Python"),
        ("odd", b"\xff\xfe", "odd.py:1: is not Python"),
        ("odd", "import nothing_of_this_name\n", "odd.py:1: cannot be imported: ModuleNotFoundError: No module named"),
        ("odd", "import sys\nsys.exit('bye')\n", "odd.py:2: cannot be imported: SystemExit: bye"),
        ("layers", "x = 1 / 0\n", "layers.py:1: cannot be imported: ZeroDivisionError"),
        ("mlp", LINEAR.replace('"linear"', '"mlp"'), "Bevatron has the architecture 'mlp' already"),
        ("odd", LINEAR, "architecture 'linear' (bevatron_project.odd.Linear): is in the module odd.py"),
        ("odd", RING.replace('"ring"', '"odd"').replace("VERSION = 1", ""), "has no VERSION"),
    ],
)
def test_what_is_wrong_with_a_module_is_one_line(project, name, text, message):
    (project / "modules" / f"{name}.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    found = errors(project)
    assert any(message in line for line in found), found
    assert all("\n" not in line for line in found)


def test_a_module_that_is_not_needed_need_not_work(project):
    """Only `bevatron validate` imports all."""
    (project / "modules" / "unfinished.py").write_text("def f(:\n")
    assert load(project).models["own"].architecture.kind == "linear"


def test_a_name_with_an_underscore_and_a_folder_are_no_components(project):
    (project / "modules" / "_notes.py").write_text("def f(:\n")
    (project / "modules" / "folder.py").mkdir()
    assert errors(project) == []


def test_a_missing_folder_is_named(project):
    (project / "modules").rename(project / "elsewhere")
    assert f"modules: there is no folder {project / 'modules'}" in errors(project)[0]


def job_of(study, project):
    workflow = load_workflow(project / "config" / "config.yaml")
    return FitJob(study, study.models["own"], project / "manifest.json", 0, project / "run", workflow.data_loading)


def test_another_process_gets_the_same_modules(project):
    """As Ray's workers and trials do: from plain values, in a process that knows of no project."""
    payload = job_of(load(project), project).as_payload()
    code = (
        "import json, sys; from bevatron.training.job import FitJob\n"
        "print(FitJob.from_payload(json.load(sys.stdin)).model.architecture.scale)"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(
        command, input=json.dumps(payload), capture_output=True, text=True, timeout=100, check=False, cwd="/"
    )
    assert result.stdout == "1.0\n", result.stderr


def test_a_module_that_changes_while_a_job_runs_is_refused(project):
    payload = job_of(load(project), project).as_payload()
    assert FitJob.from_payload(payload).seed == 0
    replace(project / "modules" / "layers.py", "nn.Linear(n, m)", "nn.Linear(n, m, bias=False)")
    assert FitJob.from_payload(payload).seed == 0, "this process has imported the module before"
    project_modules.use_modules(None)
    with pytest.raises(UserError, match=r"project's module layers has changed since this job started"):
        FitJob.from_payload(payload)


def test_weights_are_not_used_with_other_code(project, tmp_path):
    load(project)
    recorded = project_modules.code_digests(ARCHITECTURES["linear"], ARCHITECTURES["mlp"])
    assert sorted(recorded) == ["layers", "linear"]
    project_modules.check_code(tmp_path, recorded, ARCHITECTURES["linear"])
    replace(project / "modules" / "layers.py", "nn.Linear(n, m)", "nn.Linear(n, m, bias=False)")
    load(project)
    with pytest.raises(UserError, match=r"layers\.py of the project's modules differs; train it again"):
        project_modules.check_code(tmp_path, recorded, ARCHITECTURES["linear"])


def test_code_without_comments_means_the_same():
    source = '# first\nx = """a\n\n# text\n"""  # why\n\n\ndef f():  # f\n    # inside\n    return "#"\n'
    assert code_without_comments(source.encode()) == 'x = """a\n\n# text\n"""\ndef f():\n    return "#"'
    assert code_without_comments(b"# coding: latin-1\nx = '\xe4'\n") == "x = 'ä'"


def test_imports_are_found_wherever_they_are():
    code = "import a.b as c\nfrom . import d\ndef f():\n    from ..e import g\n    from .h.i import *\n"
    found = imported_modules(code, "p.q.r")
    assert {"a", "a.b", "p.q.d", "p.e", "p.e.g", "p.q.h.i", "p.q.h"} <= found
    assert "p.q.r.s" in imported_modules("from . import s", "p.q.r", is_package=True)
    assert imported_modules("from .... import x", "p.q") == set()
