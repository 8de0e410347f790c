"""By what angle the axis of a measured jet misses that of the generated one, from tracks and particles that match."""

import numpy as np

from bevatron.report.explore.displayed import features_of, list_of
from bevatron.store.shards.shard import Shard

PT_ERROR, ETA_ERROR = 0.03, 0.005  # relative, and absolute: generous errors of a track
LARGEST = 9.0  # squared distance of a match


def axis_offset(shard: Shard, row: int, raw: Shard, raw_row: int) -> float:
    """Azimuth of the measured jet minus that of the generated jet, in rad: what has to be added to the generated axis.

    It is the median, over tracks with a particle of their charge, pt and eta in the raw jet, of the difference of the
    particle's azimuth and the track's from the axis. 0 where the dataset has directions from the generated axis, as
    that of the recipe `jets`, and where no track matches.
    """
    names = features_of(shard, "tracks")
    if "delta_phi" not in names:
        return 0.0
    tracks = dict(zip(names, list_of(shard, "inputs/tracks", row).astype(np.float64).T, strict=True))
    jet_eta = float(shard.dataset("inputs/jet")[row, features_of(shard, "jet").index("eta")])
    generated = float(raw.dataset("inputs/jet")[raw_row, features_of(raw, "jet").index("phi")])
    px, py, pz = list_of(raw, "inputs/constituents", raw_row).astype(np.float64)[:, :3].T
    charge = list_of(raw, "inputs/constituent_ids", raw_row)[:, 1]
    usable = (charge != 0) & (np.hypot(px, py) > 0)
    px, py, pz, charge = px[usable], py[usable], pz[usable], charge[usable]
    if not len(px) or not len(tracks["pt"]):
        return 0.0
    pt, eta = np.hypot(px, py), np.arcsinh(pz / np.hypot(px, py))
    distance = (np.log(tracks["pt"][:, None] / pt) / PT_ERROR) ** 2
    distance += ((tracks["delta_eta"][:, None] + jet_eta - eta) / ETA_ERROR) ** 2
    distance[np.sign(tracks["q_over_p"])[:, None] != np.sign(charge)] = np.inf
    nearest = np.nan_to_num(distance, nan=np.inf).argmin(1)
    found = distance[np.arange(len(nearest)), nearest] < LARGEST
    if not found.any():
        return 0.0
    offset = np.arctan2(py, px)[nearest[found]] - tracks["delta_phi"][found] - generated
    return float(np.median(np.remainder(offset + np.pi, 2 * np.pi) - np.pi))
