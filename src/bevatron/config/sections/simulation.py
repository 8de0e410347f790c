"""The section `simulation`: what makes the raw events, how many shards of them, from which seed."""

from pydantic import ConfigDict, Field, model_validator

from bevatron.config.loading.kinds import SourceOptions
from bevatron.config.sections.section import Count, Section, Seed
from bevatron.errors import UserError

MOST_SHARDS = 100_000


class Simulation(Section):
    """Raw events; shard k of the same section is the same file, byte for byte, wherever it is made."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    source: SourceOptions = Field(description="what makes or reads the raw events, and its own options")
    asked_shards: Count | None = Field(
        default=None,
        alias="shards",
        description="number of raw files; each is one job. Fewer than the files of others make: only the first. "
        "Default: as many as those files make; 1 of a generator",
        le=MOST_SHARDS,
    )
    seed: Seed = Field(
        default=1, description="every shard's random numbers follow from this seed and the shard's number"
    )

    @property
    def shards(self) -> int:
        """The number of raw files. Raises UserError where it follows from files that are not there or not read yet."""
        if self.asked_shards is not None:
            return self.asked_shards
        count = getattr(self.source, "n_shards", None)
        if count is None:
            return 1
        number = count()
        if number is None:
            what = f"how many shards the source '{self.source.kind}' makes with per_shard is known once all is read"
            raise UserError("simulation.shards", what, "set it; for a shard too many an error says how many there are")
        return number

    @model_validator(mode="after")
    def _has_seeds_for_all_shards(self) -> "Simulation":
        """Of a generator whose seeds are few, no two shards may share one."""
        max_shards = getattr(self.source, "max_shards", None)
        if max_shards is not None and (self.asked_shards or 1) > max_shards:
            raise ValueError(
                f"shards: the source '{self.source.kind}' has random seeds for {max_shards:,} shards of this size, "
                f"found {self.shards:,}; ask for fewer or smaller shards"
            )
        return self
