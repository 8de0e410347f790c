"""The recipe `jets_modern`: jets amid pile-up, as the experiments see them today, with the truth about every track."""

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Count, NonNegative, Real, Section
from bevatron.prepare.columns import ragged, values_of
from bevatron.prepare.jets.calorimeter import Calorimeter, MeasuredJets, measure_jets
from bevatron.prepare.jets.flavour import assign_flavour
from bevatron.prepare.jets.flavour_hadron import hadron_targets
from bevatron.prepare.jets.jet_options import BeamSpot, Resampling, Tracking
from bevatron.prepare.jets.resampling import cells_of, n_cells
from bevatron.prepare.jets.resampling_rows import select_rows
from bevatron.prepare.jets.track_selection import TrackSelection
from bevatron.prepare.jets.vertex_finder_options import InclusiveVertexCuts, JetFitterCuts
from bevatron.raw.split import EVENT
from bevatron.raw.track_origins import ORIGINS
from bevatron.store.shards.columns import Dense, ElementTarget, Ragged, Samples

CALIBRATION_JETS = 20_000  # in all shards together, with some 100,000 prompt tracks
JET_ENERGY = 3  # number of the stream of random numbers for the calorimeter

APPROXIMATIONS = (
    "Jets are clustered from the particles of the hard collision; their energies are smeared by formulae for a "
    "calorimeter and moved by pile-up, which makes no jets of its own. Tracks are smeared helices with ATLAS's design "
    "resolutions; no hits, no secondary interactions in material, no photon conversions, no losses in dense jets, no "
    "collisions of other bunches."
)


