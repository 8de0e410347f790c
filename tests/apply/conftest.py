"""Small studies that are trained and evaluated once for all tests of this folder."""

import pytest
from applied import MODELS, SOURCE, jets, make, write_root

from bevatron.apply.stage import apply_model


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Four networks over jets and their tracks, from two ROOT files."""
    place = tmp_path_factory.mktemp("applied")
    files = [write_root(place / f"jets-{number}.root", jets(1500, number)) for number in range(2)]
    return make(place, SOURCE, {name: model for name, model in MODELS.items() if name != "convolutional"}, files)


@pytest.fixture
def scores(tmp_path):
    """Applies a model and gives the columns of the scores, as numpy arrays by name."""
    import uproot

    def run(model, files, **options):
        output = tmp_path / "scores.root"
        apply_model(model, files, output, overwrite=True, **options)
        with uproot.open(output) as file:
            return file["scores"].arrays(library="np")

    return run
