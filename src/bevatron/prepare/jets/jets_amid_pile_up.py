"""Reconstructs the jets of events with pile-up: their tracks, with the truth about them, and the primary vertex."""

from dataclasses import dataclass, fields, replace

import numpy as np

from bevatron.prepare.jets.concatenation import concatenate_fields
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

CHUNK = 1_000  # jets at a time: each event has some hundred particles outside of jets, which need memory until dropped
MARGIN = 1.0  # mm along the beam: error of the first estimate of a collision's position


@dataclass(frozen=True)
class JetsAmidPileUp:
    """The measured tracks and vertices of n jets, and the truth about them.

    tracks: the selected tracks, jet by jet, with d0 and z0 relative to the primary vertex, whose uncertainty is part of
    their covariance; at_beam: the same tracks with d0 and z0 relative to the beam line, for vertex fits. For each
    track: chi2_primary (total,) to the primary vertex; origin (total,) int8 of its particle; production (total, 3) in
    mm, where the particle is produced, relative to the hard collision, NaN for fake tracks. For each jet: primary (n,
    3) in mm and primary_covariance (n, 3, 3) in mm², the reconstructed primary vertex; collision (n, 3) in mm, the true
    hard collision; n_found (n,), the number of collisions found in the event.
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

    All tracks of an event are measured. Groups of tracks along the beam are the collisions, and the group with the
    largest Σ pt² is taken as the hard collision (`find_collisions`), which can be wrong. The tracks near it are fitted
    to the primary vertex. All random numbers follow from `seed`.
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
    tracks, at_beam = (concatenate_fields([getattr(part, name) for part in parts]) for name in ("tracks", "at_beam"))
    names = [field.name for field in fields(JetsAmidPileUp)][2:]
    return JetsAmidPileUp(tracks, at_beam, *(np.concatenate([getattr(p, name) for p in parts]) for name in names))


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
