"""Odd files of every format, drawn from a seed: each is read as its own library reads it, or refused in one line.

BEVATRON_ODD_INPUTS=5000 pytest tests/tables/test_odd_tables.py makes as many files of each format, BEVATRON_ODD_SEED
draws others; what was found so is in benchmarks/FAULTS.md.
"""

import os
import warnings

import awkward as ak
import numpy as np
import pytest
from odd_files import MAKERS, number_in

from bevatron.errors import UserError
from bevatron.tables.open_table import TableOptions, open_table

N_INPUTS = int(os.environ.get("BEVATRON_ODD_INPUTS", "25"))
SEED = int(os.environ.get("BEVATRON_ODD_SEED", "20261130"))


def read_all(path):
    """All columns in two steps; UserError as it is, and one line."""
    try:
        with open_table(path, TableOptions()) as table:
            middle, n = int(table.n_rows) // 2, table.n_rows
            assert n < 10**9, "an endless table"
            found = {}
            for name in list(table.columns):
                try:
                    parts = [table.read([name], 0, middle)[name], table.read([name], middle, n)[name]]
                except UserError as error:
                    found[name] = one_line(error, path)
                    continue
                found[name] = ak.concatenate(parts) if isinstance(parts[0], ak.Array) else np.concatenate(parts)
                assert len(found[name]) == n
            return found
    except UserError as error:
        return one_line(error, path)


def one_line(error, path):
    assert "\n" not in str(error)
    assert path.name in str(error)
    return error


@pytest.mark.parametrize("kind", MAKERS)
def test_an_odd_file_is_read_as_its_library_reads_it_or_refused(kind, tmp_path):
    for k in range(N_INPUTS):
        draw = np.random.default_rng([SEED, k])
        path = tmp_path / f"file.{kind}"
        path.unlink(missing_ok=True)
        expected = MAKERS[kind](draw, path)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = read_all(path)
        if isinstance(found, UserError):
            continue
        assert "" not in expected, f"input {k} was read, though its rows are ragged or its names repeat"
        for name, values in found.items():
            if name in expected and not isinstance(values, UserError):
                same(values, expected[name], f"{kind}, input {k}, column {name!r}")


def same(found, expected, where):
    if isinstance(found, ak.Array):
        if len(found) == 0:
            return
        assert str(found.to_list()) == str(ak.Array(expected).to_list()) or np.array_equal(
            ak.to_numpy(ak.flatten(found)), ak.to_numpy(ak.flatten(expected)), equal_nan=True
        ), where
        assert ak.num(found).to_list() == ak.num(expected).to_list(), where
        return
    if isinstance(expected, ak.Array):
        expected = expected.to_list()
    if found.dtype == object:
        texts = [str(value) for value in (expected if isinstance(expected, list) else expected.tolist())]
        assert [value.strip() for value in found] == [value.strip() for value in texts], where
    elif isinstance(expected, list):  # of a CSV file
        for value, cell in zip(found.tolist(), expected, strict=True):
            wanted = number_in(cell)
            assert value == wanted or (np.isnan(value) and np.isnan(wanted)) or abs(value / wanted - 1) < 1e-12, where
    else:
        np.testing.assert_array_equal(found, expected, err_msg=where)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_damaged_file_is_refused_or_read_but_never_ends_the_program(kind, tmp_path):
    for k in range(N_INPUTS):
        draw = np.random.default_rng([SEED, k, 1])
        path = tmp_path / f"file.{kind}"
        path.unlink(missing_ok=True)
        MAKERS[kind](draw, path)
        content = bytearray(path.read_bytes())
        match draw.integers(4):
            case 0:
                content = content[: int(draw.integers(len(content) + 1))]
            case 1:
                for _ in range(int(draw.integers(1, 20))):
                    content[int(draw.integers(len(content)))] ^= 1 << int(draw.integers(8))
            case 2:
                start = int(draw.integers(len(content)))
                content[start : start + 50] = bytes(draw.integers(0, 256, 50, np.uint8))
            case _:
                start = int(draw.integers(len(content)))
                del content[start : start + int(draw.integers(1, 100))]
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_all(path)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_file_of_another_format_than_is_said_is_refused(kind, tmp_path):
    path = tmp_path / "file.any"
    MAKERS[kind](np.random.default_rng([SEED, 3]), path)
    if kind == "npz":
        (tmp_path / "file.any.npz").rename(path)
    for other in ("root", "hdf5", "parquet", "npz", "csv"):
        if other in (kind, {"h5": "hdf5"}.get(kind)):
            continue
        with pytest.raises(UserError) as error, open_table(path, TableOptions(format=other)) as table:
            list(table.steps(table.columns, 0, None, 10))
        one_line(error.value, path)
