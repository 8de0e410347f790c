"""Concatenation of the tracks and vertices of jets that are reconstructed in several parts."""

from dataclasses import fields
from typing import TypeVar

import numpy as np

from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.vertexing.secondary_vertices import NONE, SecondaryVertices

RecordsT = TypeVar("RecordsT", Tracks, SecondaryVertices)


def concatenate_fields(parts: list[RecordsT]) -> RecordsT:
    """The records of all parts as one, of the first part's type."""
    kind = type(parts[0])
    return kind(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(kind)))


def shift_rows(vertex: np.ndarray, by: int) -> np.ndarray:
    """Rows of vertices (total,) increased by `by`; NONE stays."""
    return np.where(vertex == NONE, NONE, vertex + by)
