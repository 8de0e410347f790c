"""LightningModules, one for each task, the DataModule, and the function `fit`. It knows no Ray and no Snakemake."""

from bevatron.training.lazy_scipy_signal import load_scipy_signal_lazily

load_scipy_signal_lazily()  # before any module here imports Lightning
