"""export.json: files beside it, their digests, and how far they are from PyTorch."""

import json

import pytest

from bevatron.errors import UserError
from bevatron.store.files.checksum import with_checksum
from bevatron.store.records.record import payload_of


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("file", name) for name in ("../x.onnx", "/tmp/x.onnx", "a/b", "..", ".", "", ".x", "a\nb", None, 3)),
        *(("seed", seed) for seed in ("0/../x", True, 0.0, -1, 2**32, None)),
        *((name, digest) for name in ("sha256", "run") for digest in ("", "x", "A" * 64, "0" * 65, None)),
        ("inputs", "x"),
        ("outputs", [3]),
        ("agreement", {}),
        ("agreement", {"samples": -1, "largest_difference": {"y": 0.0}, "tolerance": 0.1}),
        ("agreement", {"samples": 1, "largest_difference": {}, "tolerance": 0.1}),
        ("agreement", {"samples": 1, "largest_difference": {"y": "0"}, "tolerance": 0.1}),
    ],
)
def test_a_wrong_value_is_refused_by_its_place(case_of, tmp_path, field, value):
    case, path = case_of("export.json"), tmp_path / "export.json"
    payload = json.loads(json.dumps(payload_of(case.record)))
    payload["exports"][0][field] = value
    path.write_text(json.dumps(with_checksum(payload)))
    with pytest.raises(UserError, match=rf"export\.json: is no list of exports: exports\.0\.{field}") as caught:
        case.read(path)
    assert str(caught.value).isprintable()


def test_a_list_without_files_is_refused(case_of, tmp_path):
    case, path = case_of("export.json"), tmp_path / "export.json"
    path.write_text(json.dumps(with_checksum(payload_of(case.record) | {"exports": []})))
    with pytest.raises(UserError, match="is no list of exports: exports: "):
        case.read(path)
