"""Proton collisions from Pythia 8, in batches of events as flat arrays."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np

from bevatron.errors import UserError
from bevatron.simulate.collisions.particles import Particles

BATCH = 200  # events of a call: Python's part of the time is small then, and the records need less than 100 MB
SEEDS = 900_000_000  # Pythia takes 1 to this number


class Collisions:
    """A Pythia generator for one kind of collision.

    `seconds` is the time spent inside Pythia so far, `start_seconds` that of its start alone. The events follow from
    the settings and the seed (0 to SEEDS - 1) only. Pythia's random numbers come from RANMAR. It converts a seed into
    four small numbers, different ones for each seed, and each seed starts a sequence of its own that is long enough for
    a shard (G. Marsaglia, A. Zaman, W. W. Tsang, Stat. Prob. Lett. 9 (1990) 35; F. James, Comput. Phys. Commun. 60
    (1990) 329). Unless the settings say otherwise, K0_S, Λ and other strange hadrons decay, at displaced vertices, and
    are a background in light jets; π±, K±, μ and K0_L are stable.
    """

    def __init__(self, settings: list[str], seed: int, where: str):
        """Raises UserError, naming `where` the settings are, if Pythia does not accept them, and ValueError for a
        seed that Pythia does not have: one taken modulo the number of seeds may be another's.
        """
        import pythia8mc

        if not 0 <= seed < SEEDS:
            raise ValueError(f"Pythia has no seed {seed}: they go from 0 to {SEEDS - 1}, and are counted from 1 by it")
        start = perf_counter()
        self._species = np.zeros(0, np.int64), np.zeros(0, np.int32)  # PDG numbers seen so far, and charges
        self.where = where
        self.pythia = pythia8mc.Pythia("", False)
        quiet = ["Print:quiet = on"]
        randomness = ["Random:setSeed = on", f"Random:seed = {1 + seed}"]
        for setting in (*quiet, *settings, *randomness):
            if not self._is_known(setting) or not self.pythia.readString(setting):
                raise UserError(where, f"Pythia does not know the setting '{setting}'", "see Pythia's manual")
        if not self.pythia.init():
            raise UserError(where, "Pythia does not start with these settings", "see its message above")
        self.start_seconds = self.seconds = perf_counter() - start

    def _is_known(self, setting: str) -> bool:
        """Whether Pythia has such a key: asked first, as Pythia prints pages about one it does not know."""
        key = setting.split("=")[0].strip()
        known = self.pythia.settings
        kinds = (
            known.isFlag,
            known.isMode,
            known.isParm,
            known.isWord,
            known.isFVec,
            known.isMVec,
            known.isPVec,
        )
        return key[:1].isdigit() or any(is_kind(key) for is_kind in kinds)

    def batches(self, events: int, size: int = BATCH) -> Iterator[Particles]:
        """`events` events, `size` at a time. An event that Pythia gives up is replaced by the next."""
        generated = 0
        while generated < events:
            start = perf_counter()
            batch = self.pythia.nextBatch(min(size, events - generated))
            self.seconds += perf_counter() - start
            if len(batch) == 0:
                raise UserError(self.where, f"Pythia gave up after {generated} events", "see its message above")
            generated += len(batch)
            yield flatten_batch(batch)

    def charges(self, pdg_id: np.ndarray) -> np.ndarray:
        """Three times the electric charge of each particle, int32; each species is looked up once."""
        place = self._places(pdg_id)
        if place is None:  # some were never seen before
            numbers = np.union1d(self._species[0], pdg_id)
            kinds = [self.pythia.particleData.chargeType(int(number)) for number in numbers]
            self._species = numbers, np.array(kinds, np.int32)
            place = self._places(pdg_id)
        return self._species[1][place]

    def _places(self, pdg_id: np.ndarray) -> np.ndarray | None:
        """The row of each in the table of species, (n,); None if one is not in it."""
        numbers = self._species[0]
        place = np.searchsorted(numbers, pdg_id)
        known = (numbers.take(place, mode="clip") == pdg_id).all() if len(numbers) else len(pdg_id) == 0
        return place if known else None


def flatten_batch(batch: Any) -> Particles:
    """Pythia's awkward array of events as flat numpy arrays."""
    import awkward as ak

    records = batch.prt
    offsets = np.zeros(len(records) + 1, np.int64)
    np.cumsum(ak.to_numpy(ak.num(records)), out=offsets[1:])
    flat = ak.flatten(records)
    momentum = flat.p
    return Particles(
        offsets=offsets,
        pdg_id=ak.to_numpy(flat.id),
        status=ak.to_numpy(flat.status),
        mother=ak.to_numpy(flat.mother1),
        daughter=ak.to_numpy(flat.daughter1),
        px=ak.to_numpy(momentum.px),
        py=ak.to_numpy(momentum.py),
        pz=ak.to_numpy(momentum.pz),
        energy=ak.to_numpy(momentum.e),
        vertex=_positions(flat.vProd),
    )


def _positions(vertex: Any) -> np.ndarray:
    """(n, 3) of an awkward array of positions; entries without one come from the collision, the origin."""
    option = vertex.layout.to_IndexedOptionArray64()  # as awkward's own functions, several times as fast
    place = np.asarray(option.index.data)
    has_vertex = np.flatnonzero(place >= 0)
    positions = np.zeros((len(place), 3))
    for number, axis in enumerate(("px", "py", "pz")):
        positions[has_vertex, number] = np.asarray(option.content[axis].data)[place[has_vertex]]
    return positions


def versions() -> dict[str, str]:
    """The version of Pythia, by the name of its package."""
    from importlib.metadata import version

    return {"pythia8mc": version("pythia8mc")}
