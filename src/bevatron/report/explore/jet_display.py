"""What the display of a jet shows: its tracks and vertices across the beam, seen along its axis, and the truth."""

from typing import Any

import numpy as np

from bevatron.raw.track_origins import ORIGINS
from bevatron.report.explore.displayed import features_of, has_group, list_of, rounded
from bevatron.store.shards.shard import Shard

LARGEST = 1e3  # mm; nothing is drawn further away
PT_MIN = 0.5  # GeV, of the true charged particles shown: that of the recipes' tracks
NEAR = 0.01  # mm: vertices of a list of tracks that are nearer than this are one


def tracks_of(shard: Shard, row: int) -> dict[str, Any]:
    """The measured tracks of a jet as straight lines across the beam, each a list with a number for each track.

    x, y: the perigee in mm, from the primary vertex, x along the jet's axis and y to its left; phi: the direction there
    from the axis, rad; pt in GeV; d0 in mm; significance: |d0| over its error. The recipe `jets` gives d0 the sign of
    (x × p)_z; `jets_modern` the sign of the lifetime, positive for a perigee in front of the primary vertex.
    """
    features = features_of(shard, "tracks")
    values = list_of(shard, "inputs/tracks", row).astype(np.float64)
    column = {name: values[:, k] for k, name in enumerate(features)}
    if "delta_phi" in column:
        phi, pt = column["delta_phi"], column["pt"]
        d0 = np.where(np.sin(phi) > 0, -column["d0"], column["d0"])
        significance = np.abs(column["d0_significance"])
    else:
        eta = float(shard.dataset("inputs/jet")[row, features_of(shard, "jet").index("eta")])
        theta = column["theta"] + 2 * np.arctan(np.exp(-eta))
        phi, pt = column["phi"], np.sin(theta) / np.abs(column["q_over_p"])
        d0 = -column["d0"]
        significance = np.abs(d0) / np.sqrt(column["cov_d0_d0"])
    # d0 has now the sign of ATLAS's perigee, (-d0 sin φ, d0 cos φ).
    lines = {"x": -d0 * np.sin(phi), "y": d0 * np.cos(phi), "phi": phi, "pt": pt, "d0": column["d0"]}
    found = {name: rounded(numbers, 4) for name, numbers in lines.items()}
    found["significance"] = rounded(significance, 2)
    for name in ("track_origin", "track_vertex"):
        if name in shard.element_targets:
            start, stop = (int(i) for i in shard.dataset("inputs/tracks/offsets")[row : row + 2])
            found[name] = np.asarray(shard.dataset(f"element_targets/{name}")[start:stop]).tolist()
    return found


def vertices_of(shard: Shard, row: int) -> list[dict[str, Any]]:
    """The reconstructed secondary vertices of a jet: x and y in mm as those of tracks, mass (GeV), n_tracks and
    significance. Of the recipe `jets_modern`, which keeps no direction, `radius` in mm instead of x and y.
    """
    if has_group(shard, "vertices"):
        return _listed_vertices(shard, row)
    if not has_group(shard, "inclusive_vertex"):
        return []
    names = features_of(shard, "inclusive_vertex")
    vertex = dict(zip(names, shard.dataset("inputs/inclusive_vertex")[row].astype(np.float64), strict=True))
    if not 0 < vertex["sv1_length_across"] < LARGEST:
        return []
    radius, mass, significance, n = (
        vertex[f"sv1_{name}"] for name in ("length_across", "mass", "significance", "n_tracks")
    )
    shown = {"radius": radius, "mass": mass, "significance": significance}
    return [_vertex(shown, n)]


def _listed_vertices(shard: Shard, row: int) -> list[dict[str, Any]]:
    """Each vertex of the list once; its elements are those of the tracks."""
    names = features_of(shard, "vertices")
    eta_jet = float(shard.dataset("inputs/jet")[row, features_of(shard, "jet").index("eta")])
    found: list[dict[str, Any]] = []
    for values in list_of(shard, "inputs/vertices", row).astype(np.float64):
        vertex = {name.removeprefix("vertex_"): value for name, value in zip(names, values, strict=True)}
        across = vertex["displacement"] / np.cosh(eta_jet + vertex["delta_eta"])
        if not 0 < across < LARGEST:
            continue  # the primary vertex has displacement 0
        x, y = across * np.cos(vertex["delta_phi"]), across * np.sin(vertex["delta_phi"])
        if any(np.hypot(x - known["x"], y - known["y"]) < NEAR for known in found):
            continue
        shown = {"x": x, "y": y, "mass": vertex["mass"], "significance": vertex["displacement_significance"]}
        found.append(_vertex(shown, vertex["n_tracks"]))
    return found


def _vertex(shown: dict[str, float], n_tracks: float) -> dict[str, Any]:
    numbers = {name: float(f"{value:.4g}") if np.isfinite(value) else None for name, value in shown.items()}
    return numbers | {"n_tracks": int(n_tracks) if np.isfinite(n_tracks) else None}


def truth_of(raw: Shard, row: int, offset: float = 0.0) -> dict[str, Any]:
    """Of a raw jet: where its beauty and charm hadrons decay, and where its charged particles start, in mm from the
    collision, with the x axis along the generated jet, turned by `offset` in rad.

    decays: x, y and the heaviest quark, 5 or 4, of each hadron. particles: x, y, phi (rad from the axis), pt (GeV), and
    the number of the origin in `origins` where the source keeps it.
    """
    axis = float(raw.dataset("inputs/jet")[row, features_of(raw, "jet").index("phi")]) + offset
    hadrons = list_of(raw, "inputs/hadrons", row).astype(np.float64)
    quarks = list_of(raw, "inputs/hadron_ids", row)[:, 1]
    particles = list_of(raw, "inputs/constituents", row).astype(np.float64)
    charge = list_of(raw, "inputs/constituent_ids", row)[:, 1]
    shown = (charge != 0) & (np.hypot(particles[:, 0], particles[:, 1]) > PT_MIN)
    shown &= np.hypot(particles[:, 4], particles[:, 5]) < LARGEST
    particles = particles[shown]
    x, y = _rotate(hadrons[:, 4], hadrons[:, 5], axis)
    decays = [
        {"x": round(float(a), 4), "y": round(float(b), 4), "quark": int(quark)}
        for a, b, quark in zip(x, y, quarks, strict=True)
        if np.hypot(a, b) < LARGEST
    ]
    start = _rotate(particles[:, 4], particles[:, 5], axis)
    direction = _rotate(particles[:, 0], particles[:, 1], axis)
    columns = {
        "x": start[0],
        "y": start[1],
        "phi": np.arctan2(direction[1], direction[0]),
        "pt": np.hypot(*direction),
    }
    found: dict[str, Any] = {name: rounded(numbers, 4) for name, numbers in columns.items()}
    if has_group(raw, "constituent_origins"):
        found["origin"] = list_of(raw, "inputs/constituent_origins", row)[shown, 0].tolist()
    return {"decays": decays, "particles": found}


def _rotate(x: np.ndarray, y: np.ndarray, axis: float) -> tuple[np.ndarray, np.ndarray]:
    """Components along a direction of azimuth `axis` in rad, and to its left."""
    return x * np.cos(axis) + y * np.sin(axis), y * np.cos(axis) - x * np.sin(axis)


def origin_names() -> list[str]:
    """Of the origins of tracks and particles, by their numbers."""
    return [name.replace("_", " ") for name in ORIGINS]
