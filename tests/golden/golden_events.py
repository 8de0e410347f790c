"""Made-up raw events for the recipes: they follow from integers alone, so that no source's change reaches a recipe."""

import zlib

import numpy as np

from bevatron.raw.split import uniform
from bevatron.simulate.collisions.event_jets import FOUR_MOMENTUM, UNITS
from bevatron.simulate.external.jet_flavour_lines import TRACK, TRACK_EXPERTS, VERTEX_EXPERTS
from bevatron.simulate.sources.nanoaod import KINEMATICS, VERTEX
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples, SparseImages

N = 60


def drawn(name: str, *shape: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """Numbers uniform in [low, high) that follow from `name` by a hash of integers, float64: another name, others."""
    count = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(zlib.crc32(name.encode()) << 20)
    return low + (high - low) * uniform(count).reshape(shape)


def cut(name: str, n: int, most: int) -> np.ndarray:
    """Offsets of n lists of 0 to `most` elements."""
    lengths = drawn(f"lengths of {name}", n, high=most + 1).astype(np.int64)
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def ids(n: int = N) -> np.ndarray:
    return np.arange(n, dtype=np.uint64) + np.uint64(3 << 40)


def draws(n_classes: int | None = None) -> Samples:
    """As those of the sources `function` and `gaussians`."""
    values = np.stack([drawn("x", N, low=-10, high=10), drawn("z", N, low=-2, high=2)], axis=1)
    targets = {"split": np.arange(N) % 3}
    if n_classes:
        targets["class"] = np.arange(N) % n_classes
    names = ("z1", "z2") if n_classes else ("x", "z")
    return Samples({"draw": Group(Dense(values.astype(np.float32)), names, ("", ""))}, targets, ids())


def two_frames() -> Samples:
    """As those of the source `resonances`."""
    names = tuple(f"{component}{k}" for k in (1, 2) for component in ("e", "px", "py", "pz"))
    frames = {
        name: Group(Dense(drawn(name, N, 8, low=-3, high=3).astype(np.float32)), names, ("GeV",) * 8)
        for name in ("lab", "boosted")
    }
    mass = drawn("mass", N, low=1, high=5).astype(np.float32)
    return Samples(frames, {"mass": mass, "label": np.arange(N) % 3}, ids())


def coloured() -> Samples:
    values = drawn("pictures", 12, 3, 8, 8).astype(np.float32)
    group = Group(Dense(values), ("red", "green", "blue"), ("",) * 3)
    return Samples({"image": group}, {"label": np.arange(12) % 10}, ids(12))


def strokes() -> Samples:
    """As those of the source `strokes`."""
    images = {name: drawn(f"strokes, {name}", 12, 1, 6, 6, low=-1).astype(np.float32) for name in ("sparse", "dense")}
    groups = {name: Group(Dense(values), ("intensity",), ("",)) for name, values in images.items()}
    return Samples(groups, {"orientation": np.arange(12) % 4, "split": np.arange(12) % 3}, ids(12))


def skies() -> Samples:
    inputs, targets = {}, {}
    for name, width in (("galaxy", 4), ("star", 2)):
        targets[name] = drawn(name, 10, 1, 8, 8, high=50).astype(np.float32)
        noisy = targets[name] + drawn(f"noise of {name}", 10, 1, 8, 8, low=-1).astype(np.float32)
        inputs[name] = Group(Dense(noisy), ("flux",), ("counts",))
        targets[f"{name}_parameters"] = drawn(f"parameters of {name}", 10, width).astype(np.float32)
    return Samples(inputs, targets, ids(10))


def nano() -> Samples:
    features = (*KINEMATICS, "area")
    ranges = {"pt": (20, 200), "eta": (-2.5, 2.5), "phi": (-3.1, 3.1), "mass": (1, 20), "area": (0, 1)}
    jets = np.stack([drawn(f"jet {f}", N, low=ranges[f][0], high=ranges[f][1]) for f in features], axis=1)
    offsets = cut("vertices", N, 8)
    owner = np.repeat(np.arange(N), np.diff(offsets))
    vertices = np.stack([drawn(f"vertex {f}", len(owner), low=0.1, high=9) for f in VERTEX], axis=1)
    for column, name in ((1, "eta"), (2, "phi")):
        vertices[:, column] = jets[owner, column] + drawn(f"away in {name}", len(owner), low=-0.4, high=0.4)
    inputs = {
        "jet": Group(Dense(jets.astype(np.float32)), features, (*KINEMATICS.values(), "")),
        "vertices": Group(Ragged(vertices.astype(np.float32), offsets), tuple(VERTEX), tuple(VERTEX.values())),
    }
    return Samples(inputs, {"flavour": np.array([0, 4, 5])[np.arange(N) % 3], "event": ids()}, ids())


def published_jets() -> Samples:
    offsets = cut("tracks", N, 20)
    tracks = np.stack([drawn(f"track {f}", offsets[-1], low=-1) for f in TRACK], axis=1)
    tracks[:, list(TRACK).index("cov_d0_d0")] = drawn("variance", offsets[-1], low=0.0, high=0.1)
    experts = (*TRACK_EXPERTS, *VERTEX_EXPERTS)
    inputs = {
        "jet": Group(Dense(drawn("jet", N, 2, high=90).astype(np.float32)), ("pt", "eta"), ("GeV", "")),
        "experts": Group(Dense(drawn("e", N, len(experts)).astype(np.float32)), experts, ("",) * len(experts)),
        "tracks": Group(Ragged(tracks.astype(np.float32), offsets), tuple(TRACK), tuple(TRACK.values())),
    }
    return Samples(inputs, {"flavour": np.array([0, 4, 5])[np.arange(N) % 3], "event": ids()}, ids())


def collisions(events: int = 60) -> Samples:
    """Two jets an event of ten particles each; of two jets of three, some come from a decay some mm away."""
    n, each = 2 * events, 10
    pt, eta, phi = (drawn(name, n, low=low, high=high) for name, low, high in
                    (("pt", 25, 90), ("eta", -2, 2), ("phi", -3.1, 3.1)))  # fmt: skip
    axis = np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)], axis=1)
    quark = np.array([0, 4, 5])[np.arange(n) % 3]
    decay = axis / np.linalg.norm(axis, axis=1)[:, None] * (drawn("flight", n, low=1.5, high=6) * (quark > 0))[:, None]
    jet, place = np.repeat(np.arange(n), each), np.tile(np.arange(each), n)
    fraction = drawn("share", n * each, low=0.04, high=0.16) * pt[jet]
    spread = [drawn(f"away in {name}", n * each, low=-0.2, high=0.2) for name in ("eta", "phi")]
    momentum = _momenta(fraction, eta[jet] + spread[0], phi[jet] + spread[1])
    vertex = np.where((place >= 6)[:, None], decay[jet], 0.0)
    thirds = np.where(place == 5, 0, np.where(place % 2, 3, -3))
    inputs = {"jet": Group(Dense(np.stack([pt, eta, phi, np.full(n, 6.0)], axis=1).astype(np.float32)),
                           ("pt", "eta", "phi", "mass"), ("GeV", "", "rad", "GeV"))}  # fmt: skip
    inputs |= _listed("constituents", momentum, vertex, thirds, np.arange(0, n * each + 1, each))
    count = np.where(np.arange(n) % 2, 0, 15)  # spectators stand with the first jet of their event
    outside = int(count.sum())
    around = _momenta(drawn("soft", outside, low=0.6, high=3), drawn("soft eta", outside, low=-2.4, high=2.4),
                      drawn("soft phi", outside, low=-3.1, high=3.1))  # fmt: skip
    charge = np.where(np.arange(outside) % 2, 3, -3)
    inputs |= _listed("spectators", around, np.zeros((outside, 3)), charge, np.concatenate([[0], np.cumsum(count)]))
    heavy = np.flatnonzero(quark)
    hadrons = np.column_stack(
        [0.7 * pt[heavy, None] * axis[heavy], 0.9 * pt[heavy] * np.cosh(eta[heavy]), decay[heavy]]
    )
    offsets = np.searchsorted(heavy, np.arange(n + 1)).astype(np.int64)
    numbers = np.stack([np.where(quark[heavy] == 5, 511, 421), quark[heavy]], axis=1).astype(np.int32)
    inputs["hadrons"] = Group(Ragged(hadrons.astype(np.float32), offsets), FOUR_MOMENTUM, UNITS)
    inputs["hadron_ids"] = Group(Ragged(numbers, offsets), ("pdg_id", "quark"), ("", ""))
    nearest = np.stack([np.where(quark > 0, quark, 21), drawn("to the parton", n, high=0.7)], axis=1)
    inputs["partons"] = Group(Ragged(nearest.astype(np.float32), np.arange(n + 1)), ("pdg_id", "delta_r"), ("", ""))
    event = np.repeat(ids(events), 2)
    number = event << np.uint64(8) | (np.arange(n) % 2).astype(np.uint64)
    return Samples(inputs, {"event": event, "process": np.zeros(n, np.int64)}, number)


