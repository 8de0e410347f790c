"""LightningModules, one for each task, the DataModule, and the function `fit`. It knows no Ray and no Snakemake."""
