"""One line of the jet-flavour data set of Guest et al. (2016), checked and parsed.

The data set (dataset.json.gz, "HEP jet flavor 2016" of the UC Irvine machine-learning-in-physics collection,
11,491,971 lines) holds one JSON list a line:

    [jet pt, jet eta, flavour, [8 track experts], [6 vertex experts], [track, track, ...]]

and each track is [[5 parameters], [15 covariance terms], [weight], [7 vertex features]]: 28 numbers, those of the
tracks of the primary vertex first. phi and theta are counted from the jet's axis (the authors' commit 8acd7b5 of
2016-03-18). Tracks of the primary vertex have as their vertex that of the jet's primary tracks: its mass, number of
tracks and energy fraction, displacement and significance 0, and no direction. Numbers that do not exist are the texts
"NaN", "-NaN", "inf" and "-inf".

Sources of this description, since the data set's own readme.txt could not be fetched here: the six parts and the
texts, A. Stein's reader (github.com/AnnikaStein/Adversarial-Training-for-Jet-Tagging, read_dataset.ipynb); names and
order within the parts, her variables.py and the authors' writer (github.com/dguest/delphes, HDF5Writer.cc,
enums_track.hh); groups of a track, github.com/cniii/DNNb-, ML_Mid/README.md, which quotes the authors' wiki page
"Output-Format"; units mm and GeV, the authors' SecondaryVertexTagging.cc (Stein's table says cm instead).
How a track's 28 numbers are bracketed is not relied on; their number and the signs of the variances are.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bevatron.errors import UserError

FLAVOURS = (0, 4, 5)
TRACK_EXPERTS = (
    "track_2_d0_significance",
    "track_3_d0_significance",
    "track_2_z0_significance",
    "track_3_z0_significance",
    "n_tracks_over_d0_threshold",
    "jet_prob",
    "jet_width_eta",
    "jet_width_phi",
)
VERTEX_EXPERTS = (
    "vertex_significance",
    "n_secondary_vertices",
    "n_secondary_vertex_tracks",
    "delta_r_vertex",
    "vertex_mass",
    "vertex_energy_fraction",
)
PARAMETERS = {"d0": "mm", "z0": "mm", "phi": "rad", "theta": "rad", "q_over_p": "1/GeV"}
COVARIANCE = {
    f"cov_{second}_{first}": f"{PARAMETERS[second]} {PARAMETERS[first]}"
    for index, first in enumerate(PARAMETERS)
    for second in list(PARAMETERS)[: index + 1]
}
VERTEX = {
    "vertex_mass": "GeV",
    "vertex_displacement": "mm",
    "vertex_delta_eta": "",
    "vertex_delta_phi": "rad",
    "vertex_displacement_significance": "",
    "vertex_n_tracks": "",
    "vertex_energy_fraction": "",
}
TRACK = PARAMETERS | COVARIANCE | {"vertex_weight": ""} | VERTEX  # 28 names and units
THETA = list(TRACK).index("theta")
VARIANCES = [list(TRACK).index(f"cov_{name}_{name}") for name in PARAMETERS]
PLAIN = {float, int}
MAX_FLOAT32 = 3.4e38  # values are kept as float32
EXACT = 2**53  # numpy takes a list with an integer beyond 64 bits for one of objects
SPECIAL_NUMBERS = {"NaN": math.nan, "-NaN": math.nan, "inf": math.inf, "-inf": -math.inf}


class PublishedJet(NamedTuple):
    """One jet: pt in GeV, eta, PDG-like flavour, experts (14), and its tracks, 28 numbers each."""

    pt: float
    eta: float
    flavour: int
    experts: list[float]
    tracks: list[list[float]]


class _Fault(Exception):
    """What is wrong with a line."""


def parse_jet(text: bytes, path: Path, line: int) -> PublishedJet:
    """The jet of one line. Raises UserError naming file and line for anything but the form above."""
    try:
        return _parse_parts(json.loads(text))
    except _Fault as fault:
        what = str(fault)
    except (ValueError, RecursionError) as error:
        what = f"is no JSON: {error}"
    raise UserError(f"{path}:{line}", what, "see docs/how-to/external-files.md for the form of a line")


def _parse_parts(parts: Any) -> PublishedJet:
    _expect(isinstance(parts, list) and len(parts) == 6, "a jet is a list of 6 parts", parts)
    pt, eta, flavour, by_tracks, by_vertex, tracks = parts
    pt, eta = _parse_number(pt, "the jet's pt"), _parse_number(eta, "the jet's eta")
    _expect(math.isfinite(pt) and pt > 0, "the jet's pt must be above 0", pt)
    _expect(math.isfinite(eta), "the jet's eta must be finite", eta)
    _expect(flavour in FLAVOURS, f"the flavour must be one of {FLAVOURS}", flavour)
    experts: list[float] = []
    for values, names, what in ((by_tracks, TRACK_EXPERTS, "track"), (by_vertex, VERTEX_EXPERTS, "vertex")):
        _expect(isinstance(values, list) and len(values) == len(names), f"{len(names)} {what} experts", values)
        experts += _parse_numbers(values, names)
    _expect(isinstance(tracks, list), "the last part must be the list of tracks", tracks)
    return PublishedJet(
        pt, eta, int(flavour), experts, [_parse_track(track, rank) for rank, track in enumerate(tracks, 1)]
    )


def _parse_track(track: Any, rank: int) -> list[float]:
    _expect(isinstance(track, list), f"track {rank} must be a list", track)
    flat: list[Any] = []
    for group in track:
        flat.extend(group if isinstance(group, list) else [group])
    if len(flat) != len(TRACK):
        _expect(False, f"track {rank} must have {len(TRACK)} numbers, found {len(flat)}", track)
    values = _parse_numbers(flat, TRACK)
    smallest = min([values[column] for column in VARIANCES])
    _expect(not smallest < 0, f"track {rank}: a variance cannot be negative", smallest)
    _expect(not abs(values[THETA]) > math.pi, f"track {rank}: theta beyond π", values[THETA])
    return values


def _parse_numbers(values: list[Any], names: Iterable[str]) -> list[float]:
    # nearly always, and ten times as fast
    if PLAIN.issuperset(map(type, values)) and min(values) > -EXACT and max(values) < EXACT:
        return values
    return [_parse_number(value, name) for value, name in zip(values, names, strict=True)]


def _parse_number(value: Any, name: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        infinite = isinstance(value, float) and not math.isfinite(value)
        limit = MAX_FLOAT32 if isinstance(value, float) else 2**63
        _expect(infinite or abs(value) < limit, f"{name} is too large", value)
        return float(value)
    special = SPECIAL_NUMBERS.get(value) if isinstance(value, str) else None
    if special is None:
        raise _fault(f"{name} must be a number", value)
    return special


def _expect(holds: bool, what: str, value: Any) -> None:
    if not holds:
        raise _fault(what, value)


def _fault(what: str, value: Any) -> _Fault:
    shown = repr(value)
    return _Fault(f"{what}; found {shown if len(shown) <= 60 else f'{shown[:57]}...'}")
