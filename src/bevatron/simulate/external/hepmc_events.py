"""HepMC events as flat arrays, by pyhepmc."""

import io
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from bevatron.errors import UserError
from bevatron.simulate.collisions.particles import Particles
from bevatron.simulate.external.external_files import missing_package
from bevatron.simulate.external.hepmc_lines import normalize_lines
from bevatron.simulate.external.hepmc_text import EventText

BATCH = 100  # events at a time
BUFFER = 1 << 16  # bytes that pyhepmc reads ahead
FINAL, BEAM = 1, 4  # status codes of the HepMC standard
MAX_FLOAT32 = float(np.finfo(np.float32).max)  # numbers are kept as float32
SYSTEM, INNER = 90, -11  # Pythia's entry 0, the event as a whole: so that 0 means none among mothers


def read_batches(
    events: Iterator[EventText], weight: str | int | None = None
) -> Iterator[tuple[list[EventText], Particles, np.ndarray]]:
    """Up to 100 events at a time: their texts, their particles, and their weights (n,) float64.

    weight: name or place of the one that is taken; None: the first, or 1 of an event without any. Raises UserError for
    an event that lacks the weight, or whose weight is not finite.
    """
    while texts := list(islice(events, BATCH)):
        parsed = [(text, event) for text, event in zip(texts, _parse_events(texts), strict=True)]
        weights = np.array([_weight_of(event, weight, text) for text, event in parsed], np.float64)
        with np.errstate(all="ignore"):  # what is not finite is told below
            converted = [convert_event(event) for _, event in parsed]
        for (text, _), particles in zip(parsed, converted, strict=True):
            _check_sizes(text, particles)
        yield texts, concatenate_particles(converted), weights


def _weight_of(event: Any, weight: str | int | None, text: EventText) -> float:
    values = list(event.weights)
    if weight is None:
        return float(values[0]) if values else 1.0
    names = _weight_names(event) if isinstance(weight, str) else list(map(str, range(len(values))))
    if str(weight) not in names[: len(values)]:
        known = ", ".join(names[: len(values)]) or "none"
        todo = f"fix simulation.source.weight; the event has: {known:.200}"
        raise UserError(text.where, f"event {text.number} has no weight '{weight}'", todo)
    value = float(values[names.index(str(weight))])
    if not np.isfinite(np.float32(value)):
        raise UserError(text.where, f"the weight '{weight}' of event {text.number} is {value:g}", "take the event out")
    return value


def _weight_names(event: Any) -> list[str]:
    try:
        return list(event.weight_names)
    except RuntimeError:  # the file does not name its weights
        return []


def _check_sizes(text: EventText, particles: Particles) -> None:
    """Raises UserError for an event with a momentum, an energy or a place that a float32 does not hold."""
    columns = {"momentum": [particles.px, particles.py, particles.pz], "energy": [particles.energy]}
    for name, values in (*columns.items(), ("position", [particles.vertex])):
        largest = float(np.max([np.abs(column).max(initial=0.0) for column in values]))
        if not largest < MAX_FLOAT32:
            what = f"event {text.number} has a {name} of {largest:g} GeV or mm, more than a 32-bit number holds"
            raise UserError(text.where, what, "take the event out, or see what wrote the file")


def _parse_events(texts: list[EventText]) -> Iterator[Any]:
    """Pyhepmc's events; UserError, naming file and line, for one that it cannot read whole."""
    try:
        import pyhepmc
    except ImportError:
        raise missing_package("pyhepmc", "HepMC3 files") from None
    pyhepmc.Setup.print_errors = pyhepmc.Setup.print_warnings = False  # the UserError below names them in one line
    pyhepmc.Setup.debug_level = 0
    for text in texts:
        lines = normalize_lines(text.text, text.listing.lines, text.file, text.line)
        listed = lines.count(b"\nP ")
        if listed != text.particles:
            what = f"event {text.number} cannot be read: it declares {text.particles} particles, and lists {listed}"
            raise UserError(text.where, what, "take the event out, or write the file again")
        content = text.head.replace(b"\r\n", b"\n") + lines + text.listing.end + b"\n"
        event = getattr(pyhepmc.io, text.listing.reader)(pyhepmc.io.pyiostream(io.BytesIO(content), BUFFER)).read()
        understood = (0, 0) if event is None else (len(event.particles), len(event.vertices))
        if understood != (text.particles, text.vertices) or understood == (0, 0):
            what = f"event {text.number} cannot be read: it declares {text.particles} particles and "
            what += f"{text.vertices} vertices, {understood[0]} and {understood[1]} were understood"
            raise UserError(text.where, what, "take the event out, or write the file again")
        yield event


