"""Reconstructs the jets of events with pile-up: their tracks, with truth, and the vertex of the hard collision."""

from dataclasses import dataclass, fields, replace

import numpy as np

from bevatron.prepare.jets.jet_options import BeamSpot, Tracking
from bevatron.prepare.jets.track_selection import TrackSelection
from bevatron.prepare.tracking.detector import FAKE_TRACK, Tracks, trace_tracks
from bevatron.prepare.tracking.overlaid_particles import overlay_particles
from bevatron.prepare.tracking.particles import NO_JET
from bevatron.prepare.vertexing.collision_finder import find_collisions
from bevatron.prepare.vertexing.primary_vertex import fit_primary_vertices
from bevatron.raw.split import EVENT
from bevatron.raw.track_origins import FAKE
from bevatron.store.shards.columns import Samples

CHUNK = 1_000  # jets: each event has some hundred particles outside of them, which are dropped chunk by chunk
MARGIN = 1.0  # mm along the beam by which the first estimate of a collision's place may be wrong


@dataclass(frozen=True)
class JetsAmidPileUp:
    """What a detector measures of n jets, and the truth about it.

    tracks: those selected in jets, jet by jet, their d0 and z0 taken to the primary vertex, whose uncertainty is in
    their covariance; at_beam: the same with d0 and z0 to the beam line, as vertices are fitted to; chi2_primary
    (total,): of each to the primary vertex; origin (total,) int8 and production (total, 3) in mm from the hard
    collision: of the particle of each, NaN for fakes. Of jets: primary (n, 3) and primary_covariance (n, 3, 3) in mm,
    collision (n, 3), the hard one in truth, and n_found (n,), collisions found in the event.
    """

    tracks: Tracks
    at_beam: Tracks
    chi2_primary: np.ndarray
    origin: np.ndarray
    production: np.ndarray
    primary: np.ndarray
    primary_covariance: np.ndarray
    collision: np.ndarray
    n_found: np.ndarray


def reconstruct_amid_pile_up(
    raw: Samples, beam: BeamSpot, tracking: Tracking, selection: TrackSelection, seed: int
) -> JetsAmidPileUp:
    """The jets of a shard of collision events with `track_truth`, in its order; jets of one event must be adjacent.

    All tracks of an event are measured; their groups along the beam are the collisions, and that with the largest Σ pt²
    is taken for the hard one (`find_collisions`), rightly or not; the tracks near it are fitted to the primary vertex.
    All noise follows from `seed`.
    """
    streams = np.random.SeedSequence([seed, 2]).spawn(2)
    random = [np.random.Generator(np.random.Philox(stream)) for stream in streams]
    numbers = raw.targets.get(EVENT, raw.id)
    new = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]])[: len(raw)])  # first jets of events
    parts, start = [], 0
    while start < len(raw) or not parts:
        later = new[new >= start + CHUNK]
        stop = int(later[0]) if len(later) else len(raw)
        rows = np.arange(start, stop)
        event = np.searchsorted(new, rows, side="right") - np.searchsorted(new, start, side="right")
        part = _reconstruct_chunk(raw.take(rows), event, beam, tracking, selection, *random)
        events = np.searchsorted(new, start)
        counted = {"jet": part.tracks.jet + start, "event": part.tracks.event + events}
        parts.append(replace(part, tracks=replace(part.tracks, **counted), at_beam=replace(part.at_beam, **counted)))
        start = stop
    tracks, at_beam = (_joined([getattr(part, name) for part in parts]) for name in ("tracks", "at_beam"))
    names = [field.name for field in fields(JetsAmidPileUp)][2:]
    return JetsAmidPileUp(tracks, at_beam, *(np.concatenate([getattr(p, name) for p in parts]) for name in names))


def _joined(parts: list[Tracks]) -> Tracks:
    return Tracks(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Tracks)))


def _reconstruct_chunk(
    raw: Samples,
    event: np.ndarray,
    beam: BeamSpot,
    tracking: Tracking,
    selection: TrackSelection,
    at_collision: np.random.Generator,
    in_detector: np.random.Generator,
) -> JetsAmidPileUp:
    """Whole events; event (n,) counts them from 0."""
    events = int(event[-1]) + 1 if len(event) else 0
    truth = overlay_particles(raw, event, beam, at_collision)
    tracks, particle = trace_tracks(truth.particles, truth.collisions, tracking, in_detector)
    found = find_collisions(
        tracks.event, tracks.parameters, tracks.covariance[:, 1, 1], tracks.pt, selection.vertex_pt_min, events
    )
    away = (tracks.parameters[:, 1] - found.z[tracks.event]) * np.sin(tracks.parameters[:, 3])
    near = np.flatnonzero(np.abs(away) < selection.z0_max + MARGIN)
    tracks, particle = tracks.take(near), particle[near]
    primary = fit_primary_vertices(tracks, events, beam, tracking.field, found.z)

    along = primary.impact[:, 1] * np.sin(tracks.parameters[:, 3])
    is_near = (np.abs(primary.impact[:, 0]) < selection.d0_max) & (np.abs(along) < selection.z0_max)
    rows = np.flatnonzero((tracks.jet != NO_JET) & is_near)
    tracks, particle, impact = tracks.take(rows), particle[rows], primary.impact[rows]
    to_vertex = tracks.covariance.copy()
    to_vertex[:, :2, :2] += primary.added[rows]
    chi2 = np.einsum("ni,nij,nj->n", impact, np.linalg.inv(to_vertex[:, :2, :2]), impact)
    parameters = np.concatenate([impact, tracks.parameters[:, 2:]], axis=1)
    is_fake = particle == FAKE_TRACK
    origin = np.full(len(rows), FAKE, np.int8)
    origin[~is_fake] = truth.origin[particle[~is_fake]]
    production = np.full((len(rows), 3), np.nan)
    production[~is_fake] = truth.particles.vertex[particle[~is_fake]]
    return JetsAmidPileUp(
        tracks=replace(tracks, parameters=parameters, covariance=to_vertex),
        at_beam=tracks,
        chi2_primary=chi2,
        origin=origin,
        production=production,
        primary=primary.position[event],
        primary_covariance=primary.covariance[event],
        collision=truth.collisions[event],
        n_found=found.n_found[event],
    )
