"""One name, one thing: what a class is called says which one it is, wherever it is imported."""

import ast
from collections import defaultdict
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "bevatron"


def modules_by_class() -> dict[str, list[str]]:
    """The modules that define a class at their top level, by its name."""
    modules = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                modules[node.name].append(str(path.relative_to(SOURCE)))
    return modules


def test_no_two_classes_share_a_name():
    """Nested ones, such as a component's `Options`, are named with their class: `LSTM.Options`."""
    modules = modules_by_class()
    assert {"Study", "Manifest", "Reader"} <= modules.keys()  # the test would pass if it read nothing
    repeated = {name: paths for name, paths in modules.items() if len(paths) > 1}
    assert not repeated
