# `snakemake --profile profiles/local` from the repository's root; the workflow itself lies in workflow/.
include: "workflow/Snakefile"