def collisions_amid_others(events: int = 60, others: int = 6) -> Samples:
    """The same jets with the origin of each particle, and `others` further collisions of four particles in each event:
    one of them in each jet, two far away.
    """
    raw = collisions(events)
    n, inputs = len(raw), dict(raw.inputs)
    for name, of in (("constituent_origins", "constituents"), ("spectator_origins", "spectators")):
        column = raw.inputs[of].column
        displaced = (column.values[:, 4:7] != 0).any(axis=1)
        inputs[name] = Group(
            Ragged(np.where(displaced, 3, 2).astype(np.int8)[:, None], column.offsets), ("origin",), ("",)
        )
    if others:
        jets = inputs["jet"].column.values.astype(float)
        near, far = n * others, events * 2 * others
        jet = np.repeat(np.arange(n), others)
        moved = [drawn(f"other in {name}", near, low=-0.25, high=0.25) for name in ("eta", "phi")]
        inside = _momenta(drawn("other", near, low=0.6, high=3), jets[jet, 1] + moved[0], jets[jet, 2] + moved[1])
        outside = _momenta(drawn("far", far, low=1.1, high=4), drawn("far eta", far, low=-2.4, high=2.4),
                           drawn("far phi", far, low=-3.1, high=3.1))  # fmt: skip
        inputs |= _of_others("pile_up", "pile_up_ids", inside, np.tile(np.arange(others), n), np.full(n, others))
        inputs |= _of_others("pile_up_spectators", "pile_up_spectator_ids", outside,
                             np.tile(np.repeat(np.arange(others), 2), events),
                             np.where(np.arange(n) % 2, 0, 2 * others))  # fmt: skip
        whole = np.column_stack([inside, np.linalg.norm(inside, axis=1)])
        sums = np.add.reduceat(whole, np.arange(0, near, others))
        energy = np.concatenate([0.3 * sums, 0.7 * sums], axis=1).astype(np.float32)
        inputs["pile_up_energy"] = Group(Dense(energy), tuple(f"{kind}_{axis}" for kind in ("em", "hadronic")
                                                              for axis in FOUR_MOMENTUM[:4]), ("GeV",) * 8)  # fmt: skip
        event = np.tile(np.array([[others, 2.0, 6.0]], np.float32), (n, 1))
        inputs["pile_up_event"] = Group(Dense(event), ("n_collisions", "em_density", "hadronic_density"), ("", "", ""))
    return Samples(inputs, raw.targets, raw.id)


