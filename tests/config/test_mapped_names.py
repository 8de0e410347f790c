"""Targets and classes that a study names are those of its mapping, in their order."""

import pytest
from pydantic import ValidationError

from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.simulate.external.external_files import FileOptions


def study(target="flavour", classes=("light", "beauty"), inputs=("jet",)):
    mapping = {"groups": {"jet": {"features": ["pt"]}},
               "targets": {"flavour": {"classes": {"light": "y == 0", "beauty": "y == 5"}}}}  # fmt: skip
    return Study.model_validate(
        {
            "name": "mine",
            "title": "t",
            "summary": "s",
            "simulation": {"source": {"kind": "table", "files": ["a.csv"], **mapping}},
            "dataset": {"recipe": {"kind": "table"}},
            "task": {"kind": "classification", "target": target, "classes": list(classes), "signal": "beauty"},
            "models": {"net": {"title": "n", "inputs": list(inputs), "architecture": {"kind": "mlp", "widths": []}}},
        }
    )


def test_the_names_of_the_mapping_are_accepted():
    study()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ("beauty", "light")}, "task.classes: beauty, light; .* numbers them light, beauty; give the same"),
        ({"classes": ("light", "charm", "beauty")}, "light, charm, beauty; .* numbers them light, beauty"),
        ({"target": "flavor"}, "has no 'flavor' .did you mean 'flavour'"),
    ],
)
def test_other_names_are_told(change, message):
    with pytest.raises(ValidationError, match=message):
        study(**change)


def test_a_digest_of_no_file_is_told(tmp_path):
    (tmp_path / "jets.csv").write_text("x\n1\n")
    options = FileOptions(kind="any", files=[str(tmp_path / "jets.csv")], sha256={"jet.csv": "0" * 64})
    with pytest.raises(UserError, match=r"sha256: none of the files is named 'jet.csv'; did you mean 'jets.csv'"):
        options.attributes(options.part(0))
