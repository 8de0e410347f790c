"""The installed wheel, without the clone: a project of the user's own, and the tutorial from files to scores."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import uproot
import yaml
from project_files import STUDY, make_project

REPOSITORY = Path(__file__).parents[2]
TUTORIAL = (REPOSITORY / "docs" / "tutorial" / "analysis.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.slow


class Installed:
    """An environment with the wheel, which takes the other packages from this one."""

    def __init__(self, folder: Path):
        self.environment = folder / "environment"
        self.python = self.environment / "bin" / "python"
        self._surroundings = {**os.environ, "PATH": f"{self.environment / 'bin'}:{os.environ['PATH']}"}
        self._surroundings.pop("PYTHONPATH", None)

    @property
    def packages(self) -> Path:
        """Where pip puts packages."""
        return next((self.environment / "lib").glob("python*/site-packages"))

    def run(self, *command: str | Path, cwd: Path, timeout: float = 280) -> str:
        """What a command that succeeds prints."""
        result = subprocess.run(
            command, cwd=cwd, env=self._surroundings, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    built = folder / "wheels"
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", built, copied(folder)], check=True, timeout=200)
    it = Installed(folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", it.environment], check=True, timeout=100)
    command = [sys.executable, "-m", "pip", "--python", it.python, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, *built.glob("bevatron-*.whl")], check=True, timeout=100)
    (it.packages / "others.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
    return it


def test_a_project_runs_with_the_wheel_and_no_clone(installed, tmp_path):
    # Not this clone's: else the wheel would not be what is tested.
    where = installed.run(
        installed.python,
        "-c",
        "import bevatron, bevatron.shipped_files as s; print(bevatron.__file__, s.shipped('workflow'))",
        cwd=tmp_path,
    )
    assert str(REPOSITORY) not in where
    assert where.count(str(installed.packages)) == 2
    shipped_files = installed.packages / "bevatron" / "shipped"
    assert not (shipped_files / "profiles" / "site" / "site.yaml").exists(), "of this machine alone"
    recipe = yaml.safe_load((shipped_files / "workflow" / "envs" / "bevatron.yaml").read_text())
    assert recipe["dependencies"][-1]["pip"][1].startswith("bevatron[export,formats]==")

    installed.run("bevatron", "init", "my project", cwd=tmp_path)  # a space is no hindrance
    project = tmp_path / "my project"
    add_modules(project)
    installed.run("bevatron", "validate", cwd=project)
    snakemake = (installed.python, "-m", "snakemake", "--profile", "profiles/local", "--cores", "2")
    assert "100%" in installed.run(*snakemake, cwd=project)
    page = (project / "results" / "report" / "index.html").read_text()
    assert 'id="eights"' in page
    assert 'id="rings"' in page
    assert "Nothing to be done" in installed.run(*snakemake, cwd=project)


def test_the_tutorial_from_files_to_scores(installed, tmp_path):
    """Its commands and programs in their order, but for the installation."""
    blocks = re.findall(r"^(?:[^\n]*`(\w+\.py)`:\n\n)?```(\w+)\n(.*?)^```", TUTORIAL, re.M | re.S)
    assert [language for _, language, _ in blocks] == [
        "sh", "sh", "python", "sh", "sh", "yaml", "sh", "sh", "sh", "python", "sh"
    ]  # fmt: skip
    assert "pip install" in blocks[0][2]
    script = ["set -eu"]
    for file, language, text in blocks[1:]:
        if language == "python":
            script.append(f"cat > {file} <<'END'\n{text}END")
        elif language == "yaml":
            (tmp_path / "inserted.yaml").write_text(text)
            script.append(f"sed -i '/^        features:/r {tmp_path / 'inserted.yaml'}' config/studies/resonance.yaml")
        else:
            script.append(text)
    words = installed.run("bash", "-c", "\n".join(script), cwd=tmp_path)
    project = tmp_path / "my_analysis"
    assert "finished, 9 of 9 steps" in words
    assert (project / "results" / "report" / "resonance" / "index.html").is_file()
    with uproot.open(project / "scores" / "collisions.root") as file:
        scores = file["scores"].arrays(library="np")
    with uproot.open(project / "data" / "collisions.root") as file:
        assert scores["event"].tolist() == file["events/event"].array(library="np").tolist()
    bins = {int(low): int(n) for low, n in re.findall(r"^ *(\d+) to \d+ GeV: +(\d+)", words, re.M)}
    assert bins[120] > 3 * max(bins[60], bins[180]), "the resonance does not stand out"


def add_modules(project: Path) -> None:
    """Components of the project's own, and a study whose search trains one of them in Ray's processes."""
    make_project(project.parent / "modules of a project")
    shutil.move(project.parent / "modules of a project" / "modules", project)
    study = yaml.safe_load(STUDY)
    space = {"architecture.scale": {"kind": "uniform", "low": 0.5, "high": 2.0}}
    study["models"]["own"]["search"] = {"trials": 2, "epochs": 1, "space": space}
    (project / "config" / "studies" / "rings.yaml").write_text(yaml.safe_dump(study))
    with (project / "config" / "config.yaml").open("a") as file:
        file.write("modules: modules\n")
    text = (project / "config" / "config.yaml").read_text()
    (project / "config" / "config.yaml").write_text(text.replace("[eights]", "[eights, rings]"))


def copied(folder: Path) -> Path:
    """What the build reads, so that it leaves nothing in the clone; and a file of this machine, which is left out."""
    copy = folder / "source"
    for name in ("src", "workflow", "profiles", "config"):
        shutil.copytree(REPOSITORY / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "constraints.txt"):
        shutil.copyfile(REPOSITORY / name, copy / name)
    (copy / "profiles" / "site" / "site.yaml").write_text("account: mine\n")
    return copy
