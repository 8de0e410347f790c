# Files and settings of systematic variations.
def variation_of(wildcards):
    return STUDIES[wildcards.study].variations[wildcards.variation]


def files_of_variation(wildcards):
    """What a shard of a variation is read from. As of a study, a sentence for a number that it does not have."""
    facts = variation_of(wildcards)
    if int(wildcards.shard) < facts.shards:
        return facts.files[int(wildcards.shard)] if facts.files else []
    return f"no shard {wildcards.shard}: variation {wildcards.variation} of {wildcards.study} has {facts.shards}"


def unknown_variation(wildcards):
    """Nothing; for a variation that only other studies have, a sentence that Snakemake names as what is missing."""
    known = STUDIES[wildcards.study].variations
    if wildcards.variation in known:
        return []
    return f"no variation {wildcards.variation}: {wildcards.study} has {', '.join(known) or 'none'}"


def options_of_variation(wildcards):
    return [*OPTIONS, f"--variation={wildcards.variation}"]
