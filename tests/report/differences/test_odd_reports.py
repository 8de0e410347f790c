"""Reports that an older Bevatron wrote, that are cut short, or that hold something else."""

import hashlib
import io
import json

import pytest
from rich.console import Console

from bevatron.errors import UserError
from bevatron.report.differences.compare import compare_reports
from bevatron.report.differences.payload import as_csv
from bevatron.report.differences.text import print_differences
from bevatron.store.files.checksum import with_checksum


@pytest.fixture
def pair(hand_made, tmp_path):
    """Two equal reports of a study with a claim, a metric and an observable."""
    for letter in "ab":
        report = hand_made()
        report.add_metric("accuracy", 0.8, 0.01, [0.79, 0.8, 0.81])
        report.add_metric("pt.auc", 0.5, 0.03, model=None)
        report.add_claim("c", "reproduced", ("m", 3.0, 1.0, 3.0))
        report.write(tmp_path / letter)
    return tmp_path / "a", tmp_path / "b"


def edit(report, name, change):
    path = report / "toy" / name
    payload = json.loads(path.read_text())
    change(payload)
    path.write_text(json.dumps(payload))


def test_equal_reports_are_identical(pair):
    assert compare_reports(*pair).identical


@pytest.mark.parametrize(
    ("name", "change", "unknown"),
    [
        ("provenance.json", lambda p: p["studies"]["toy"].pop("settings"), "settings, but for those of the models"),
        ("provenance.json", lambda p: p["studies"]["toy"]["models"]["mlp"].pop("settings"), "settings of mlp"),
        ("provenance.json", lambda p: p["studies"]["toy"].pop("code_versions"), "versions of source and recipe"),
        ("provenance.json", lambda p: p.pop("numbers"), "metrics (its tables have none)"),
        ("provenance.json", lambda p: p.pop("studies"), "settings"),
        ("claims.json", lambda p: p.pop("claims"), "verdicts (claims.json does not have them)"),
    ],
)
def test_what_an_older_report_lacks_is_told_and_the_others_compared(pair, name, change, unknown):
    a, b = pair
    edit(b, name, change)
    found = compare_reports(a, b)
    assert ("B", "toy", unknown) in found.unknown
    assert not found.identical
    assert not found.settings
    assert not found.verdicts
    assert all(metric.state == "equal" for metric in found.metrics)
    for what in ("verdicts", "metrics"):  # a check that could not be made is not passed
        assert found.fails(what) == unknown.startswith(what)


@pytest.mark.parametrize("name", ["claims.json", "provenance.json"])
def test_each_field_may_be_missing(pair, name):
    """Field by field, at every level: a comparison, or one line."""
    a, b = pair
    original = (b / "toy" / name).read_text()

    def paths(value, path=()):
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            yield (*path, key)
            yield from paths(value[key], (*path, key))

    refused = []
    for path in list(paths(json.loads(original))):
        payload = json.loads(original)
        *steps, last = path
        branch = payload
        for step in steps:
            branch = branch[step]
        del branch[last]
        (b / "toy" / name).write_text(json.dumps(payload))
        try:
            compare_reports(a, b)
        except UserError:
            refused.append(path)
    # What identifies an entry: without it nothing can be compared.
    assert {path[-1] for path in refused} <= {"id", "verdict", "table", "row", "column", "seed", "toy", "study"}


def test_a_page_without_provenance_has_its_verdicts_compared(pair):
    a, b = pair
    (b / "toy" / "provenance.json").unlink()
    edit(b, "claims.json", lambda p: p["claims"][0].update(verdict="undecided"))
    found = compare_reports(a, b)
    assert [change.id for change in found.verdicts] == ["c"]
    assert any("there is no provenance.json" in what for _, _, what in found.unknown)
    assert found.fails("metrics")


@pytest.mark.parametrize("name", ["claims.json", "provenance.json"])
@pytest.mark.parametrize(
    "content", [b"", b'{"claims": [', b"\xff\xfe", b"[]", b"3", b'{"claims": NaN}', b"[" * 100_000, b'{"a": 1, "a": 2}']
)
def test_a_file_that_is_cut_short_or_something_else_is_refused_in_one_line(pair, name, content):
    a, b = pair
    path = b / "toy" / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=name) as refused:
        compare_reports(a, b)
    assert "\n" not in str(refused.value)


