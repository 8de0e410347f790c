"""Names of shards: four digits, and more from the shard 10,000 on."""

SHARD_NUMBER = r"\d{4}|[1-9]\d{4,8}"  # a regular expression, in the form that Snakemake takes in a wildcard


def shard_number(number: int) -> str:
    """The number as it is written in the name of a shard."""
    return f"{number:04d}"


def raw_shard(number: int) -> str:
    """File name of a shard of raw events."""
    return f"shard-{shard_number(number)}.h5"


def sample_shard(split: str, number: int) -> str:
    """File name of a shard of samples of the split."""
    return f"{split}-{shard_number(number)}.h5"


def fold_part(fold: int, part: str) -> str:
    """What stands in the place of a split in the names of shards of a cross-validation: a part of a fold."""
    return f"fold-{fold}-{part}"


def fold_folder(fold: int) -> str:
    """Name of the folder of what belongs to a fold: its trainings, its exported models."""
    return f"fold-{fold}"


def fold_manifest(fold: int) -> str:
    """File name of the manifest of a fold, beside the shards."""
    return f"manifest-fold-{fold}.json"
