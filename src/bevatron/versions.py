"""Versions of the packages on which numbers depend."""

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "torch",
    "pytorch-lightning",
    "ray",
    "optuna",
    "numpy",
    "scipy",
    "scikit-learn",
    "h5py",
    "hdf5plugin",
    "matplotlib",
)
"""Beside those of the simulation, which the manifest knows."""


def versions() -> dict[str, str]:
    """Bevatron's own version, Python's, and those of the packages that are installed."""
    installed = {"bevatron": version("bevatron"), "python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed
