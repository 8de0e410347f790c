# `snakemake --profile profiles/local` from the repository's root; the workflow itself lies in workflow/.
include: "workflow/Snakefile"


workflow.default_target = "all"  # an included file cannot set it
