"""The notebooks of the course: as the lessons say, and they run from top to bottom on the results of a demo."""

import ast
import json
from pathlib import Path

import pytest

import bevatron
from bevatron.config.loading.load_course import load_course
from bevatron.config.loading.load_lessons import load_lessons
from bevatron.errors import UserError
from bevatron.report.course.lesson_text import divide_lesson
from bevatron.report.course.notebook import FIGURE, lesson_notebook, write_notebooks

ROOT = Path(__file__).parents[2]
LECTURES = ROOT / "config" / "lectures.yaml"
COURSE = load_course(LECTURES)
LESSONS = {lesson.name: lesson for lesson in load_lessons(LECTURES, COURSE)}
FOLDER = ROOT / "notebooks" / "course"
every_lesson = pytest.mark.parametrize("name", LESSONS)


def cells_of(name):
    return json.loads((FOLDER / f"{name}.ipynb").read_text())["cells"]


def code_of(name):
    return ["".join(cell["source"]) for cell in cells_of(name) if cell["cell_type"] == "code"]


@every_lesson
def test_a_notebook_is_that_of_its_lesson(name):
    """After a change of a lesson: `bevatron course-notebooks --output notebooks/course --overwrite`."""
    assert (FOLDER / f"{name}.ipynb").read_text() == lesson_notebook(COURSE, LESSONS[name], "../../results/report")


def test_there_is_one_for_each_lesson():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(LESSONS)


@every_lesson
def test_answers_are_hidden_at_the_end(name):
    cells = cells_of(name)
    (start,) = [i for i, cell in enumerate(cells) if "".join(cell["source"]).startswith("## Worked answers")]
    assert cells[start]["metadata"]["jp-MarkdownHeadingCollapsed"]
    hidden = [cell for cell in cells if cell["metadata"].get("jupyter", {}).get("source_hidden")]
    assert hidden == [cell for cell in cells[start:] if cell["cell_type"] == "code"]
    assert len(hidden) >= len(divide_lesson(LESSONS[name]).exercises)
    assert all(cell["outputs"] == [] for cell in cells if cell["cell_type"] == "code")


@every_lesson
def test_a_notebook_uses_the_public_functions_alone(name):
    code = "\n".join(code_of(name))
    used = {
        node.attr
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "bevatron"
    }
    assert used <= set(bevatron.__all__)
    assert "import bevatron." not in code
    assert "from bevatron" not in code


@every_lesson
def test_a_notebook_shows_the_claims_of_its_topics(name):
    code = "\n".join(code_of(name))
    for chapter in COURSE.chapters:
        for item in chapter.items:
            if item.topic in LESSONS[name].head.topics:
                for claim in item.claims:
                    study, _, claim_id = claim.partition(".")
                    assert f'bevatron.claims("{study}")' in code
                    assert f'"{claim_id}"' in code


def test_changed_notebooks_are_not_replaced_unasked(tmp_path):
    lessons = list(LESSONS.values())
    write_notebooks(COURSE, lessons, tmp_path / "results" / "report", tmp_path / "my" / "folder", overwrite=False)
    first = tmp_path / "my" / "folder" / f"{lessons[0].name}.ipynb"
    assert "](../../results/report/perceptron/plots/" in first.read_text()
    write_notebooks(COURSE, lessons, tmp_path / "results" / "report", first.parent, overwrite=False)  # equal ones
    last = first.with_name(f"{lessons[-1].name}.ipynb")
    last.write_text("my work")
    first.unlink()
    with pytest.raises(UserError, match="--overwrite"):
        write_notebooks(COURSE, lessons, tmp_path / "results" / "report", first.parent, overwrite=False)
    assert last.read_text() == "my work"
    assert not first.exists()
    write_notebooks(COURSE, lessons, tmp_path / "results" / "report", first.parent, overwrite=True)
    assert last.read_text() != "my work"


def test_figures_are_found_from_any_folder(tmp_path):
    write_notebooks(COURSE, list(LESSONS.values()), tmp_path / "my results" / "report", tmp_path / "b", overwrite=False)
    assert "](../my%20results/report/perceptron/plots/" in (tmp_path / "b" / "perceptrons.ipynb").read_text()


def studies_of(name):
    topics = [i for chapter in COURSE.chapters for i in chapter.items if i.topic in LESSONS[name].head.topics]
    return sorted({claim.partition(".")[0] for item in topics for claim in item.claims})


def require_results(name):
    for study in studies_of(name):
        if not (ROOT / "results" / "report" / study / "claims.json").is_file():
            pytest.skip(
                f"results of {study} were not made here: `make demo` makes them, and .ci/run calls this after it"
            )


@every_lesson
def test_a_demo_has_the_figures_of_a_lesson(name):
    require_results(name)
    for _, figure in FIGURE.findall(LESSONS[name].text):
        assert (ROOT / "results" / "report" / figure).is_file(), figure


@pytest.mark.slow
@every_lesson
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own
def test_a_notebook_runs_on_the_demo_s_results(name):
    require_results(name)
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()
    figures = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert figures, "a notebook without a figure shows little"
