"""HDF5 objects as the types that they are."""

import h5py
import numpy as np
import pytest

from bevatron.store.files.hdf5 import as_dataset, as_group, attribute, dataset_at, group_at, read_array


@pytest.fixture
def file():
    with h5py.File("in-memory.h5", "w", driver="core", backing_store=False) as file:
        file["group/numbers"] = np.arange(6, dtype=np.float32).reshape(2, 3)
        file["type"] = np.dtype("int8")
        file["group"].attrs["unit"] = "GeV"
        yield file


def test_an_array_has_the_shape_and_number_type_of_its_dataset(file):
    values = read_array(file, "group/numbers")
    assert values.shape == (2, 3)
    assert values.dtype == np.float32
    assert np.array_equal(values, read_array(group_at(file, "group"), "numbers"))
    assert attribute(file["group"], "unit") == "GeV"


@pytest.mark.parametrize(
    ("name", "check", "message"),
    [
        ("group", as_dataset, "found a group, expected a dataset"),
        ("group/numbers", as_group, "found a dataset, expected a group"),
        ("type", as_dataset, "found a named type, expected a dataset"),
    ],
)
def test_an_object_of_another_kind_is_refused(file, name, check, message):
    with pytest.raises(TypeError, match=message):
        check(file[name])


def test_a_name_that_is_not_there_is_a_key_error(file):
    with pytest.raises(KeyError):
        dataset_at(file, "group/other")
