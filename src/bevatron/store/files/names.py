"""Names of shards: four digits, and more from the shard 10,000 on."""

SHARD_NUMBER = r"\d{4}|[1-9]\d{4,8}"  # a regular expression, in the form that Snakemake takes in a wildcard


def shard_number(number: int) -> str:
    return f"{number:04d}"


def raw_shard(number: int) -> str:
    return f"shard-{shard_number(number)}.h5"


def sample_shard(split: str, number: int) -> str:
    return f"{split}-{shard_number(number)}.h5"
