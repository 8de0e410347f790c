"""Bevatron: from raw physics simulation to trained, compared and explained neural networks.

In a notebook: `load_study`, `open_dataset`, `load_model`, `predictions`, `metrics` and `claims`. They are imported when
first used, and PyTorch only when a network or a batch is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bevatron.api.datasets import open_dataset
    from bevatron.api.models import load_model
    from bevatron.api.results import claims, metrics, predictions
    from bevatron.api.studies import load_study

__version__ = "0.1.0"
__all__ = ["__version__", "claims", "load_model", "load_study", "metrics", "open_dataset", "predictions"]

_MODULES = {
    "load_study": "bevatron.api.studies",
    "open_dataset": "bevatron.api.datasets",
    "load_model": "bevatron.api.models",
    "predictions": "bevatron.api.results",
    "metrics": "bevatron.api.results",
    "claims": "bevatron.api.results",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'bevatron' has no attribute '{name}'")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
