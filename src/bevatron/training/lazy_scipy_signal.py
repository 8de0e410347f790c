"""`scipy.signal`, which Lightning's imports load without using it, loaded when somebody does.

torchmetrics, which Lightning imports, imports `scipy.signal` to give it the name `hamming` for one audio metric. That
costs about half a core-second at each start of a training by hand.
"""

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

NAME = "scipy.signal"


class _LazyModule(ModuleType):
    """Stands for the module until an attribute is asked for: all of them but `hamming` are those of the module."""

    hamming = None  # what torchmetrics looks for; None is never called, as the module has no such function

    def __getattr__(self, attribute: str) -> Any:
        if attribute == "__file__":  # `inspect` asks all modules for it
            raise AttributeError(attribute)
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME]
        return getattr(importlib.import_module(NAME), attribute)


def load_scipy_signal_lazily() -> None:
    """Unless the module is loaded already: whoever imports it gets it as always, on the first use of an attribute."""
    if NAME not in sys.modules:
        module = _LazyModule(NAME)
        module.__spec__ = ModuleSpec(NAME, None)
        sys.modules[NAME] = module