def test_one_turned_digit_is_found_by_the_checksum(pair):
    a, b = pair
    path = b / "toy" / "claims.json"
    text = json.dumps(with_checksum(json.loads(path.read_text())))
    path.write_text(text)
    compare_reports(a, b)
    path.write_text(text.replace('"value": 3.0', '"value": 2.0'))
    with pytest.raises(UserError, match="changed or damaged"):
        compare_reports(a, b)


@pytest.mark.parametrize(
    ("name", "change", "key"),
    [
        ("claims.json", lambda p: p["claims"][0].update(verdict=3), "claims.0.verdict"),
        ("claims.json", lambda p: p["claims"][0]["margins"][0].update(value="much"), "claims.0.margins.0.value"),
        ("provenance.json", lambda p: p["numbers"][0].update(value="nan"), "numbers.0.value"),
        ("provenance.json", lambda p: p.update(studies=[]), "studies"),
        ("provenance.json", lambda p: p["studies"]["toy"].update(models=3), "studies.toy.models"),
        ("provenance.json", lambda p: p.update(schema_version=2), "version 2"),
    ],
)
def test_a_field_of_another_kind_is_named(pair, name, change, key):
    a, b = pair
    edit(b, name, change)
    with pytest.raises(UserError, match=key.replace(".", r"\.")):
        compare_reports(a, b)


def test_what_a_newer_bevatron_adds_is_passed_over(pair):
    a, b = pair
    edit(b, "claims.json", lambda p: p["claims"][0].update(new_field=3))
    edit(b, "provenance.json", lambda p: p["studies"]["toy"].update(new_field={"x": 3}))
    assert compare_reports(a, b).identical


def test_an_empty_folder_and_reports_without_a_common_study_are_refused(pair, hand_made, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no report"):
        compare_reports(pair[0], tmp_path / "empty")
    with pytest.raises(UserError, match="no such file or folder"):
        compare_reports(pair[0], tmp_path / "nothing")
    with pytest.raises(UserError, match="no study in common"):
        compare_reports(pair[0], hand_made("other").write(tmp_path / "c"))


def test_a_folder_whose_name_is_no_study_s_is_passed_over(pair):
    (pair[1] / "toy").rename(pair[1] / "-rf $(x)")
    with pytest.raises(UserError, match="holds no report"):
        compare_reports(*pair)


def test_controls_markup_and_formulas_in_names_reach_neither_terminal_nor_spreadsheet(pair):
    """Found by an attack: a setting of a report that somebody sent went into the CSV with its escape sequences."""
    a, b = pair
    hostile = "=cmd[bold]\x1b]0;title\x07\nnext line"
    edit(b, "claims.json", lambda p: p["claims"][0].update(verdict=hostile))
    edit(b, "provenance.json", lambda p: p["studies"]["toy"]["settings"].update({hostile: hostile}))
    found, text = compare_reports(a, b), io.StringIO()
    print_differences(found, Console(file=text, width=300, markup=False, highlight=False, emoji=False))
    assert "=cmd[bold]\\x1b" in text.getvalue()
    table = as_csv(found)
    assert not {"\x1b", "\x07"} & set(text.getvalue() + table)
    assert len(table.splitlines()) == 1 + len(found.metrics) + 2
    assert "\n=" not in table.replace(",", "\n").replace('"', "")


def test_a_value_that_is_not_set_says_so(pair):
    a, b = pair
    edit(b, "provenance.json", lambda p: p["studies"]["toy"]["settings"].update(new=3))
    text = io.StringIO()
    print_differences(compare_reports(a, b), Console(file=text, width=100))
    assert "not set" in text.getvalue()


def test_verdicts_and_numbers_of_different_runs_are_refused(pair):
    """A report that is copied while it is written again: the verdicts are of one run, the numbers of another."""
    a, b = pair
    digest = hashlib.sha256((b / "toy" / "provenance.json").read_bytes()).hexdigest()
    edit(b, "claims.json", lambda p: p.update(page={"provenance.json": digest, "index.html": "0" * 64}))
    assert compare_reports(a, b).identical
    edit(b, "provenance.json", lambda p: p["numbers"][0].update(value=0.7))
    with pytest.raises(UserError, match="was not written with"):
        compare_reports(a, b)
