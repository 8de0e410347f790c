"""The recipe `jets`: flavour labels, and the tracks, vertices and expert variables of jets in a detector."""

import logging

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Count, NonNegative, Real
from bevatron.prepare.columns import ragged, values_of
from bevatron.prepare.jets.flavour import assign_flavour
from bevatron.prepare.jets.jet_options import BeamSpot, Resampling, Tracking, VertexCuts
from bevatron.prepare.jets.resampling import select_resampled
from bevatron.prepare.jets.shape import jet_width
from bevatron.prepare.tracking.direction import delta_phi
from bevatron.store.shards.columns import Ragged, Samples

logger = logging.getLogger("bevatron")

APPROXIMATIONS = (
    "Jets are clustered from generated particles, without a calorimeter. Tracks are smeared helices with ATLAS's "
    "design resolutions; no secondary interactions in material, no photon conversions, no pile-up, no losses in "
    "dense jets."
)


@recipe("jets")
class JetSamples:
    """Input groups `jet` (n, 2), `experts` (n, 16) and `leading` (n, 3); `tracks` (ragged, 21 features, most displaced
    first) and `vertices` (ragged, 7 features), whose element i is the vertex to which track i belongs; all float32.
    Target `flavour` (n,) int64: 0 light, 1 charm, 2 beauty.

    Charged particles become tracks (bevatron.prepare.tracking.detector), all tracks of an event its primary vertex,
    those of a jet its secondary vertices (bevatron.prepare.jets.reconstruction). The detector is a parametrisation: see
    APPROXIMATIONS, which every shard holds.
    """

    VERSION = 1

    class Options(kinds.Options):
        hadron_delta_r: Real = Field(
            default=0.3, gt=0.0, le=0.8, description="largest ΔR between a jet and a hadron that gives it its flavour"
        )
        hadron_pt_min: NonNegative = Field(default=5.0, description="least pt of such a hadron, GeV")
        max_tracks: Count = Field(default=15, description="largest number of tracks of a jet")
        beam_spot: BeamSpot = Field(default_factory=BeamSpot, description="where the protons meet")
        tracking: Tracking = Field(default_factory=Tracking, description="the detector")
        vertices: VertexCuts = Field(default_factory=VertexCuts, description="the search for secondary vertices")
        resampling: Resampling | None = Field(
            default_factory=Resampling,
            description="flavours of one spectrum in pt and |eta|, by removing jets; null keeps all jets",
        )

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `jets`; all noise follows from `seed`.

        The resolution of d0 and the fractions of jets that resampling keeps come from the jets `training` (n,) bool
        alone, and are used for all of the shard: see `calibrate_resolution` and `select_resampled`.
        With resampling, fewer samples come back than went in; their ids name them.
        """
        # Imported here: what is compiled by numba costs half a second, which checking a configuration need not pay.
        from bevatron.prepare.jets import experts, track_features, vertex_features
        from bevatron.prepare.jets.feature import make_group
        from bevatron.prepare.jets.jet_probability import calibrate_resolution, jet_probability, track_probability
        from bevatron.prepare.jets.reconstruction import reconstruct_jets
        from bevatron.prepare.vertexing.vertex_finder import PION
        from bevatron.store.shards.columns import Dense

        pt, eta, phi, _ = values_of(raw, "jet").astype(np.float64).T
        hadrons, quarks = ragged(raw, "hadrons"), ragged(raw, "hadron_ids")
        label = assign_flavour(eta, phi, hadrons, quarks, options.hadron_delta_r, options.hadron_pt_min)
        reconstructed = reconstruct_jets(raw, options.beam_spot, options.tracking, options.vertices, seed)

        jet, vertices = reconstructed.tracks.jet, reconstructed.vertices
        tracks = track_features.sign_tracks(reconstructed.tracks, eta, phi)
        d0 = tracks.d0_significance
        resolution = calibrate_resolution(d0[reconstructed.tracks.prompt & training[jet]])
        probability = jet_probability(track_probability(d0, resolution), jet, len(raw))
        order = track_features.order_by_displacement(d0, jet)
        first = np.searchsorted(jet, np.arange(len(raw) + 1))
        energy = np.bincount(jet, np.hypot(1 / reconstructed.tracks.parameters[:, 4], PION), minlength=len(raw))
        widths = _widths(ragged(raw, "constituents"), eta, phi)
        expert = experts.expert_features(
            (pt, eta, phi), widths, probability, tracks, jet, order, first, vertices, energy
        )
        of_vertex = vertex_features.vertex_features(vertices, eta, phi, energy)
        rows = _first_tracks(order, first, options.max_tracks)
        inputs = {
            "jet": make_group(Dense(np.stack([pt, eta], axis=1)), experts.JET),
            "experts": make_group(Dense(expert), experts.FEATURES),
            "leading": make_group(Dense(experts.leading_features(tracks, order, first)), experts.LEADING),
            "tracks": make_group(
                _take_features(track_features.track_features(tracks, vertices), rows), track_features.FEATURES
            ),
            "vertices": make_group(
                _take_features(vertex_features.spread_to_tracks(of_vertex, vertices), rows), vertex_features.FEATURES
            ),
        }
        samples = Samples(inputs, {"flavour": label}, raw.id, attributes={"approximations": APPROXIMATIONS})
        if options.resampling is None:
            return samples
        return samples.take(_select_rows(pt, eta, label, training, options.resampling, seed))


def _select_rows(
    pt: np.ndarray, eta: np.ndarray, label: np.ndarray, training: np.ndarray, options: Resampling, seed: int
) -> np.ndarray:
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 1])))
    rows = select_resampled(pt, eta, label, training, options, random)
    logger.info(f"resampling keeps {len(rows)} of {len(pt)} jets, about as many of each flavour")
    return rows


def _first_tracks(order: np.ndarray, first: np.ndarray, maximum: int) -> Ragged:
    """The first tracks of each jet, `maximum` at most: values (total,) are rows."""
    lengths = np.diff(first)
    rank = np.arange(len(order)) - np.repeat(first[:-1], lengths)
    offsets = np.concatenate([[0], np.cumsum(np.minimum(lengths, maximum))]).astype(np.int64)
    return Ragged(order[rank < maximum], offsets)


def _take_features(features: np.ndarray, rows: Ragged) -> Ragged:
    return Ragged(features[rows.values], rows.offsets)


def _widths(constituents: Ragged, jet_eta: np.ndarray, jet_phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The jets' widths in eta and in phi."""
    px, py, pz = constituents.values[:, :3].T.astype(np.float64)
    pt = np.hypot(px, py)
    jet = np.repeat(np.arange(len(constituents)), constituents.lengths)
    away_eta = np.arcsinh(pz / pt) - jet_eta[jet]
    away_phi = delta_phi(np.arctan2(py, px), jet_phi[jet])
    return jet_width(away_eta, pt, constituents), jet_width(away_phi, pt, constituents)
