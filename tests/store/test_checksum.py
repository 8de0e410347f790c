"""A seal tells a file whose values were changed from the one that was written, also after a passage through YAML."""

import json
from pathlib import Path

import pytest
import yaml

from bevatron.errors import UserError
from bevatron.store.files.checksum import check_checksum, with_checksum

TREE = {
    "values": {"training.learning_rate": 1e-05, "widths": [64, 32]},
    "val_loss": 0.1 + 0.2,
    "ended": {"finished": 3},
}


@pytest.mark.parametrize(
    ("write", "read"),
    [(json.dumps, json.loads), (lambda tree: yaml.safe_dump(tree, sort_keys=False), yaml.safe_load)],
)
def test_every_bit_counts(write, read):
    text = write(with_checksum(TREE))
    check_checksum(read(text), Path("file"), "again")
    content = text.encode()
    for at in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[at] ^= 1 << bit
            try:
                tree = read(damaged.decode())
                check_checksum(tree, Path("file"), "again")
            except (UserError, ValueError, yaml.YAMLError):
                continue
            values = {key: tree[key] for key in TREE} if isinstance(tree, dict) and TREE.keys() <= tree.keys() else None
            assert values == TREE, damaged  # a blank became another, say, or the seal's own name changed


def test_a_file_cut_short_is_noticed():
    text = yaml.safe_dump(with_checksum(TREE), sort_keys=False)
    for size in range(80, len(text) - 1):
        try:
            tree = yaml.safe_load(text[:size])
        except yaml.YAMLError:
            continue
        with pytest.raises(UserError, match="changed or damaged"):
            check_checksum(tree, Path("file"), "again")


def test_a_file_without_a_seal_is_taken_as_it_is():
    check_checksum(TREE, Path("file"), "again")
