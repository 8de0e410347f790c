"""Events of straight tracks, and their images."""

import numpy as np

from bevatron.prepare.recipes.lartpc import WirePlanes
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples

QUIET = {"noise": 0.0, "threshold": 0.0, "dead_fraction": 0.0}
IDEAL = {"lifetime": 1e12, "diffusion_along": 0.0, "diffusion_across": 0.0}


def raw(tracks, primaries=None):
    """Events of straight tracks: each (start, end, dE/dx, rank of the primary), cut into pieces of 3 mm."""
    segments, ids, offsets = [], [], [0]
    for event in tracks:
        for start, end, dedx, primary in event:
            start, end = np.array(start, float), np.array(end, float)
            length = np.linalg.norm(end - start)
            n = int(np.ceil(length / 0.3))
            for k in range(n):
                a, b = (start + (end - start) * (k + j) / n for j in (0, 1))
                segments.append([*a, *b, length / n, dedx * length / n, 0.0])
                ids.append([13, primary, -1, primary])
        offsets.append(len(segments))
    n = len(tracks)
    primaries = primaries or [[(13, 0)] for _ in tracks]
    flat = [p for event in primaries for p in event]
    first = [np.array(event[0][0], np.float32) if event else np.zeros(3) for event in tracks]
    kinematics = np.zeros((len(flat), 8), np.float32)
    cut = np.cumsum([0, *map(len, primaries)])
    for k, event in enumerate(primaries):
        for row in range(cut[k], cut[k] + len(event)):
            kinematics[row, :3], kinematics[row, 6] = first[k], 500.0
    groups = {
        "segments": Ragged(np.array(segments, np.float32).reshape(-1, 9), np.array(offsets)),
        "segment_ids": Ragged(np.array(ids, np.int32).reshape(-1, 4), np.array(offsets)),
        "primaries": Ragged(kinematics, cut),
        "primary_ids": Ragged(np.array(flat, np.int32).reshape(-1, 2), cut),
        "conversion": Dense(np.full((n, 1), -1, np.float32)),
    }
    targets = {"particle": np.zeros(n, np.int64), "neutrino": np.zeros(n, np.int64)}
    attributes = {"box": {"low": [0, -100, 0], "high": [250, 100, 300]}, "particle_codes": [13, 2212]}
    named = {name: Group(column, (), ()) for name, column in groups.items()}
    return Samples(named, targets, np.arange(n, dtype=np.uint64), attributes=attributes)


def prepared(samples, seed=1, electronics=QUIET, drift=IDEAL, window=None, images=None, **more):
    window = {"size": 256, "shift": 8} if window is None else window
    images = {"fine": {}, "coarse": {"rebin": 2}} if images is None else images
    settings = {"window": window, "electronics": electronics, "drift": drift, "images": images, **more}
    options = WirePlanes.Options.model_validate({"kind": "lartpc", **settings})
    return WirePlanes().prepare(options, samples, seed, np.ones(len(samples), bool))


def images(samples, name="fine"):
    column = samples.inputs[name].column
    dense = np.zeros((len(column), int(np.prod(column.shape))), np.float32)
    for k, (a, b) in enumerate(zip(column.offsets[:-1], column.offsets[1:], strict=True)):
        assert (np.diff(column.index[a:b]) > 0).all()
        dense[k, column.index[a:b]] = column.value[a:b]
    return dense.reshape(-1, *column.shape)


MUON = ((100, 0, 150), (120, 10, 190), 2.1, 0)
