"""Comparisons of reconstructed jets with published numbers, for `bevatron validate-source` and the recipe `jets`.

Features are found by their names in the prepared samples.
"""

from itertools import pairwise

import numpy as np

from bevatron.prepare.columns import ragged, values_of
from bevatron.prepare.jets.published import CMS_VERTEX_FRACTION, CMS_VERTEX_TOLERANCE, d0_resolution
from bevatron.raw.comparison import Comparison, Curve, fraction_and_error
from bevatron.store.shards.columns import Dense, Samples

FLAVOURS = ("light", "charm", "beauty")
CENTRAL = 1.0  # largest |eta| of the jets whose impact parameters are compared with those of a barrel
PT_EDGES = np.array([0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0])  # GeV
FEW = 20  # with fewer tracks in a bin no spread is given
QUANTILES = (0.158655, 0.841345)  # a Gaussian's one standard deviation below and above its mean
SIGNIFICANCE_EDGES = np.linspace(-6.0, 12.0, 37)


def compute_comparisons(prepared: Samples) -> list[Comparison]:
    """The resolution and significance of impact parameters, and the fraction of jets with secondary vertices."""
    tracks = _CentralTracks(prepared)
    return [compare_resolution(tracks), compare_significance(tracks), compare_vertices(prepared)]


class _CentralTracks:
    """The tracks of central jets: pt in GeV, d0 and its error in mm, and the flavour of the jet; all (n,).

    The polar angle may be relative to that of the jet, and is then negative for some tracks. In this case the jet's
    angle is added.
    """

    def __init__(self, prepared: Samples):
        listed = ragged(prepared, "tracks")
        jet = np.repeat(np.arange(len(prepared)), listed.lengths)
        eta = _dense(prepared, "jet", "eta")

        def column(name: str) -> np.ndarray:
            return listed.values[:, prepared.inputs["tracks"].features.index(name)].astype(np.float64)

        theta, momentum = column("theta"), 1.0 / np.maximum(np.abs(column("q_over_p")), 1e-9)
        if (theta < 0).any():
            theta = theta + 2 * np.arctan(np.exp(-eta[jet]))
        central = np.abs(eta[jet]) < CENTRAL
        self.pt = (momentum * np.sin(theta))[central]
        self.d0 = column("d0")[central]
        self.error = np.sqrt(column("cov_d0_d0"))[central]
        self.flavour = prepared.targets["flavour"][jet][central]


def compare_resolution(tracks: _CentralTracks) -> Comparison:
    """The spread of d0 in light jets, and the errors of the tracks' d0."""
    light = tracks.flavour == 0
    pt, d0, error = tracks.pt[light], 1000 * tracks.d0[light], 1000 * tracks.error[light]
    x, spread, given = [], [], []
    for low, high in pairwise(PT_EDGES):
        inside = (pt >= low) & (pt < high)
        n = int(inside.sum())
        if n < FEW:
            continue
        x.append(np.exp(np.log(pt[inside]).mean()))
        below, above = np.quantile(d0[inside], QUANTILES)
        width = (above - below) / 2
        # error of half the way between a Gaussian's quantiles f and 1 − f: √(f (1 − 2 f) / 2 n) over its density there
        spread.append((width, width * np.sqrt(QUANTILES[0] * (1 - 2 * QUANTILES[0]) / 2 / n) / 0.24197))
        given.append(np.median(error[inside]))
    curve = np.geomspace(PT_EDGES[0], PT_EDGES[-1], 60)
    values = np.array(spread).reshape(-1, 2)
    return Comparison(
        "d0_resolution",
        f"Transverse impact parameters of tracks in light jets with |η| < {CENTRAL:g}: half the width of the interval "
        "that contains 68.3 % of them, and the median of their errors; the point of the collision is known. Line: "
        "design resolution of ATLAS's tracker for 0.25 < |η| < 0.5 (JINST 3 (2008) S08003; not confirmed, but CMS "
        "measured 10 µm at 100 GeV, arXiv:1405.6569, as the line has). The recipe's errors are scaled to those of the "
        "published data set, in bins of pt of which the first ends at 10 GeV: no agreement is expected.",
        "pt of the track [GeV]",
        "resolution of d0 [µm]",
        [
            Curve.of("ATLAS 2008", curve, 1000 * d0_resolution(curve), published=True),
            Curve.of("spread of d0", x, values[:, 0], values[:, 1]),
            Curve.of("error of d0", x, given),
        ],
        log_x=True,
        log_y=True,
        line=True,
    )


