"""The recipe `jets`: flavour labels, jet kinematics and the most displaced tracks."""

import numpy as np
from pydantic import Field

from bevatron.config import kinds
from bevatron.config.kinds import recipe
from bevatron.config.section import Count, NonNegative, Positive
from bevatron.prepare import tracks
from bevatron.prepare.direction import delta_phi
from bevatron.prepare.flavour import flavour
from bevatron.prepare.shape import width
from bevatron.store.columns import Dense, Group, Ragged, Samples

JET_FEATURES = ("pt", "eta", "mass", "energy", "n_tracks", "width_eta", "width_phi")
JET_UNITS = ("GeV", "", "GeV", "GeV", "", "", "rad")


@recipe("jets")
class JetSamples:
    """Input groups `jet` (n, 7) and `tracks` (ragged, 9 features, most displaced first), float32; target
    `flavour` (n,) int64: 0 light, 1 charm, 2 beauty.

    pt, eta, mass and energy are the generated jet's (no calorimeter resolution), widths are over all its
    visible constituents, n_tracks counts all selected tracks, also those beyond the longest list.
    """

    class Options(kinds.Options):
        field: NonNegative = Field(2.0, description="magnetic field along the beam, tesla")
        hadron_delta_r: float = Field(
            0.3, gt=0.0, le=0.8, description="largest ΔR between a jet and a hadron that gives it its flavour"
        )
        hadron_pt_min: NonNegative = Field(5.0, description="least pt of such a hadron, GeV")
        track_pt_min: Positive = Field(1.0, description="least pt of a track, GeV")
        track_eta_max: Positive = Field(2.5, description="largest |eta| of a track")
        track_radius_max: Positive = Field(
            30.0,
            description="largest distance from the beam at which a track's particle is made, mm: first layer",
        )
        max_tracks: Count = Field(15, description="most tracks kept of a jet")
        resolution_scale: Positive = Field(1.0, description="impact-parameter resolution, in units of ATLAS's design")

    def prepare(self, options: Options, raw: Samples, seed: int) -> Samples:
        """`raw` is a shard of the source `jets`; the tracks' noise follows from `seed`."""
        pt, eta, phi, mass = raw.inputs["jet"].column.values.astype(np.float64).T
        constituents, ids = (raw.inputs[name].column for name in ("constituents", "constituent_ids"))
        hadrons, quarks = (raw.inputs[name].column for name in ("hadrons", "hadron_ids"))

        selection = tracks.Selection(options.track_pt_min, options.track_eta_max, options.track_radius_max)
        particles = tracks.selected(tracks.charged(constituents, ids), selection)
        random = np.random.Generator(np.random.Philox(seed))
        features = tracks.measured(particles, pt, eta, phi, options.field, options.resolution_scale, random)
        displaced = tracks.most_displaced(features, particles.jet, len(raw), options.max_tracks)

        energy = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
        n_tracks = np.bincount(particles.jet, minlength=len(raw))
        kinematics = np.column_stack([pt, eta, mass, energy, n_tracks, *_widths(constituents, eta, phi)])
        return Samples(
            inputs={
                "jet": Group(Dense(kinematics.astype(np.float32)), JET_FEATURES, JET_UNITS),
                "tracks": Group(displaced, tracks.FEATURES, tracks.UNITS),
            },
            targets={"flavour": flavour(eta, phi, hadrons, quarks, options.hadron_delta_r, options.hadron_pt_min)},
            id=raw.id,
        )


def _widths(constituents: Ragged, jet_eta: np.ndarray, jet_phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The jets' widths in eta and in phi."""
    px, py, pz = constituents.values[:, :3].T.astype(np.float64)
    pt = np.hypot(px, py)
    jet = np.repeat(np.arange(len(constituents)), constituents.lengths)
    away_eta = np.arcsinh(pz / pt) - jet_eta[jet]
    away_phi = delta_phi(np.arctan2(py, px), jet_phi[jet])
    return width(away_eta, pt, constituents), width(away_phi, pt, constituents)
