"""The recipe `jets`: flavour labels, and the tracks, vertices and expert variables of jets in a detector."""

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Count, NonNegative, Real, Section
from bevatron.prepare.columns import ragged, values_of
from bevatron.prepare.jets.flavour import assign_flavour
from bevatron.prepare.jets.jet_options import BeamSpot, Resampling, Tracking, VertexCuts
from bevatron.prepare.jets.resampling import cells_of, n_cells
from bevatron.prepare.jets.select_rows import select_rows
from bevatron.prepare.jets.shape import jet_width
from bevatron.prepare.tracking.direction import delta_phi
from bevatron.store.shards.columns import Ragged, Samples

CALIBRATION_JETS = 20_000  # of all shards together: some 100,000 prompt tracks

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

    @staticmethod
    def needs_totals(options: Options, source: Section) -> bool:
        """Whether shards may differ: those of files of others, each of one flavour for example. Shards that are
        generated are draws of one distribution, and each is calibrated and resampled by itself.
        """
        return hasattr(source, "files_by_shard")

    @staticmethod
    def without_resampling(options: Options) -> Options:
        """The options under which no jet is removed for the sake of learning, as `bevatron apply` scores all."""
        return options.model_copy(update={"resampling": None})

    def count(
        self, options: Options, raw: Samples, seed: int, training: np.ndarray, n_shards: int
    ) -> dict[str, np.ndarray]:
        """Of the jets `training` (n,) bool: how many are in each cell of resampling, and the sizes of d0's significance
        of their prompt tracks, of so many jets as all `n_shards` together need.
        """
        from bevatron.prepare.jets import track_features
        from bevatron.prepare.jets.jet_probability import count_sizes
        from bevatron.prepare.jets.reconstruction import reconstruct_jets

        pt, eta, phi, _ = values_of(raw, "jet").astype(np.float64).T
        learned = np.flatnonzero(training)
        found = {}
        if options.resampling is not None:
            label = _label(options, raw, eta, phi)
            cells = cells_of(pt, eta, label, options.resampling)
            found["cells"] = np.bincount(cells[learned], minlength=n_cells(options.resampling))
        event = raw.targets["event"]
        few = learned[: -(-CALIBRATION_JETS // n_shards)]
        some = np.flatnonzero(training & np.isin(event, event[few]))
        reconstructed = reconstruct_jets(raw.take(some), options.beam_spot, options.tracking, options.vertices, seed)
        tracks = track_features.sign_tracks(reconstructed.tracks, eta[some], phi[some])
        found["sizes"] = count_sizes(tracks.d0_significance[reconstructed.tracks.prompt])
        return found

    def prepare(
        self,
        options: Options,
        raw: Samples,
        seed: int,
        training: np.ndarray,
        totals: dict[str, np.ndarray] | None = None,
    ) -> Samples:
        """`raw` is a shard of the source `jets`; all noise follows from `seed`. totals: sums of `count` over all
        shards.

        The resolution of d0 and the fractions of jets that resampling keeps come from the totals; without them from the
        jets `training` (n,) bool of this shard alone, and are used for all of it: see `calibrate_resolution` and
        `select_resampled`. With resampling, fewer samples come back than went in; their ids name them.
        """
        # Imported here: what is compiled by numba costs half a second, which checking a configuration need not pay.
        from bevatron.prepare.jets import experts, track_features, vertex_features
        from bevatron.prepare.jets.feature import make_group
        from bevatron.prepare.jets.jet_probability import (
            calibrate_by_totals,
            calibrate_resolution,
            jet_probability,
            track_probability,
        )
        from bevatron.prepare.jets.reconstruction import reconstruct_jets
        from bevatron.prepare.vertexing.vertex_finder import PION
        from bevatron.store.shards.columns import Dense

        pt, eta, phi, _ = values_of(raw, "jet").astype(np.float64).T
        label = _label(options, raw, eta, phi)
        reconstructed = reconstruct_jets(raw, options.beam_spot, options.tracking, options.vertices, seed)

        jet, vertices = reconstructed.tracks.jet, reconstructed.vertices
        tracks = track_features.sign_tracks(reconstructed.tracks, eta, phi)
        d0 = tracks.d0_significance
        if totals is None:
            resolution = calibrate_resolution(d0[reconstructed.tracks.prompt & training[jet]])
        else:
            resolution = calibrate_by_totals(totals["sizes"])
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
        rows = select_rows((pt, eta, label), training, options.resampling, seed, totals)
        return samples.take(rows)


def _label(options: "JetSamples.Options", raw: Samples, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    hadrons, quarks = ragged(raw, "hadrons"), ragged(raw, "hadron_ids")
    return assign_flavour(eta, phi, hadrons, quarks, options.hadron_delta_r, options.hadron_pt_min)


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