@recipe("jets_modern")
class ModernJetSamples:
    """Input groups, all float32: `jet` (n, 2), the measured pt and eta; `tracks` (ragged, 12 features, up to
    `max_tracks`, most displaced first); experts' variables in `impact_parameters` (n, 12), `jet_fitter` (n, 11),
    `jet_fitter_pairs` (n, 10) and `inclusive_vertex` (n, 8); `leading` (n, 3), for observables; `pile_up` (n, 2), the
    numbers of pile-up collisions and of collisions found in the event, for observables.

    Target `flavour` (n,) int64: 0 light, 1 charm, 2 beauty. Targets of the elements of `tracks`: `track_origin` with
    the classes `bevatron.raw.track_origins.ORIGINS`, and `track_vertex`, the vertex where the particle is produced: 0
    the hard collision, 1, 2, … others, -1 none, for pile-up and fake tracks. As nothing interacts with material, tracks
    of the class "other_secondary" come from strange hadrons and τ leptons that are not from heavy hadrons. Optional
    targets, NaN for light jets: `hadron_pt` (GeV) and `decay_length` (mm, across the beam) of the hadron that
    gives the flavour. Observer `vertex_offset` (mm): distance along the beam from the hard collision to the
    reconstructed primary vertex.
    """

    VERSION = 2

    class Options(kinds.Options):
        hadron_delta_r: Real = Field(
            default=0.3, gt=0.0, le=0.8, description="largest ΔR between a jet and a hadron that gives it its flavour"
        )
        hadron_pt_min: NonNegative = Field(default=5.0, description="least pt of such a hadron, GeV")
        pt_min: NonNegative = Field(default=20.0, description="least measured pt of a jet, GeV")
        eta_max: Real = Field(default=2.5, gt=0.0, description="largest measured |eta| of a jet")
        max_tracks: Count = Field(default=40, description="largest number of tracks of a jet")
        beam_spot: BeamSpot = Field(default_factory=BeamSpot, description="where collisions happen")
        tracking: Tracking = Field(default_factory=lambda: Tracking(pt_min=0.5), description="the tracker")
        selection: TrackSelection = Field(default_factory=TrackSelection, description="which tracks of a jet are kept")
        jet_fitter: JetFitterCuts = Field(
            default_factory=JetFitterCuts, description="the search for vertices along the flight axis"
        )
        inclusive_vertex: InclusiveVertexCuts = Field(
            default_factory=InclusiveVertexCuts,
            description="the search for the inclusive vertex; which tracks are taken for pile-up by both searches",
        )
        calorimeter: Calorimeter = Field(default_factory=Calorimeter, description="the measurement of jets")
        resampling: Resampling | None = Field(
            default_factory=Resampling,
            description="remove jets until all flavours have one spectrum in pt and |eta|; null keeps all jets",
        )

    @staticmethod
    def needs_totals(options: Options, source: Section) -> bool:
        """Whether sums over all shards are needed: shards from external files may differ, for example in flavour."""
        return hasattr(source, "files_by_shard")

    @staticmethod
    def without_resampling(options: Options) -> Options:
        """The options without resampling, for `bevatron apply`, which scores all jets."""
        return options.model_copy(update={"resampling": None})

    def count(
        self, options: Options, raw: Samples, seed: int, training: np.ndarray, n_shards: int
    ) -> dict[str, np.ndarray]:
        """Counts the training jets in each cell of the resampling, and calibrates the resolution of d0.

        training: (n,) bool. The calibration is a histogram of |d0 significance| of prompt tracks. It uses only as many
        jets as are needed for CALIBRATION_JETS in all `n_shards` together.
        """
        from bevatron.prepare.jets import impact_parameters, track_features
        from bevatron.prepare.jets.jet_probability import count_sizes
        from bevatron.prepare.jets.jets_amid_pile_up import reconstruct_amid_pile_up

        jets = _measure(options, raw, seed)
        learned = np.flatnonzero(training & _accepted(options, jets))
        found = {}
        if options.resampling is not None:
            cells = cells_of(jets.pt, jets.eta, _label(options, raw), options.resampling)
            found["cells"] = np.bincount(cells[learned], minlength=n_cells(options.resampling))
        event = raw.targets.get(EVENT, raw.id)
        few = learned[: -(-CALIBRATION_JETS // n_shards)]
        some = np.flatnonzero(training & np.isin(event, event[few]))
        measured = reconstruct_amid_pile_up(
            raw.take(some), options.beam_spot, options.tracking, options.selection, seed
        )
        signed = track_features.sign_tracks(measured.tracks, jets.eta[some], jets.phi[some])
        rows = impact_parameters.select_impact_tracks(signed)
        found["sizes"] = count_sizes(signed.d0_significance[rows][measured.tracks.prompt[rows]])
        return found

    def prepare(
        self,
        options: Options,
        raw: Samples,
        seed: int,
        training: np.ndarray,
        totals: dict[str, np.ndarray] | None = None,
    ) -> Samples:
        """Reconstructs the jets of a raw shard of collision events with `track_truth`.

        All random numbers follow from `seed`. totals: the sums of `count` over all shards. They give the resolution of
        d0 and the fractions of jets that resampling keeps. Without totals, both come from the jets `training` (n,) bool
        of this shard, and are applied to the whole shard. Jets that fail the cuts on measured quantities, and jets that
        resampling removes, are not returned; the others keep their ids. Raises UserError for raw shards without
        `track_truth`.
        """
        # Imported here: what is compiled by numba costs half a second, which checking a configuration need not pay.
        from bevatron.prepare.jets import impact_parameters, leading_track, track_features, track_inputs
        from bevatron.prepare.jets.feature import make_group
        from bevatron.prepare.jets.jet_probability import (
            calibrate_by_totals,
            calibrate_resolution,
            jet_probability,
            track_probability,
        )
        from bevatron.prepare.jets.jets_amid_pile_up import reconstruct_amid_pile_up
        from bevatron.prepare.jets.truth_vertices import number_vertices
        from bevatron.prepare.jets.vertex_experts import vertex_groups

        jets, label = _measure(options, raw, seed), _label(options, raw)
        measured = reconstruct_amid_pile_up(raw, options.beam_spot, options.tracking, options.selection, seed)
        tracks, jet = measured.tracks, measured.tracks.jet
        signed, track_eta = track_features.sign_tracks(tracks, jets.eta, jets.phi), tracks.eta

        hard = impact_parameters.select_impact_tracks(signed)
        of_impact = track_features.SignedTracks(signed.parameters[hard], signed.covariance[hard])
        d0 = of_impact.d0_significance
        if totals is None:
            resolution = calibrate_resolution(d0[tracks.prompt[hard] & training[jet[hard]]])
        else:
            resolution = calibrate_by_totals(totals["sizes"])
        probability = jet_probability(track_probability(d0, resolution), jet[hard], len(raw))
        impact = impact_parameters.impact_features(
            of_impact, track_eta[hard], jet[hard], probability, jets.pt, jets.eta
        )

        order = track_features.order_by_displacement(signed.d0_significance, jet)
        kept = first_tracks(order, np.searchsorted(jet, np.arange(len(raw) + 1)), options.max_tracks)
        rows = kept.values
        inputs = track_inputs.track_inputs(signed, track_eta, jet, jets.pt, jets.eta)
        origin = measured.origin[rows]
        vertex = number_vertices(Ragged(measured.production[rows], kept.offsets), origin)
        pt, length = hadron_targets(
            *_directions(raw), label, ragged(raw, "hadrons"), ragged(raw, "hadron_ids"),
            options.hadron_delta_r, options.hadron_pt_min,
        )  # fmt: skip
        samples = Samples(
            inputs={
                "jet": make_group(Dense(np.stack([jets.pt, jets.eta], axis=1)), leading_track.JET),
                "tracks": make_group(Ragged(inputs[rows], kept.offsets, options.max_tracks), track_inputs.FEATURES),
                "impact_parameters": make_group(Dense(impact), impact_parameters.FEATURES),
                **vertex_groups(
                    measured,
                    jets.eta,
                    jets.phi,
                    options.tracking.field,
                    options.jet_fitter,
                    options.inclusive_vertex,
                ),
                "leading": make_group(
                    Dense(leading_track.leading_features(signed, order, jet, len(raw))), leading_track.FEATURES
                ),
                "pile_up": make_group(
                    Dense(np.column_stack([_n_collisions(raw), measured.n_found])), leading_track.PILE_UP
                ),
            },
            targets={"flavour": label, "hadron_pt": pt, "decay_length": length},
            id=raw.id,
            attributes={"approximations": APPROXIMATIONS},
            observers={"vertex_offset": (measured.primary - measured.collision)[:, 2].astype(np.float32)},
            element_targets={
                "track_origin": ElementTarget("tracks", origin.astype(np.int8), ORIGINS),
                "track_vertex": ElementTarget("tracks", vertex),
            },
            optional=("hadron_pt", "decay_length"),
        )
        accepted = np.flatnonzero(_accepted(options, jets))
        if options.resampling is None:
            return samples.take(accepted)
        kinematics = jets.pt[accepted], jets.eta[accepted], label[accepted]
        return samples.take(accepted[select_rows(kinematics, training[accepted], options.resampling, seed, totals)])


def _measure(options: ModernJetSamples.Options, raw: Samples, seed: int) -> MeasuredJets:
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, JET_ENERGY])))
    return measure_jets(raw, options.calorimeter, random)


