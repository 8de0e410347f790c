"""What a template imports: libraries and Bevatron's own modules that jobs of the workflow use."""

# For simulate, prepare, manifest and observables; they start as soon as these are imported.
IMPORTED_FIRST = (
    "bevatron.cli",
    "numpy",
    "h5py",
    "hdf5plugin",
    "awkward",
    "numba",
    "scipy.signal",
    "scipy.optimize",
    "particle",
    "fastjet",
    "bevatron.config.loading.load",
    "bevatron.simulate.stage",
    "bevatron.prepare.stage",
)
# For the commands in NEED_BOTH, besides.
IMPORTED_NEXT = (
    "torch",
    "pytorch_lightning",
    "matplotlib.pyplot",
    "bevatron.train.stage",
    "bevatron.training.fit",
    "bevatron.evaluate.stage",
    "bevatron.evaluate.observables",
)
NEED_BOTH = frozenset({"train", "evaluate", "search", "export", "report"})
