"""What a shard's random numbers follow from."""

from dataclasses import dataclass

import numpy as np

from bevatron.compute.numerics.permutation import permute
from bevatron.config.loading.digest import seed_of


@dataclass(frozen=True)
class ShardSeed:
    """The seeds of one raw shard: they follow from the study's section `simulation` and the shard's number alone.

    own: 63 bits, of this shard; for generators that take as many (numpy's Philox), where random seeds do not collide.
    study: 63 bits, the same for all shards of a study. A generator with fewer bits is given a `unique_seed`:
    seeds taken modulo its limit would collide.
    """

    own: int
    study: int
    shard: int

    @classmethod
    def of(cls, digest: str, shard: int) -> "ShardSeed":
        """Of shard number `shard` of raw shards with this digest."""
        return cls(seed_of("simulate", digest, shard), seed_of("simulate", digest), shard)

    def generator(self) -> np.random.Generator:
        """The shard's own generator."""
        return np.random.Generator(np.random.Philox(self.own))

    def unique_seed(self, limit: int, number: int, per_shard: int) -> int:
        """Of the shard's `number`-th of `per_shard` seeds, one from 0 to limit - 1 that no other of the study's has."""
        if not 0 <= number < per_shard:
            raise ValueError(f"seed {number} of {per_shard} of a shard")
        return int(permute(self.shard * per_shard + number, limit, self.study)[0])

    def unique_seed_from_end(self, limit: int) -> int:
        """One seed more of the shard, apart from those of `unique_seed` while shards · (per_shard + 1) ≤ limit."""
        return int(permute(limit - 1 - self.shard, limit, self.study)[0])
