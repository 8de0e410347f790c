"""LightningModules, one per task, the DataModule, and the one function that fits. Knows no Ray, no Snakemake."""
