"""`bevatron init`: a project that the installed package runs, and refusals that leave nothing behind."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bevatron.config.loading.load import find_validation_errors
from bevatron.errors import UserError
from bevatron.project.stage import init_project
from bevatron.shipped_files import shipped

REPOSITORY = Path(__file__).parents[2]


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_new_project_is_valid_and_has_what_the_repository_has(tmp_path):
    made = init_project(tmp_path / "new" / "mine")
    project = tmp_path / "new" / "mine"
    assert {str(path) for path in made} == {name for name in everything_in(project) if (project / name).is_file()}
    assert find_validation_errors(project / "config/config.yaml", project / "config/studies") == []
    for name in ("config/resources.yaml", "profiles/cluster/config.yaml"):
        assert (project / name).read_bytes() == (REPOSITORY / name).read_bytes()
    assert "results" in (project / ".gitignore").read_text()


def test_a_project_may_begin_with_studies_of_public_data(tmp_path):
    init_project(tmp_path / "mine", ["jetclass", "higgs", "jetclass"])
    project = tmp_path / "mine"
    assert yaml.safe_load((project / "config/config.yaml").read_text())["studies"] == ["eights", "jetclass", "higgs"]
    for name in ("jetclass", "higgs"):
        path = Path("config/studies") / f"{name}.yaml"
        assert (project / path).read_bytes() == (REPOSITORY / path).read_bytes()
    assert find_validation_errors(project / "config/config.yaml", project / "config/studies") == []


@pytest.mark.parametrize("name", ["jetklass", "../studies/jetclass", "", "eights"])
def test_an_unknown_study_is_named_and_nothing_is_made(tmp_path, name):
    with pytest.raises(UserError, match=f"--study: Bevatron has no study '{name}'") as error:
        init_project(tmp_path / "mine", ["higgs", name])
    assert "quark_gluon" in str(error.value)
    assert everything_in(tmp_path) == set()


def test_other_files_in_the_folder_stay(tmp_path):
    (tmp_path / "events.root").write_bytes(b"mine")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "notes.txt").write_text("mine")
    init_project(tmp_path)
    assert (tmp_path / "events.root").read_bytes() == b"mine"
    assert (tmp_path / "config" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("own", ["Snakefile", "config/studies/eights.yaml", "profiles/local/config.yaml"])
def test_what_is_there_is_never_written_over(tmp_path, own):
    path = tmp_path / own
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("elsewhere") if own == "Snakefile" else path.write_text("mine")
    before = everything_in(tmp_path)
    with pytest.raises(UserError, match=f"has a {own} already"):
        init_project(tmp_path)
    assert everything_in(tmp_path) == before


def test_a_second_time_is_refused(tmp_path):
    init_project(tmp_path / "mine")
    with pytest.raises(UserError, match="and 9 more of a project's files"):
        init_project(tmp_path / "mine")


@pytest.mark.parametrize("name", ["a{b}", "a\nb"])
def test_a_path_in_which_snakemake_cannot_work_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="Snakemake cannot work"):
        init_project(tmp_path / name)
    assert everything_in(tmp_path) == set()


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "mine").write_text("")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config").write_text("")
    for folder, named in (("mine", "mine"), ("other", "other/config")):
        with pytest.raises(UserError, match=f"{named}: is a file where"):
            init_project(tmp_path / folder)
    with pytest.raises(UserError, match="file stands where a folder is needed"):
        init_project(tmp_path / "mine" / "project")


@pytest.mark.parametrize("at", [1, 6])
@pytest.mark.parametrize("where", [".", "new/mine"])
def test_a_fault_on_the_way_leaves_nothing(tmp_path, monkeypatch, where, at):
    (tmp_path / "config").mkdir()
    method, count = ("rename" if where == "." else "write_bytes"), []
    real = getattr(Path, method)

    def fails(path, argument):
        count.append(path)
        if len(count) == at:
            raise OSError(28, "No space left on device", str(path))
        return real(path, argument)

    monkeypatch.setattr(Path, method, fails)
    with pytest.raises(UserError, match="the disk is full"):
        init_project(tmp_path / where)
    assert len(count) == at
    assert everything_in(tmp_path) == {"config"}


def test_a_kill_leaves_no_half_project(tmp_path):
    """SIGKILL while the files are written: the name is not there, and the same command works."""
    code = (
        "import os, signal, sys; from pathlib import Path; from bevatron.project import stage\n"
        "real = Path.write_bytes\n"
        "def write(path, content):\n"
        "    os.kill(os.getpid(), signal.SIGKILL) if path.name == 'eights.yaml' else real(path, content)\n"
        "Path.write_bytes = write\n"
        "stage.init_project(Path(sys.argv[1]))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, tmp_path / "mine"], check=False, timeout=60)
    assert killed.returncode == -9
    assert not (tmp_path / "mine").exists()
    init_project(tmp_path / "mine")
    assert (tmp_path / "mine" / "config" / "studies" / "eights.yaml").is_file()


def test_of_two_at_once_one_makes_it(tmp_path):
    code = "import sys; from pathlib import Path; from bevatron.cli import main; main()"
    commands = [[sys.executable, "-c", code, "init", str(tmp_path / "mine")] for _ in range(4)]
    running = [subprocess.Popen(c, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for c in commands]
    words = [process.communicate(timeout=60)[1] for process in running]
    assert sorted(process.returncode for process in running) == [0, 2, 2, 2], words
    assert find_validation_errors(tmp_path / "mine/config/config.yaml", tmp_path / "mine/config/studies") == []
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert all(len(text.splitlines()) == 1 for text in words)


def test_an_installation_without_the_workflow_says_so():
    with pytest.raises(UserError, match="no workflow/none"):
        shipped("workflow/none")
