"""Samples of all three layouts with known numbers, and small datasets made of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_samples import MadeDataset, attributes_of, expected_of, make_dataset, make_samples, make_study

from bevatron.config.sections.study import Study
from bevatron.store.shards.columns import Samples


@pytest.fixture
def samples() -> Callable[..., Samples]:
    return make_samples


@pytest.fixture
def expected() -> Callable[[np.ndarray], Samples]:
    return expected_of


@pytest.fixture
def study() -> Callable[..., Study]:
    return make_study


@pytest.fixture
def attributes() -> Callable[[Study], dict]:
    return attributes_of


@pytest.fixture
def new_dataset(tmp_path: Path) -> Callable[..., MadeDataset]:
    return lambda train, folder="dataset", **options: make_dataset(tmp_path / folder, train, **options)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> MadeDataset:
    """Three training shards of odd sizes, one of them without a sample: 1000 + 0 + 777 samples."""
    return make_dataset(tmp_path_factory.mktemp("made"), [1000, 0, 777])


@pytest.fixture(scope="session")
def larger_dataset(tmp_path_factory: pytest.TempPathFactory) -> MadeDataset:
    """Four training shards, one of them without a sample: 1003 + 0 + 1996 + 2000 samples."""
    return make_dataset(tmp_path_factory.mktemp("larger"), [1003, 0, 1996, 2000])
