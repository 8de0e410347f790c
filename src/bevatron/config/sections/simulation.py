"""The section `simulation`: what makes the raw events, how many shards of them, from which seed."""

from pydantic import Field, model_validator

from bevatron.config.loading.kinds import SourceOptions
from bevatron.config.sections.section import Count, Section, Seed


class Simulation(Section):
    """Raw events; shard k of the same section is the same file, byte for byte, wherever it is made."""

    source: SourceOptions = Field(description="what makes or reads the raw events, and its own options")
    shards: Count = Field(default=1, description="number of raw files; each is one job", le=100_000)
    seed: Seed = Field(
        default=1, description="every shard's random numbers follow from this seed and the shard's number"
    )

    @model_validator(mode="after")
    def _has_seeds_for_all_shards(self) -> "Simulation":
        """Of a generator whose seeds are few, no two shards may share one."""
        max_shards = getattr(self.source, "max_shards", None)
        if max_shards is not None and self.shards > max_shards:
            raise ValueError(
                f"shards: the source '{self.source.kind}' has random seeds for {max_shards:,} shards of this size, "
                f"found {self.shards:,}; ask for fewer or smaller shards"
            )
        return self
