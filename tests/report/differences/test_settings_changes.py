"""Settings, versions, machines: by their key, and once for all studies."""

import pytest

from bevatron.report.differences.compare import compare_reports
from bevatron.report.differences.settings import SettingChange


@pytest.fixture
def compare(hand_made, tmp_path):
    def run(change, studies=("toy",)):
        for study in studies:
            hand_made(study).write(tmp_path / "a")
            report = hand_made(study)
            change(report)
            report.write(tmp_path / "b")
        return compare_reports(tmp_path / "a", tmp_path / "b")

    return run


def test_a_setting_is_named_by_its_key_with_both_values(compare):
    found = compare(lambda r: r.part["settings"]["simulation"].update(samples=200))
    assert found.settings == (SettingChange("simulation.samples", "100", "200", ("toy",)),)
    assert not found.identical


def test_a_model_s_setting_and_one_that_only_one_side_has(compare):
    found = compare(lambda r: r.part["models"]["mlp"].update(settings={"training": {"epochs": 5, "patience": None}}))
    assert found.settings == (SettingChange("models.mlp.training.patience", "", "null", ("toy",)),)


def test_a_model_of_one_side_is_named_once(compare):
    found = compare(lambda r: r.add_model("cnn"))
    assert found.settings == (SettingChange("models.cnn", "", "there", ("toy",)),)


def test_a_list_of_sections_is_compared_by_id_and_one_of_numbers_as_a_whole(hand_made, tmp_path):
    claims = [{"id": "x", "threshold": 1.0}, {"id": "y", "threshold": 2.0}]
    for letter, settings in (
        ("a", {"claims": claims, "widths": [50, 10]}),
        ("b", {"claims": [claims[1] | {"threshold": 3.0}, claims[0]], "widths": [50]}),
    ):
        report = hand_made()
        report.part["settings"] = settings
        report.write(tmp_path / letter)
    found = compare_reports(tmp_path / "a", tmp_path / "b").settings
    assert found == (
        SettingChange("claims[y].threshold", "2.0", "3.0", ("toy",)),
        SettingChange("widths", "[50, 10]", "[50]", ("toy",)),
    )


def test_a_new_pytorch_is_one_line_for_all_studies_and_stages(compare):
    def upgrade(report):
        report.versions = {"torch": "2.1"}
        for run in report.part["models"]["mlp"]["runs"]:
            run["versions"] = {"torch": "2.1"}

    found = compare(upgrade, ("one", "two"))
    assert found.software == (SettingChange("torch (training, report)", "2.0", "2.1", ("one", "two")),)


def test_a_new_simulation_is_named_by_its_version_and_digests(compare):
    found = compare(lambda r: r.part.update(code_versions={"source jets": 3}, manifest_sha256="b" * 64, scale="paper"))
    assert found.code == (
        SettingChange("scale", "demo", "paper", ("toy",)),
        SettingChange("version of the source jets", "2", "3", ("toy",)),
    )
    assert [change.key for change in found.digests] == ["manifest_sha256"]
    assert not found.same_samples


def test_trainings_with_other_weights_are_counted(compare):
    found = compare(lambda r: r.part["models"]["mlp"]["runs"][1].update(weights_sha256="other"))
    assert found.same_weights == (2, 3)
    assert not found.identical


def test_devices_are_compared_where_both_sides_know_them(compare):
    assert not compare(lambda r: r.part["models"]["mlp"]["runs"][0].update(environments=[{"device": "x"}])).software