def convert_event(event: Any) -> Particles:
    """One event in the form of Pythia's records: an entry 0 for the whole, positive status for the final state.

    Positions count from the collision: the event's own position, or else where the beams end. A vertex without a
    position of its own is where its first incoming particle was made, as the HepMC3 standard has it.
    """
    import pyhepmc

    data = pyhepmc.GenEventData()
    event.write_data(data)
    source, target = np.asarray(data.links1), np.asarray(data.links2)
    n, n_vertices = len(data.particles), len(data.vertices)
    inwards = source > 0  # a link leads from a particle to the vertex -number where it ends, or from one to a particle
    made_at, ends_at = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    made_at[target[~inwards]] = -source[~inwards]
    ends_at[source[inwards]] = -target[inwards]
    first_in, first_out = np.zeros(n_vertices + 1, np.int64), np.zeros(n_vertices + 1, np.int64)
    first_in[-target[inwards][::-1]] = source[inwards][::-1]  # the last one written is the first of the list
    first_out[-source[~inwards][::-1]] = target[~inwards][::-1]

    momentum = 1e-3 if event.momentum_unit == pyhepmc.Units.MEV else 1.0  # to GeV
    length = 10.0 if event.length_unit == pyhepmc.Units.CM else 1.0  # to mm
    columns = {name: np.concatenate([[0.0], data.particles[name] * momentum]) for name in ("px", "py", "pz", "e")}
    status = data.particles["status"]
    position = _vertex_positions(event, data, made_at[first_in], ends_at) * length
    return Particles(
        offsets=np.array([0, n + 1]),
        pdg_id=np.concatenate([[SYSTEM], data.particles["pid"]]).astype(np.int32),
        status=np.concatenate([[INNER], np.where(status == FINAL, FINAL, -np.abs(status))]).astype(np.int32),
        mother=first_in[made_at],
        daughter=first_out[ends_at],
        px=columns["px"],
        py=columns["py"],
        pz=columns["pz"],
        energy=columns["e"],
        vertex=position[made_at],
    )


def _vertex_positions(event: Any, data: Any, before: np.ndarray, ends_at: np.ndarray) -> np.ndarray:
    """Positions (n_vertices + 1, 3) of the vertices in the event's unit, from the collision, which is position 0.

    before: the vertex at which the first incoming particle of each was made, 0 for none.
    """
    vertices = event.numpy.vertices
    number = -np.asarray(vertices.id)  # the list need not be in the order of its numbers
    has_position, position = np.ones(len(number) + 1, bool), np.zeros((len(number) + 1, 3))
    has_position[number] = vertices.has_set_position
    position[number] = np.column_stack([data.vertices[axis] for axis in "xyz"])
    follow = np.where(has_position, np.arange(len(has_position)), before)
    for _ in range(len(has_position).bit_length() + 1):  # each round doubles the distance
        follow = follow[follow]
    beams = np.flatnonzero(data.particles["status"] == BEAM) + 1
    shift = event.event_pos()
    origin = np.array([shift.x, shift.y, shift.z])
    if not origin.any() and len(beams) and has_position[ends_at[beams[0]]]:
        origin = position[ends_at[beams[0]]]
    position[0] = origin
    return position[follow] - origin


def concatenate_particles(parts: list[Particles]) -> Particles:
    """Several events one after the other."""
    names = ("pdg_id", "status", "mother", "daughter", "px", "py", "pz", "energy", "vertex")
    lengths = [len(part.pdg_id) for part in parts]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Particles(offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), **columns)


def charges(pdg_id: np.ndarray) -> np.ndarray:
    """Three times the electric charge of each particle, int32, read off its number (Particle Data Group)."""
    from particle import PDGID

    species, which = np.unique(pdg_id, return_inverse=True)
    return np.array([PDGID(int(number)).three_charge or 0 for number in species], np.int32)[which]
