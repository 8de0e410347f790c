"""HDF5 files with a table of events and tables of their elements: each event gets its own rows as lists."""

from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.tables.open_table import TableOptions, open_table

COUNTS = np.array([3, 0, 2, 0, 4])
OPTIONS = TableOptions(tree="event_table", lists={"hit_table": "event_id.seq_cnt"})


def write(folder: Path, **changes) -> Path:
    """Five events, of which two have no hits; `changes` replace datasets of the hits, None leaves one out."""
    total = int(COUNTS.sum())
    hits = {
        "charge": np.arange(total, dtype=np.float32)[:, None],
        "plane": np.arange(total, dtype=np.int32) % 3,
        "at": np.arange(2 * total, dtype=np.float64).reshape(total, 2),
        "event_id.seq_cnt": np.array([(k, n) for k, n in enumerate(COUNTS) if n]),
    }
    path = folder / "events.h5"
    with h5py.File(path, "w") as file:
        file["event_table/energy"] = np.arange(5.0)[:, None]
        for name, values in (hits | changes).items():
            if values is not None:
                file.create_dataset(f"hit_table/{name}", data=values, compression="gzip")
        file["hit_table/of_another_table"] = np.zeros(50)
    return path


def test_each_event_gets_its_rows(tmp_path):
    expected = ak.unflatten(np.arange(9), COUNTS).to_list()
    with open_table(write(tmp_path), OPTIONS) as table:
        assert table.n_rows == 5
        assert set(table.columns) == {
            "energy", "hit_table.charge", "hit_table.plane", "hit_table.at.0", "hit_table.at.1"
        }  # fmt: skip
        found = table.read(["energy.0", "hit_table.charge", "hit_table.at.1"], 0, 5)
        assert found["energy.0"].tolist() == [0, 1, 2, 3, 4]
        assert found["hit_table.charge"].to_list() == expected
        assert found["hit_table.at.1"].to_list() == [[2 * k + 1 for k in event] for event in expected]
        for start, stop in ((0, 1), (1, 2), (2, 5), (4, 5), (3, 4)):
            assert table.read(["hit_table.charge"], start, stop)["hit_table.charge"].to_list() == expected[start:stop]


def test_a_count_for_each_event_means_the_same(tmp_path):
    with open_table(write(tmp_path, **{"event_id.seq_cnt": COUNTS}), OPTIONS) as table:
        lists = table.read(["hit_table.plane"], 0, 5)["hit_table.plane"]
    assert ak.num(lists).to_list() == COUNTS.tolist()


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (None, "has no dataset 'event_id.seq_cnt' in 'hit_table'; it has: at, charge"),
        (np.array([(0, 3), (7, 6)]), "does not name events from 0 to 4 in rising order"),
        (np.array([(2, 3), (0, 6)]), "does not name events from 0 to 4 in rising order"),
        (np.array([3, 6]), "has 2 counts for 5 events"),
        (np.array([12, -3, 0, 0, 0]), "has a count of -3"),
        (np.array([3, 0, 2, 0, 3]), "has no column with the 8 rows"),
        (COUNTS.astype(float), "which are no numbers of rows"),
    ],
)
def test_counts_that_do_not_fit_are_told_in_one_line(tmp_path, counts, message):
    with pytest.raises(UserError, match=r"events\.h5") as error:
        open_table(write(tmp_path, **{"event_id.seq_cnt": counts}), OPTIONS)
    assert message in str(error.value)


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="has no group or dataset 'hits'; / has: event_table, hit_table"):
        open_table(write(tmp_path), TableOptions(tree="event_table", lists={"hits": "n"}))


def test_counts_behind_a_link_are_not_followed(tmp_path):
    path = write(tmp_path, **{"event_id.seq_cnt": None})
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["counts"] = COUNTS
    with h5py.File(path, "a") as file:
        file["counts"] = COUNTS
        file["hit_table/event_id.seq_cnt"] = h5py.ExternalLink("other.h5", "counts")
        file["hit_table/soft"] = h5py.SoftLink("/counts")
    for counts in ("event_id.seq_cnt", "soft", "../counts", "/counts"):
        with pytest.raises(UserError, match=f"has no dataset '{counts}' in 'hit_table'"):
            open_table(path, TableOptions(tree="event_table", lists={"hit_table": counts}))


def test_counts_that_were_never_written_are_refused(tmp_path):
    path = write(tmp_path, **{"event_id.seq_cnt": None})
    with h5py.File(path, "a") as file:
        file.create_dataset("hit_table/event_id.seq_cnt", (10**12,), "i8", chunks=(1000,))
    with pytest.raises(UserError, match="was not written whole"):
        open_table(path, OPTIONS)
