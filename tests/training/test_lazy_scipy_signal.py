"""Lightning's imports leave `scipy.signal` out, and whoever needs it gets the whole module."""

import subprocess
import sys

import pytest

LAZY = "type(sys.modules['scipy.signal']).__name__ == '_LazyModule'"
USES = {
    "a name": "from scipy.signal import find_peaks; assert find_peaks([0, 1, 0])[0].tolist() == [1]",
    "the module": "import scipy.signal; assert scipy.signal.find_peaks([0, 1, 0])[0].tolist() == [1]",
    "a module of it": "import scipy.signal.windows; assert scipy.signal.windows.hamming(3)[1] == 1.0",
    "what it lacks": "import scipy.signal; assert not hasattr(scipy.signal, 'no_such_name')",
}


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", f"import sys\n{code}"], check=True)


@pytest.mark.slow
def test_a_training_is_imported_without_it():
    run(f"import bevatron.training.fit\nassert {LAZY}")


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_it_is_loaded_when_it_is_used(use):
    loaded = "assert sys.modules['scipy.signal'].__file__"
    run(f"import bevatron.training\nassert {LAZY}\n{use}\n{loaded}\nimport scipy.signal\nassert scipy.signal.windows")


def test_one_that_is_loaded_stays():
    run("import scipy.signal as before\nimport bevatron.training\nassert sys.modules['scipy.signal'] is before")


def test_looking_at_all_modules_does_not_load_it():
    run(f"import inspect, bevatron.training\ninspect.getmodule(len)\ninspect.getmodule(lambda: 0)\nassert {LAZY}")
