"""Input and output of the transport of particles through liquid argon."""

from dataclasses import dataclass

import numpy as np

from bevatron.store.shards.columns import Dense, Group, Ragged

SEGMENT_FEATURES = ("x1", "y1", "z1", "x2", "y2", "z2", "path", "dE", "t")
SEGMENT_UNITS = ("cm",) * 7 + ("MeV", "ns")
SEGMENT_ID_FEATURES = ("pdg", "track", "parent", "primary", "from_neutron")
SEGMENT_CLASSES = "segment_classes"  # the group with the class of each segment
PRIMARY_FEATURES = ("x", "y", "z", "t", "px", "py", "pz", "kinetic_energy")
PRIMARY_UNITS = ("cm",) * 3 + ("ns",) + ("MeV",) * 4
PRIMARY_ID_FEATURES = ("pdg", "origin")
BUDGET_FEATURES = ("brought", "deposited", "escaped", "neutral", "binding", "mass")

GUN, NEUTRINO, COSMIC = 0, 1, 2  # `origin` of a primary
PHOTON_CONVERSION_UNKNOWN = float("nan")


@dataclass(frozen=True)
class Box:
    """The liquid argon: low (3,) and high (3,) corners, cm. Particles that leave it have escaped.

    x runs along the drift (the wire planes are at x = low), y upwards, z along the beam.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]


@dataclass(frozen=True)
class Primaries:
    """Particles that events start with, ordered by event.

    event (n,) int64 from 0; pdg (n,) int32; origin (n,) int32; position (n, 3) cm; time (n,) ns; momentum (n, 3) MeV.
    """

    event: np.ndarray
    pdg: np.ndarray
    origin: np.ndarray
    position: np.ndarray
    time: np.ndarray
    momentum: np.ndarray


@dataclass(frozen=True)
class Deposits:
    """The output of the transport of n events.

    segments (total, 9) float32: SEGMENT_FEATURES; a straight piece of a track, `path` its true length, which is longer
    than the chord where the track scattered. ids (total, 5) int32: SEGMENT_ID_FEATURES; PDG code, number of the track
    in its event, that of its parent (-1 for a primary), the primary from which all of it comes, as its rank in the
    event, and 1 where a neutron is among the ancestors. offsets (n + 1,) int64 cut both into events. budget (n, 6)
    float64, MeV: BUDGET_FEATURES, with brought = deposited + escaped + neutral + binding + mass, where `brought` is the
    kinetic energy of all primaries, `escaped` that of all that left the box, `neutral` what neutrinos took away,
    neutrons gave to nuclei that leave no segment, or kept when they were followed no more, `binding` what breaking up
    nuclei cost (negative where neutrons were captured), and `mass` the rest energy that was made less the one that was
    turned into energy. conversion (n_primaries,) float32, cm: the distance of a primary photon to its first interaction
    that makes charged particles; NaN for all others and where there is none inside the box.
    """

    segments: np.ndarray
    ids: np.ndarray
    offsets: np.ndarray
    budget: np.ndarray
    conversion: np.ndarray
    classes: np.ndarray | None = None


def segment_groups(deposits: Deposits, with_classes: bool = False) -> dict[str, Group]:
    """The raw shard's input groups `segments`, `segment_ids` (both ragged) and `budget`, and if so `segment_classes`.

    Raises ValueError for classes of deposits that have none.
    """
    groups = {
        "segments": Group(Ragged(deposits.segments, deposits.offsets), SEGMENT_FEATURES, SEGMENT_UNITS),
        "segment_ids": Group(Ragged(deposits.ids, deposits.offsets), SEGMENT_ID_FEATURES, ("",) * 5),
        "budget": Group(Dense(deposits.budget), BUDGET_FEATURES, ("MeV",) * 6),
    }
    if with_classes:
        if deposits.classes is None:
            raise ValueError("the deposits have no classes")
        column = Ragged(deposits.classes[:, None], deposits.offsets)
        groups[SEGMENT_CLASSES] = Group(column, ("class",), ("",))
    return groups