def _accepted(options: ModernJetSamples.Options, jets: MeasuredJets) -> np.ndarray:
    return (jets.pt > options.pt_min) & (np.abs(jets.eta) < options.eta_max)


def _directions(raw: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Eta and phi of the generated jets, to which truth is matched."""
    _, eta, phi, _ = values_of(raw, "jet").astype(np.float64).T
    return eta, phi


def _label(options: ModernJetSamples.Options, raw: Samples) -> np.ndarray:
    hadrons, quarks = ragged(raw, "hadrons"), ragged(raw, "hadron_ids")
    return assign_flavour(*_directions(raw), hadrons, quarks, options.hadron_delta_r, options.hadron_pt_min)


def _n_collisions(raw: Samples) -> np.ndarray:
    """The number of pile-up collisions in each jet's event, (n,)."""
    return values_of(raw, "pile_up_event")[:, 0] if "pile_up_event" in raw.inputs else np.zeros(len(raw))


def first_tracks(order: np.ndarray, first: np.ndarray, maximum: int) -> Ragged:
    """The rows of the first tracks of each jet, at most `maximum`. first (n_jets + 1,) divides `order` by jet."""
    lengths = np.diff(first)
    rank = np.arange(len(order)) - np.repeat(first[:-1], lengths)
    offsets = np.concatenate([[0], np.cumsum(np.minimum(lengths, maximum))]).astype(np.int64)
    return Ragged(order[rank < maximum], offsets)
