"""Nothing that a user names reaches a shell unquoted: not in the rules, not by the names of studies and models."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from bevatron.config.sections.section import Name
from bevatron.config.sections.study import Study

ROOT = Path(__file__).parents[2]
RULES = [*sorted((ROOT / "workflow").rglob("*.smk")), ROOT / "Snakefile", ROOT / "workflow" / "Snakefile"]
PLAIN = {"threads", "resources.machine"}  # whole numbers, and options made of whole numbers alone: see below
NASTY = "a b'c;$(touch owned)"


def shell_blocks(text: str) -> list[str]:
    """The string literals that follow each `shell:`, joined."""
    blocks = re.findall(r"^ +shell:\s*((?:[fr]*(?:\"\"\"[\s\S]*?\"\"\"|\"[^\"\n]*\"|'[^'\n]*')\s*)+)", text, re.M)
    assert len(blocks) == len(re.findall(r"^ +shell:", text, re.M)), "a shell block that this test cannot read"
    return blocks


def unquoted(text: str) -> list[str]:
    """Interpolations in the text's shell blocks that are neither quoted nor known to be plain."""
    found = [field for block in shell_blocks(text) for field in re.findall(r"(?<!\{)\{([^{}]+)\}", block)]
    return [field for field in found if not field.endswith(":q") and field not in PLAIN]


def test_rules_quote_all_that_they_hand_to_the_shell():
    assert sum(len(shell_blocks(path.read_text())) for path in RULES) >= 8
    for path in RULES:
        text = path.read_text()
        assert unquoted(text) == [], path
        assert not re.search(r"\bshell\(", text), f"{path}: a shell call outside of a rule"
        assert not re.search(r"^ +run:", text, re.M), f"{path}: a rule that runs Python of its own"


@pytest.mark.parametrize("field", ["{input}", "{wildcards.study}", "{params.options}", "{log}", "{config[scale]}"])
def test_an_unquoted_interpolation_is_found(field):
    rule = (
        f'rule planted:\n    shell:\n        "bevatron simulate {{output:q}}"\n        " --study {field} > {{log:q}}"\n'
    )
    assert unquoted(rule) == [field[1:-1]]


def test_what_stands_unquoted_is_options_and_whole_numbers():
    from bevatron.compute.slurm.job_resources import RuleResources
    from bevatron.config.loading.load_resources import load_resources
    from bevatron.config.sections.site import Site

    table = RuleResources(load_resources(ROOT / "config" / "resources.yaml", None), Site())
    for rule in ("search", "train"):
        words = table.resources(rule, "jets", "feedforward", 1, 2)["machine"]
        assert re.fullmatch(r"(--[a-z]+[ =]\d+ ?)+", words), words


@pytest.mark.parametrize("name", ["a b", "a'b", 'a"b', "a;b", "$(id)", "`id`", "../up", "a/b", "-rf", "é", "", "a\nb"])
def test_names_are_letters_digits_and_underscores(name, curve):
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(name)
    tree = curve.study.model_dump(mode="json")
    for changed in ({"name": name}, {"models": {name: tree["models"]["net"]}}):
        with pytest.raises(ValidationError):
            Study.model_validate(tree | changed)


@pytest.mark.slow
def test_a_folder_whose_name_is_a_command_is_just_a_folder(curve, tmp_path):
    """From raw events to observables, in a folder whose path holds spaces, a quote and a command."""
    place = tmp_path / NASTY
    place.mkdir()
    for part in ("Snakefile", "workflow"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place / part)
    (place / "config" / "studies").mkdir(parents=True)
    if (ROOT / "config" / "resources.yaml").exists():
        shutil.copy(ROOT / "config" / "resources.yaml", place / "config")
    (place / "config" / "config.yaml").write_text("studies: [curve]\naccelerator: cpu\n")
    tree = curve.study.model_dump(mode="json")
    (place / "config" / "studies" / "curve.yaml").write_text(yaml.safe_dump(tree))
    target = "results/curve/evaluation/data.json"
    command = [sys.executable, "-m", "snakemake", "--cores", "2", target]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (place / target).is_file()
    assert not list(tmp_path.rglob("owned"))
    command += ["--config", "studies=['x;touch owned;$(touch owned)']"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "studies" in done.stdout + done.stderr
    assert not list(tmp_path.rglob("owned"))
