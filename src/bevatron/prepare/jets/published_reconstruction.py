"""Reconstructs jets as Guest et al. (2016) did: tracks near the axis, primary vertex, adaptive vertices."""

from dataclasses import dataclass, replace

import numpy as np

from bevatron.prepare.columns import values_of
from bevatron.prepare.jets.adaptive_cuts import AdaptiveCuts
from bevatron.prepare.jets.concatenation import concatenate_fields, shift_rows
from bevatron.prepare.jets.jet_options import BeamSpot
from bevatron.prepare.jets.published_options import PrimaryVertexCuts, PublishedTracking, TrackCuts
from bevatron.prepare.tracking.charged_species import select_charged_species
from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.tracking.direction import delta_phi
from bevatron.prepare.tracking.published_detector import measure_published
from bevatron.prepare.vertexing.adaptive_vertices import reconstruct_adaptive
from bevatron.prepare.vertexing.primary_vertex import fit_primary_vertices
from bevatron.prepare.vertexing.secondary_vertices import SecondaryVertices
from bevatron.raw.split import EVENT
from bevatron.store.shards.columns import Samples, elements_of

CHUNK = 4_000  # jets at a time: particles outside of jets need much memory until they are dropped


@dataclass(frozen=True)
class PublishedJets:
    """The tracks and vertices of n jets that the published detector measures.

    tracks: those near the axis of each jet, jet by jet, with parameters at the origin, which is the collision point; a
    track can be near two jets. primary_weight (total,): weight in the fit of the event's primary vertex, 0 if not
    fitted. is_primary, is_secondary (total,) bool: tracks that pass the cuts for lists and vertices, and belong to the
    primary vertex, or do not. is_expert (total,) bool: tracks for expert variables. vertices: the secondary vertices.
    """

    tracks: Tracks
    primary_weight: np.ndarray
    is_primary: np.ndarray
    is_secondary: np.ndarray
    is_expert: np.ndarray
    vertices: SecondaryVertices


def reconstruct_published_jets(
    raw: Samples,
    tracking: PublishedTracking,
    primary: PrimaryVertexCuts,
    cuts: TrackCuts,
    adaptive: AdaptiveCuts,
    seed: int,
) -> PublishedJets:
    """The jets of a shard of the source `jets`, in its order; jets of one event must be adjacent.

    All random numbers follow from `seed`.
    """
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed).spawn(1)[0]))
    numbers = raw.targets.get(EVENT, raw.id)
    new = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]])[: len(raw)])  # first jets of events
    parts, sizes, events, start = [], [], [], 0
    while start < len(raw) or not parts:
        later = new[new >= start + CHUNK]
        stop = int(later[0]) if len(later) else len(raw)
        rows = np.arange(start, stop)
        event = np.searchsorted(new, rows, side="right") - np.searchsorted(new, start, side="right")
        parts.append(_reconstruct_chunk(raw.take(rows), event, tracking, primary, cuts, adaptive, random))
        sizes.append(len(rows))
        events.append(int(event[-1]) + 1 if len(event) else 0)
        start = stop
    return _concatenate_chunks(parts, np.cumsum([0, *sizes]), np.cumsum([0, *events]))


def _reconstruct_chunk(
    raw: Samples,
    event: np.ndarray,
    tracking: PublishedTracking,
    primary: PrimaryVertexCuts,
    cuts: TrackCuts,
    adaptive: AdaptiveCuts,
    random: np.random.Generator,
) -> PublishedJets:
    """Whole events; event (n,) counts them from 0."""
    events = int(event[-1]) + 1 if len(event) else 0
    tracks = measure_published(select_charged_species(raw, event), tracking, random)
    pt, d0 = tracks.pt, np.abs(tracks.parameters[:, 0])
    fitted = np.flatnonzero((pt >= primary.pt_min) & (d0 <= primary.d0_max))
    beam = BeamSpot(sigma_x=primary.sigma_x, sigma_y=primary.sigma_y, sigma_z=primary.sigma_z)
    weight = np.zeros(len(tracks))
    weight[fitted] = fit_primary_vertices(tracks.take(fitted), events, beam, tracking.field).weight

    _, eta, phi, _ = values_of(raw, "jet").astype(np.float64).T
    rows, jet = associate_tracks(tracks, event, eta, phi, cuts.delta_r)
    pt, d0, weight = pt[rows], d0[rows], weight[rows]
    tracks = replace(tracks.take(rows), jet=jet)
    listed = (pt >= cuts.pt_min) & (d0 <= cuts.d0_max)
    is_primary = listed & (weight > primary.weight_min)
    is_secondary = listed & ~is_primary
    is_expert = (pt >= cuts.expert_pt_min) & (d0 <= cuts.expert_d0_max)
    origin = np.zeros((len(raw), 3))
    vertices = reconstruct_adaptive(tracks, is_secondary, len(raw), origin, None, tracking.field, adaptive)
    return PublishedJets(tracks, weight, is_primary, is_secondary, is_expert, vertices)


def associate_tracks(
    tracks: Tracks, event: np.ndarray, eta: np.ndarray, phi: np.ndarray, delta_r: float
) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the tracks within delta_r of each jet, jet by jet, and the jet of each track, (total,) both.

    tracks: sorted by event; event, eta, phi (n,) of the jets.
    """
    events = int(event[-1]) + 1 if len(event) else 0
    row, cuts = elements_of(event, np.searchsorted(tracks.event, np.arange(events + 1)))
    jet = np.repeat(np.arange(len(event)), np.diff(cuts))
    distance = np.hypot(tracks.eta[row] - eta[jet], delta_phi(tracks.parameters[row, 2], phi[jet]))
    near = distance <= delta_r
    return row[near], jet[near]


def _concatenate_chunks(parts: list[PublishedJets], jets: np.ndarray, events: np.ndarray) -> PublishedJets:
    """Concatenates the parts. jets, events (n_parts + 1,): the numbers of jets and events before each part."""
    rows = np.cumsum([0, *(len(part.vertices) for part in parts)])
    tracks = [
        replace(part.tracks, jet=part.tracks.jet + jet, event=part.tracks.event + event)
        for part, jet, event in zip(parts, jets, events, strict=False)
    ]
    vertices = [
        replace(part.vertices, jet=part.vertices.jet + jet, vertex=shift_rows(part.vertices.vertex, row))
        for part, jet, row in zip(parts, jets, rows, strict=False)
    ]
    return PublishedJets(
        tracks=concatenate_fields(tracks),
        primary_weight=np.concatenate([part.primary_weight for part in parts]),
        is_primary=np.concatenate([part.is_primary for part in parts]),
        is_secondary=np.concatenate([part.is_secondary for part in parts]),
        is_expert=np.concatenate([part.is_expert for part in parts]),
        vertices=concatenate_fields(vertices),
    )
