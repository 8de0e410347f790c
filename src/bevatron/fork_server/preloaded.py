"""What a template imports: the libraries and the modules of Bevatron that jobs of the workflow use.

A module that is missing here costs its import in each job, and nothing else.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from itertools import pairwise

from bevatron.compute.ray.ray_python import OF_RAY

# For simulate, prepare, manifest and observables; they start as soon as these are imported.
IMPORTED_FIRST = (
    "bevatron.cli",
    "typer._click.decorators",
    "numpy",
    "h5py",
    "hdf5plugin",
    "awkward",
    "numba",
    "scipy.signal",
    "scipy.optimize",
    "fastjet",
    "bevatron.logs",
    "bevatron.config.loading.load",
    "bevatron.simulate.stage",
    "bevatron.prepare.stage",
    "bevatron.prepare.recipes.*",
    "bevatron.report.claims.*",
)
# For the commands in NEED_BOTH, besides.
IMPORTED_NEXT = (
    "torch",
    "pytorch_lightning",
    "torch.utils.tensorboard",
    "matplotlib.pyplot",
    "bevatron.train.stage",
    "bevatron.training.fit",
    "bevatron.training.tasks.*",
    "bevatron.models.architectures.*",
    "bevatron.store.readers.*",
    "bevatron.evaluate.stage",
    "bevatron.evaluate.observables",
    "bevatron.evaluate.predictions.*",
    "bevatron.evaluate.inspection.*",
    "bevatron.evaluate.tasks.*",
    "bevatron.apply.stage",
    "bevatron.apply.torch_networks",
    "bevatron.report.stage",
    "bevatron.report.sections.*",
    "bevatron.report.explore.panels.*",
    "matplotlib.backends.backend_svg",
    "matplotlib.backends.backend_pdf",
    "fontTools.subset",
)
# For jobs that start a Ray cluster, besides: imported when the first of them comes, for most workflows have few.
IMPORTED_FOR_RAY = (
    *OF_RAY,
    "pyarrow.fs",
    "ray.tune",
    "ray.train.torch",
    "optuna",
    "bevatron.search.stage",
    "bevatron.search.trials",
    "bevatron.search.trial",
    "bevatron.train.together",
    "bevatron.search.plot",
    "mplhep",
    "matplotlib.backends.backend_agg",
)
NEED_BOTH = frozenset({"train", "evaluate", "search", "export", "apply", "report-study", "report"})


def needs_ray(arguments: list[str]) -> bool:
    """Whether the command, with its arguments, starts a Ray cluster."""
    options = dict(pairwise(arguments))
    return arguments[1:2] == ["search"] or options.get("--workers", "1") != "1"


def import_all(names: tuple[str, ...]) -> Iterator[str]:
    """Import the modules, and of `package.*` all modules of the package; yields each name after its import.

    Modules of a package whose own libraries are not installed are left out, as components are that need an extra.
    """
    for name in names:
        if name.endswith(".*"):
            package = importlib.import_module(name[:-2])
            for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
                try:
                    importlib.import_module(found.name)
                except ModuleNotFoundError as error:
                    if (error.name or "bevatron").partition(".")[0] == "bevatron":
                        raise
                yield found.name
        else:
            importlib.import_module(name)
            yield name
