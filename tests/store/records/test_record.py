"""Whatever a published file holds, it is read as exactly what it says, or refused in one line that names it."""

import copy
import json
import re
from random import Random
from typing import Any

import pytest

from bevatron.errors import UserError
from bevatron.store.files.checksum import with_checksum
from bevatron.store.records.record import PublishedRecord, payload_of, publish_record

HOSTILE = [
    None, True, False, 0, 1, -1, 0.5, 2**32, 10**30, 10**299, "", "0", "1.0", "a/b", "../../evil", "/etc/passwd", "..",
    ".hidden", "a\x00b", "a\nb", "\ud800", "é" * 300, "x" * 100_000, "0" * 63, "A" * 64, "0" * 64 + "\n", [], {}, [0],
    [None], {"a": 1}, {"../x": "0" * 64}, {"a\nb": "c"}, {"\ud800": 1}, [[[[[]]]]], {"seed": {"seed": 0}},
]  # fmt: skip


def places_in(payload: Any, place: tuple = ()) -> list[tuple]:
    """The path of every value inside of a payload."""
    items = payload.items() if isinstance(payload, dict) else enumerate(payload) if isinstance(payload, list) else ()
    return [found for key, value in items for found in ((*place, key), *places_in(value, (*place, key)))]


def value_at(payload: Any, place: tuple) -> Any:
    for key in place:
        payload = payload[key]
    return payload


def changed(payload: dict, place: tuple, value: Any) -> dict:
    payload = copy.deepcopy(payload)
    value_at(payload, place[:-1])[place[-1]] = value
    return payload


def plain(value: Any) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(value))


def same(one: Any, other: Any) -> bool:
    """Equal, and true is not 1; of an integer in a field of floats, the nearest float."""
    if isinstance(one, float) and type(other) is int:
        return one == float(other)
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def refusal(case, path) -> str:
    """The one line in which the file is refused."""
    with pytest.raises(UserError) as caught:
        case.read(path)
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 600
    assert str(path) in line
    assert case.command in line
    return line


def read_or_refuse(case, path) -> PublishedRecord | None:
    """The record, or None for a file that is refused in one line."""
    try:
        return case.read(path)
    except UserError as error:
        line = str(error)
    assert line.isprintable()
    assert len(line) < 600
    return None


@pytest.fixture
def path(case, tmp_path):
    return tmp_path / case.file


@pytest.fixture
def payload(case) -> dict:
    return plain(payload_of(case.record))


def test_what_is_written_is_read(case, path):
    case.write(path, case.record)
    assert case.read(path) == case.record
    first = path.read_bytes()
    case.write(path, case.read(path))
    assert path.read_bytes() == first
    assert json.loads(first)["schema_version"] == 1
    assert with_checksum(json.loads(first)) == json.loads(first)


def test_every_field_says_what_it_is(case):
    def check(schema: dict) -> None:
        for name, field in schema.get("properties", {}).items():
            assert field.get("description"), name

    schema = type(case.record).model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        check(part)


@pytest.mark.parametrize("version", [0, 2, -1, "1", True, 1.0, None, [1], {}, "x\ny"], ids=repr)
def test_another_schema_version_is_refused(case, path, payload, version):
    path.write_text(json.dumps(with_checksum(payload | {"schema_version": version})))
    assert "is of schema version" in refusal(case, path)


def test_a_file_without_a_schema_version_is_refused(case, path, payload):
    del payload["schema_version"]
    path.write_text(json.dumps(with_checksum(payload)))
    assert "has no schema_version" in refusal(case, path)


def test_a_changed_value_is_noticed(case, path):
    case.write(path, case.record)
    text = path.read_text()
    numbers = list(re.finditer(r"(?<=\s)\d", text))
    for found in numbers[:: max(1, len(numbers) // 8)]:
        other = str((int(found[0]) + 1) % 10)
        path.write_text(text[: found.start()] + other + text[found.end() :])
        assert re.search("changed or damaged|is no JSON", refusal(case, path))


def test_an_unknown_field_is_refused_wherever_it_is(case, path, payload):
    records = [(), *(place for place in places_in(payload) if _is_record(value_at(payload, place)))]
    assert len(records) > 1
    for place in records:
        path.write_text(json.dumps(with_checksum(changed(payload, (*place, "surprise"), 1))))
        line = refusal(case, path)
        assert ".".join(map(str, (*place, "surprise"))) in line
        assert "Extra inputs are not permitted" in line


def _is_record(value: Any) -> bool:
    """Whether a part of the examples is a record and no mapping with free keys."""
    known = (
        "seed",
        "processor",
        "low",
        "edges",
        "step",
        "channels",
        "rebin",
        "truth",
        "trial",
        "agreement",
        "tolerance",
        "verdict",
        "meaning",
        "reason",
        "units",
    )
    return isinstance(value, dict) and any(key in value for key in known) and "kind" not in value and "x" not in value


def test_a_missing_field_is_named(case, path, payload):
    for name in payload.keys() - {"schema_version"}:
        path.write_text(json.dumps(with_checksum({key: value for key, value in payload.items() if key != name})))
        assert f"{name}: Field required" in refusal(case, path)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_no_number_is_nan_or_infinite(case, path, payload, text):
    path.write_text(json.dumps(payload | {"schema_version": "HERE"}).replace('"HERE"', text))
    assert "is no JSON" in refusal(case, path)


def test_nan_is_not_written(case, path):
    for name, value in list(case.record)[:]:
        if isinstance(value, dict) and name in ("settings", "curves", "space"):  # parts without types of their own
            record = case.record.model_copy(update={name: {"a": {"b": float("nan")}}})
            with pytest.raises(ValueError, match="Out of range float"):
                publish_record(path, record)
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"x"', "null", "{}", "[" * 100_000, '{"a": 1, "a": 2}', "\x00"])
def test_something_else_is_refused(case, path, text):
    path.write_text(text)
    refusal(case, path)


def test_a_missing_file_and_a_folder_are_refused(case, path):
    assert f"is missing; run `{case.command}`, or the workflow" in refusal(case, path)
    path.mkdir()
    with pytest.raises(UserError, match=re.escape(str(path))):
        case.read(path)


def test_values_that_are_nested_too_deeply_are_one_line(case, path, payload):
    for depth in range(880, 1000, 12):
        path.write_text(json.dumps(payload)[:-1] + ', "deep": ' + "[" * depth + "]" * depth + "}")
        refusal(case, path)
        path.write_text(json.dumps(payload)[:-1] + ', "sha256": "", "deep": ' + "[" * depth + "]" * depth + "}")
        refusal(case, path)


@pytest.mark.parametrize("seed", range(4))
def test_a_hostile_value_is_refused_or_is_what_was_written(case, path, payload, seed):
    """As somebody who knows the checksum would write it, at any place of the file."""
    random, refused = Random(seed), 0
    places = places_in(payload)
    for _ in range(40):
        place, value = random.choice(places), random.choice(HOSTILE)
        made = changed(payload, place, value)
        path.write_text(json.dumps(with_checksum(made) if random.random() < 0.7 else made))
        found = read_or_refuse(case, path)
        if found is None:
            refused += 1
            continue
        if place[0] == "runs":  # they come in the order of their seeds
            made = made | {"runs": sorted(made["runs"], key=lambda run: run["seed"])}
        kept = plain(found.model_dump())
        leaves = (here for here in places_in(made) if not isinstance(value_at(made, here), dict | list))
        for here in leaves:
            assert same(value_at(kept, here), value_at(made, here)), here
    assert refused > 10


@pytest.mark.parametrize("seed", range(2))
def test_a_turned_bit_is_refused_or_changes_nothing(case, path, seed):
    case.write(path, case.record)
    content, random = path.read_bytes(), Random(seed)
    for _ in range(60):
        damaged = bytearray(content)
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        assert read_or_refuse(case, path) in (None, case.record)


def test_a_file_cut_short_is_refused(case, path):
    case.write(path, case.record)
    content = path.read_bytes()
    for length in range(0, len(content) - 2, max(1, len(content) // 20)):
        path.write_bytes(content[:length])
        refusal(case, path)


def test_a_file_of_another_study_or_model_is_refused(case, path, payload):
    for name in ("study", "model"):
        if name in payload:
            path.write_text(json.dumps(with_checksum(payload | {name: "an/other\n"})))
            assert f"was made for the {name} 'an/other\\n', expected" in refusal(case, path)


def test_a_file_written_by_hand_needs_no_checksum(case, path, payload):
    path.write_text(json.dumps(payload))
    assert case.read(path) == case.record
