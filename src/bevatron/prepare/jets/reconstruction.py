"""Reconstructs generated jets as a detector would see them: tracks, primary and secondary vertices."""

from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np

from bevatron.prepare.columns import values_of
from bevatron.prepare.jets.jet_options import BeamSpot, Tracking, VertexCuts
from bevatron.prepare.tracking.detector import Tracks, measure_tracks, sample_collision_points
from bevatron.prepare.tracking.particles import NO_JET, select_charged
from bevatron.prepare.vertexing.primary_vertex import fit_primary_vertices
from bevatron.prepare.vertexing.secondary_vertices import NONE, SecondaryVertices, find_secondary_vertices
from bevatron.raw.split import EVENT
from bevatron.store.shards.columns import Samples

RecordsT = TypeVar("RecordsT", Tracks, SecondaryVertices)
CHUNK = 4_000  # jets: particles outside of them need much more memory, and are dropped chunk by chunk


@dataclass(frozen=True)
class ReconstructedJets:
    """What a detector measures of n jets.

    tracks: those in jets, jet by jet, their d0 and z0 taken to the primary vertex, whose uncertainty is in their
    covariance; primary (n, 3) and primary_covariance (n, 3, 3): the vertex of each jet's event, mm; vertices: the
    secondary ones; collision (n, 3): where the event's protons met in truth, to test the fit.
    """

    tracks: Tracks
    vertices: SecondaryVertices
    primary: np.ndarray
    primary_covariance: np.ndarray
    collision: np.ndarray


def reconstruct_jets(
    raw: Samples, beam: BeamSpot, tracking: Tracking, cuts: VertexCuts, seed: int
) -> ReconstructedJets:
    """The jets of a shard of the source `jets`, in its order; jets of one event must be adjacent.

    An event's jets share its collision point. All noise follows from `seed`.
    """
    streams = np.random.SeedSequence(seed).spawn(2)
    random = [np.random.Generator(np.random.Philox(stream)) for stream in streams]
    numbers = raw.targets.get(EVENT, raw.id)
    new = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]])[: len(raw)])  # first jets of events
    parts, start = [], 0
    while start < len(raw) or not parts:
        later = new[new >= start + CHUNK]
        stop = int(later[0]) if len(later) else len(raw)
        rows = np.arange(start, stop)
        event = np.searchsorted(new, rows, side="right") - np.searchsorted(new, start, side="right")
        parts.append(_reconstruct_chunk(raw.take(rows), event, beam, tracking, cuts, *random))
        start = stop
    return _concatenate_chunks(parts)


def _reconstruct_chunk(
    raw: Samples,
    event: np.ndarray,
    beam: BeamSpot,
    tracking: Tracking,
    cuts: VertexCuts,
    at_collision: np.random.Generator,
    in_detector: np.random.Generator,
) -> ReconstructedJets:
    """Whole events; event (n,) counts them from 0."""
    events = int(event[-1]) + 1 if len(event) else 0
    collisions = sample_collision_points(events, beam, at_collision)
    tracks = measure_tracks(select_charged(raw, event), collisions, tracking, in_detector)
    primary = fit_primary_vertices(tracks, events, beam, tracking.field)

    inside = np.flatnonzero(tracks.jet != NO_JET)
    tracks, impact, added = tracks.take(inside), primary.impact[inside], primary.added[inside]
    to_vertex = tracks.covariance.copy()
    to_vertex[:, :2, :2] += added
    chi2 = np.einsum("ni,nij,nj->n", impact, np.linalg.inv(to_vertex[:, :2, :2]), impact)
    position, covariance = primary.position[event], primary.covariance[event]
    _, eta, phi, _ = values_of(raw, "jet").astype(np.float64).T
    axis = np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)], axis=1)
    vertices = find_secondary_vertices(tracks, len(raw), chi2, position, covariance, axis, tracking.field, cuts)
    parameters = np.concatenate([impact, tracks.parameters[:, 2:]], axis=1)
    to_vertex = replace(tracks, parameters=parameters, covariance=to_vertex)
    return ReconstructedJets(to_vertex, vertices, position, covariance, collisions[event])


def _concatenate_chunks(parts: list[ReconstructedJets]) -> ReconstructedJets:
    """One after the other; jets, events and vertices are counted on."""
    jets = np.cumsum([0, *(len(part.primary) for part in parts)])
    rows = np.cumsum([0, *(len(part.vertices) for part in parts)])
    events = np.cumsum([0, *(int(part.tracks.event.max(initial=-1)) + 1 for part in parts)])
    tracks = [
        replace(part.tracks, jet=part.tracks.jet + jet, event=part.tracks.event + event)
        for part, jet, event in zip(parts, jets, events, strict=False)
    ]
    vertices = [
        replace(part.vertices, jet=part.vertices.jet + jet, vertex=shift_rows(part.vertices.vertex, row))
        for part, jet, row in zip(parts, jets, rows, strict=False)
    ]
    return ReconstructedJets(
        concatenate_fields(tracks),
        concatenate_fields(vertices),
        *(np.concatenate([getattr(p, name) for p in parts]) for name in ("primary", "primary_covariance", "collision")),
    )


def concatenate_fields(parts: list[RecordsT]) -> RecordsT:
    """The records of all parts as one, of the first part's type."""
    kind = type(parts[0])
    return kind(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(kind)))


def shift_rows(vertex: np.ndarray, by: int) -> np.ndarray:
    """Rows of vertices (total,) counted on by `by`; NONE stays."""
    return np.where(vertex == NONE, NONE, vertex + by)
