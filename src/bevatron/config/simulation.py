"""The section `simulation`: what makes the raw events, how many shards of them, from which seed."""

from pydantic import Field

from bevatron.config.kinds import SourceOptions
from bevatron.config.section import Count, Section, Seed


class Simulation(Section):
    """Raw events; shard k of the same section is the same file, byte for byte, wherever it is made."""

    source: SourceOptions = Field(description="what makes or reads the raw events, and its own options")
    shards: Count = Field(1, description="number of raw files; each is one job", le=100_000)
    seed: Seed = Field(1, description="every shard's random numbers follow from this seed and the shard's number")