def _of_others(name: str, ids_name: str, momentum: np.ndarray, collision: np.ndarray, count: np.ndarray) -> dict:
    """Charged particles of further collisions, listed `count` (n_jets,) to a jet."""
    offsets = np.concatenate([[0], np.cumsum(count)])
    listed = _listed(
        name, momentum, np.zeros((len(momentum), 3)), np.where(np.arange(len(momentum)) % 2, 3, -3), offsets
    )
    numbers = np.column_stack([next(g for k, g in listed.items() if k != name).column.values, collision])
    ids = Group(
        Ragged(numbers.astype(np.int32), offsets.astype(np.int64)), ("pdg_id", "charge_thirds", "collision"), ("",) * 3
    )
    return {name: listed[name], ids_name: ids}


def argon() -> Samples:
    """Three events of two straight tracks each and a cosmic one, in pieces of 3 mm."""
    segments, numbers, offsets = [], [], [0]
    for event in range(3):
        for rank in range(3):
            start = drawn(f"start {event} {rank}", 3, low=-20, high=20) + np.array([120, 0, 150])
            along = drawn(f"along {event} {rank}", 3, low=-1)
            along = along / np.sqrt((along**2).sum())
            for k in range(100):
                a, b = start + 0.3 * k * along, start + 0.3 * (k + 1) * along
                segments.append([*a, *b, 0.3, (0.5 + rank) * 0.3 * 1.8, 5.0 * rank])
                numbers.append([13, rank, -1, rank])
        offsets.append(len(segments))
    cuts = np.array(offsets, np.int64)
    primaries = np.zeros((9, 8), np.float32)
    primaries[:, :3] = np.array(segments)[::100, :3]
    primaries[:, 4:7] = 500 * (np.array(segments)[::100, 3:6] - primaries[:, :3]) / 0.3
    primary_ids = np.array([[13, 0], [2212, 0], [13, 2]] * 3, np.int32)
    groups = {
        "segments": Ragged(np.array(segments, np.float32), cuts),
        "segment_ids": Ragged(np.array(numbers, np.int32), cuts),
        "primaries": Ragged(primaries, np.arange(0, 10, 3)),
        "primary_ids": Ragged(primary_ids, np.arange(0, 10, 3)),
        "conversion": Dense(np.array([[-1.0], [0.4], [-1.0]], np.float32)),
    }
    attributes = {"box": {"low": [0, -100, 0], "high": [250, 100, 300]}, "particle_codes": [13, 2212]}
    targets = {"particle": np.arange(3), "neutrino": np.array([1, 0, 1])}
    return Samples({k: Group(c, (), ()) for k, c in groups.items()}, targets, ids(3), attributes=attributes)


