"""The recipe `jets`: jets as Guest et al. (2016) simulated and reconstructed them."""

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Count, Real, Section
from bevatron.prepare.columns import ragged, values_of
from bevatron.prepare.jets.adaptive_cuts import AdaptiveCuts
from bevatron.prepare.jets.jet_options import Resampling
from bevatron.prepare.jets.parton_flavour import assign_parton_flavour
from bevatron.prepare.jets.published_options import PrimaryVertexCuts, PublishedTracking, TrackCuts
from bevatron.prepare.jets.resampling import cells_of, n_cells
from bevatron.prepare.jets.resampling_rows import select_rows
from bevatron.raw.comparison import Comparison
from bevatron.store.shards.columns import Ragged, Samples

ALL_TRACKS = 1_000  # a limit above the number of tracks of any jet
APPROXIMATIONS = (
    "As arXiv:1607.08633, with Pythia 8 instead of MadGraph and Pythia 6. The tracker's covariances are ATLAS's design "
    "values in the published bins, scaled to the published file's mean variances. Particles reach the calorimeter as "
    "if made in the collision; jets that overlap with isolated leptons or photons are kept. No pile-up, no material."
)


@recipe("jets")
class JetSamples:
    """Input groups `jet` (n, 2), `experts` (n, 16) and `leading` (n, 3); `tracks` (ragged, 21 features, by falling |d0
    significance|) and `vertices` (ragged, 7 features), whose element i is the vertex to which track i belongs; all
    float32. Target `flavour` (n,) int64: 0 light, 1 charm, 2 beauty.

    The definitions are those of Guest et al. (2016), taken from their code (github.com/dguest/delphes, branch
    production). They are implemented in the modules published_reconstruction, published_experts, published_features and
    parton_flavour of bevatron.prepare.jets. Jets without tracks in their list are left out, as in the published data.
    APPROXIMATIONS, which is stored in every shard, says what differs.
    """

    VERSION = 2

    class Options(kinds.Options):
        parton_delta_r: Real = Field(
            default=0.5, gt=0.0, le=0.8, description="largest ΔR between a jet and a parton that gives it its flavour"
        )
        max_tracks: Count = Field(default=15, description="largest number of tracks in a jet's list")
        require_tracks: bool = Field(default=True, description="leave out jets whose list of tracks is empty")
        tracking: PublishedTracking = Field(default_factory=PublishedTracking, description="the tracker")
        primary_vertex: PrimaryVertexCuts = Field(
            default_factory=PrimaryVertexCuts, description="the fit of the primary vertex"
        )
        tracks: TrackCuts = Field(default_factory=TrackCuts, description="which tracks near a jet are used")
        vertices: AdaptiveCuts = Field(default_factory=AdaptiveCuts, description="the search for secondary vertices")
        resampling: Resampling | None = Field(
            default_factory=Resampling,
            description="remove jets until all flavours have one spectrum in pt and |eta|; null keeps all jets",
        )

    @staticmethod
    def needs_totals(options: Options, source: Section) -> bool:
        """Whether sums over all shards are needed.

        Shards from external files may differ: each may have one flavour, for example. Generated shards are samples of
        one distribution, and each is resampled by itself.
        """
        return hasattr(source, "files_by_shard") and options.resampling is not None

    @staticmethod
    def without_resampling(options: Options) -> Options:
        """The options with which no jet is removed, for `bevatron apply`, which scores all jets."""
        return options.model_copy(update={"resampling": None, "require_tracks": False})

    def count(
        self, options: Options, raw: Samples, seed: int, training: np.ndarray, n_shards: int
    ) -> dict[str, np.ndarray]:
        """The number of training jets in each cell of the resampling, with or without tracks; training: (n,) bool."""
        if options.resampling is None:
            return {}
        pt, eta, _, _ = values_of(raw, "jet").astype(np.float64).T
        cells = cells_of(pt, eta, _label(options, raw), options.resampling)
        return {"cells": np.bincount(cells[np.flatnonzero(training)], minlength=n_cells(options.resampling))}

    def prepare(
        self,
        options: Options,
        raw: Samples,
        seed: int,
        training: np.ndarray,
        totals: dict[str, np.ndarray] | None = None,
    ) -> Samples:
        """Reconstructs the jets of a raw shard of the source `jets`, or of another source with the same groups.

        All random numbers follow from `seed`. totals: the sums of `count` over all shards. They give the fractions of
        jets that resampling keeps. Without totals, these fractions come from the jets `training` (n,) bool of this
        shard, and are applied to the whole shard. Fewer jets may be returned than are passed in; they keep their ids.
        """
        # Imported here: what is compiled by numba costs half a second, which checking a configuration need not pay.
        from bevatron.prepare.jets import published_experts, published_features
        from bevatron.prepare.jets.feature import make_group
        from bevatron.prepare.jets.published_reconstruction import reconstruct_published_jets
        from bevatron.store.shards.columns import Dense

        pt, eta, phi, _ = values_of(raw, "jet").astype(np.float64).T
        label = _label(options, raw)
        jets = reconstruct_published_jets(
            raw, options.tracking, options.primary_vertex, options.tracks, options.vertices, seed
        )
        energy = published_experts.track_energy(jets, len(raw), options.tracks.d0_max)
        experts, leading = published_experts.published_experts((pt, eta, phi), jets, energy)
        rows = published_features.listed_tracks(jets, len(raw), options.max_tracks)
        tracks = published_features.published_track_features(jets, rows.values, eta, phi)
        vertices = published_features.published_vertex_features(jets, rows.values, eta, phi, energy)
        longest = options.max_tracks
        inputs = {
            "jet": make_group(Dense(np.stack([pt, eta], axis=1)), published_experts.JET),
            "experts": make_group(Dense(experts), published_experts.FEATURES),
            "leading": make_group(Dense(leading), published_experts.LEADING),
            "tracks": make_group(Ragged(tracks, rows.offsets, longest), published_features.TRACK_FEATURES),
            "vertices": make_group(Ragged(vertices, rows.offsets, longest), published_features.VERTEX_FEATURES),
        }
        samples = Samples(inputs, {"flavour": label}, raw.id, attributes={"approximations": APPROXIMATIONS})
        kept = np.flatnonzero(rows.lengths > 0) if options.require_tracks else np.arange(len(raw))
        if options.resampling is not None:
            of_jets = (pt[kept], eta[kept], label[kept])
            kept = kept[select_rows(of_jets, training[kept], options.resampling, seed, totals)]
        return samples.take(kept)

    def comparisons(self, options: Options, raw: Samples, seed: int) -> list[Comparison]:
        """Compares the reconstructed jets of a small raw shard with published numbers, for `bevatron validate-source`.

        The jets are prepared without resampling and with all their tracks.
        """
        from bevatron.prepare.jets.comparisons import compute_comparisons

        every = self.without_resampling(options).model_copy(update={"max_tracks": ALL_TRACKS})
        return compute_comparisons(self.prepare(every, raw, seed, np.ones(len(raw), bool)))


def _label(options: "JetSamples.Options", raw: Samples) -> np.ndarray:
    return assign_parton_flavour(ragged(raw, "partons"), options.parton_delta_r)
