"""The settings of a study in its page: each value in words, and none as Python writes it."""

from bevatron.report.page.chapter import _settings
from bevatron.simulate.sources.table import TableSource


def test_a_mapping_is_told_by_what_its_file_says():
    options = TableSource.Options.model_validate(
        {
            "kind": "table",
            "files": ["jets.root"],
            "groups": {"jet": {"features": {"pt": "pt", "log_mass": "log(mass)"}, "units": {"pt": "GeV"}}},
            "targets": {"flavour": {"classes": {"b": "f == 5", "light": "f == 0"}}},
            "missing": {"jet.pt": {"policy": "constant", "constant": -1.0}},
        }
    )
    rows = {name: value for name, value, _ in _settings(options)}
    assert rows["groups.jet.features"] == "pt; log_mass: log(mass)"
    assert rows["groups.jet.units"] == "pt: GeV"
    assert rows["targets.flavour.classes"] == "b: f == 5; light: f == 0"
    assert rows["missing.jet.pt.policy"] == "constant"
    assert "groups.jet.select" not in rows
    assert rows["observers"] == rows["selection"] == "–"
    assert not any("=" in value.replace("==", "") or "{" in value for value in rows.values())