def _momenta(pt: np.ndarray, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=1)


def _listed(name: str, momentum: np.ndarray, vertex: np.ndarray, thirds: np.ndarray, offsets: np.ndarray) -> dict:
    """The group of particles, and that of their numbers."""
    values = np.column_stack([momentum, np.linalg.norm(momentum, axis=1) + 0.01, vertex]).astype(np.float32)
    numbers = np.stack([np.where(thirds == 0, 22, 211), thirds], axis=1).astype(np.int32)
    place = offsets.astype(np.int64)
    return {
        name: Group(Ragged(values, place), FOUR_MOMENTUM, UNITS),
        f"{name[:-1]}_ids": Group(Ragged(numbers, place), ("pdg_id", "charge_thirds"), ("", "e/3")),
    }


def rows_of_a_table() -> Samples:
    """As those of the source `table`."""
    offsets = cut("elements", N, 5)
    elements = drawn("elements", offsets[-1], 2, low=-1).astype(np.float32)
    inputs = {
        "jet": Group(Dense(drawn("jet of a table", N, 2).astype(np.float32)), ("pt", "eta"), ("GeV", "")),
        "tracks": Group(Ragged(elements, offsets), ("d0", "z0"), ("mm", "mm")),
    }
    targets = {
        "label": np.arange(N) % 3,
        "event": ids() // np.uint64(2),
        "selected": (np.arange(N) % 4).astype(np.int8),
    }
    return Samples(inputs, targets, ids(), None, observers={"mass": drawn("mass of a table", N)})


def points() -> Samples:
    """As those of the source `copulas`, with lists of other lengths, an empty one among them."""
    offsets = cut("sets", N, 30)
    offsets[5:] -= offsets[5] - offsets[4]
    values = drawn("points", offsets[-1], 3, low=-4, high=4)
    values[:, 1] = (values[:, 0] ** 2 - 4) / 3 + values[:, 1] / 4
    inputs = {
        "points": Group(Ragged(values.astype(np.float32), offsets), ("x1", "x2", "x3"), ("", "", "GeV")),
        "likelihood": Group(Dense(drawn("ratios", N, 2).astype(np.float32)), ("linear", "crossed"), ("", "")),
    }
    return Samples(inputs, {"class": np.arange(N) % 3}, ids())


def layers() -> Samples:
    """As those of the source `tracker`: up to four pixels of each layer of 8 × 8."""
    pixels = np.sort(drawn("pixels", N, 12, high=3 * 64).astype(np.int32), axis=1)
    pixels = [np.unique(of_event) for of_event in pixels]
    offsets = np.concatenate([[0], np.cumsum([len(of_event) for of_event in pixels])]).astype(np.int64)
    index = np.concatenate(pixels).astype(np.int32)
    images = SparseImages(index, np.ones(len(index), np.float32), offsets, (3, 8, 8))
    inputs = {
        "hits": Group(images, ("layer_1", "layer_2", "layer_3"), ("",) * 3),
        "likelihood": Group(Dense(drawn("ratio", N, 1).astype(np.float32)), ("track",), ("",)),
    }
    return Samples(inputs, {"class": np.arange(N) % 2}, ids())


def exposures() -> Samples:
    """As those of the source `transients`: three exposures of 12 × 12 pixels."""
    names = ("exposure_1", "exposure_2", "exposure_3")
    values = {
        "images": drawn("exposures", 10, 3, 12, 12, low=-1, high=20),
        "seeing": drawn("seeing", 10, 3, low=2.4, high=3.6),
        "noise": drawn("noise of exposures", 10, 3, low=0.8, high=1.2),
        "shift": drawn("shifts", 10, 6, low=-0.5, high=0.5),
    }
    features = {"shift": tuple(f"{name}_{axis}" for name in names for axis in "xy")}
    units = {"images": "counts", "noise": "counts"}
    inputs = {
        key: Group(
            Dense(x.astype(np.float32)),
            features.get(key, names),
            (units.get(key, "pixels"),) * len(features.get(key, names)),
        )
        for key, x in values.items()
    }
    targets = {"class": np.arange(10) % 2, "transient": drawn("supernovae", 10, 3).astype(np.float32)}
    return Samples(inputs, targets, ids(10))
