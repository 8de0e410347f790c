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