def compare_significance(tracks: _CentralTracks) -> Comparison:
    """d0 over its error, with the sign of the recipe's d0, for each flavour."""
    centre = (SIGNIFICANCE_EDGES[1:] + SIGNIFICANCE_EDGES[:-1]) / 2
    below = np.linspace(SIGNIFICANCE_EDGES[0], 3.0, 100)
    curves = [Curve.of("unit Gaussian", below, np.exp(-(below**2) / 2) / np.sqrt(2 * np.pi), published=True)]
    for number, flavour in enumerate(FLAVOURS):
        of_flavour = tracks.flavour == number
        significance = tracks.d0[of_flavour] / tracks.error[of_flavour]
        counts = np.histogram(significance, SIGNIFICANCE_EDGES)[0]
        width = np.diff(SIGNIFICANCE_EDGES) * max(len(significance), 1)
        some = counts > 0
        curves.append(Curve.of(flavour, centre[some], (counts / width)[some], (np.sqrt(counts) / width)[some]))
    return Comparison(
        "d0_significance",
        "d0 over its error, of tracks in jets of each flavour; the sign is that of (x × p)_z. If the errors have the "
        "right size, tracks from the collision follow a unit Gaussian.",
        "d0 / σ(d0)",
        "density",
        curves,
        log_y=True,
        line=True,
        y_range=(1e-4, 30.0),
    )


def compare_vertices(prepared: Samples) -> Comparison:
    """The fraction of jets with a secondary vertex, by flavour, for each feature that counts vertices."""
    flavour, place = prepared.targets["flavour"], range(len(FLAVOURS))
    curves = [
        Curve.of(f"CMS, {finder}, not confirmed", place, fractions, CMS_VERTEX_TOLERANCE, published=True)
        for finder, fractions in CMS_VERTEX_FRACTION.items()
    ]
    for group, name in _counts_of_vertices(prepared):
        some = _dense(prepared, group, name) > 0
        found = [fraction_and_error(int(some[flavour == k].sum()), int((flavour == k).sum())) for k in place]
        known = [k for k in place if np.isfinite(found[k][0])]
        fractions, errors = np.array([found[k] for k in known]).reshape(-1, 2).T
        curves.append(Curve.of(f"{group}: {name}", known, fractions, errors))
    return Comparison(
        "vertices",
        "Fraction of jets with a secondary vertex, by flavour. CMS's fractions are a rough expectation and not "
        "confirmed: jets with pt > 20 GeV in simulated top-quark events, which are harder than the jets here, with the "
        "inclusive vertex finder (IVF) and adaptive vertex reconstruction (AVR) in the jet (JINST 13 (2018) P05011). "
        "They have no published errors: the bars are the difference of the two. Unlike CMS's, the finder here has no "
        "cuts on flight distance, mass and V⁰.",
        "",
        "jets with a secondary vertex",
        curves,
        x_names=list(FLAVOURS),
        y_range=(0.0, 1.3),
    )


def _counts_of_vertices(prepared: Samples) -> list[tuple[str, str]]:
    """The dense features that count vertices, with their groups: their names begin with n_ and end with vertices."""
    return [
        (group, name)
        for group, content in prepared.inputs.items()
        if isinstance(content.column, Dense)
        for name in content.features
        if name.startswith("n_") and name.endswith("vertices")
    ]


def _dense(prepared: Samples, group: str, name: str) -> np.ndarray:
    return values_of(prepared, group)[:, prepared.inputs[group].features.index(name)].astype(np.float64)
