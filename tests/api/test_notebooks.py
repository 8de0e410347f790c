"""The notebooks run from top to bottom on the results of a demo."""

import ast
import json
from pathlib import Path

import pytest

import bevatron

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_of(path):
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_there_is_one_for_each_of_three_studies():
    assert [path.stem for path in NOTEBOOKS] == ["digits", "function", "jets"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_uses_the_public_functions_alone(path):
    """A reader may copy any line of it; nothing in it names the machine on which it was run."""
    used = {
        node.attr
        for node in ast.walk(ast.parse(code_of(path)))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "bevatron"
    }
    assert used <= set(bevatron.__all__)
    assert "import bevatron." not in code_of(path)
    assert "from bevatron" not in code_of(path)
    assert str(ROOT) not in path.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own
def test_a_notebook_runs_on_the_demo_s_results(path):
    if not (ROOT / "results" / path.stem / "evaluation" / "data.json").is_file():
        pytest.skip(
            f"results/{path.stem} was not made here: `make demo` makes it, and .ci/run calls this test after it"
        )
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(ROOT)}}).execute()
    figures = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert figures, "a notebook without a figure shows little"
