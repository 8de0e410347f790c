"""The jets of generated events, as the raw samples that every source of collision events writes."""

from collections.abc import Callable

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.sections.section import Positive
from bevatron.errors import UserError
from bevatron.simulate.collisions.calorimeter import cluster_calorimeter_jets
from bevatron.simulate.collisions.clustering import cluster_jets, select_visible
from bevatron.simulate.collisions.hadrons import decay_vertex, find_weakly_decaying, match_nearest_jet
from bevatron.simulate.collisions.particles import Particles
from bevatron.simulate.collisions.partons import FEATURES as PARTON_FEATURES
from bevatron.simulate.collisions.partons import UNITS as PARTON_UNITS
from bevatron.simulate.collisions.partons import find_partons
from bevatron.simulate.collisions.spectators import find_spectators
from bevatron.simulate.collisions.track_truth import find_origins
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples

FOUR_MOMENTUM = ("px", "py", "pz", "energy", "x", "y", "z")
MAX_JETS = 256  # of an event: the id of a jet holds its rank in 8 bits
UNITS = ("GeV",) * 4 + ("mm",) * 3


class JetOptions(kinds.Options):
    """How particles become jets; the same for every source of events."""

    calorimeter: bool = Field(
        default=False,
        description="cluster jets from towers of a simulated calorimeter, and scale their energies; default: cluster "
        "particles",
    )
    jet_radius: Positive = Field(default=0.4, description="radius parameter of the anti-kT algorithm")
    jet_pt_min: Positive = Field(
        default=20.0, description="least pt of a jet, GeV; with `calorimeter`, before its energy is scaled"
    )
    jet_eta_max: Positive = Field(default=2.5, description="largest |eta| of a jet")
    particle_eta_max: Positive = Field(default=4.9, description="largest |eta| of the particles clustered")
    track_truth: bool = Field(
        default=False, description="also keep the origin of each charged particle, which the recipe `jets_modern` needs"
    )


def build_jet_samples(
    particles: Particles,
    charges: Callable[[np.ndarray], np.ndarray],
    options: JetOptions,
    first_event: int,
    process: int,
    random: np.random.Generator,
) -> Samples:
    """The jets of one batch of events, which are numbered from `first_event`.

    charges: gives three times the electric charge, int32, of PDG numbers (n,). random: used by the calorimeter only.
    Momenta and energies are in GeV, positions in mm. Input groups:

    jet: pt, eta, phi, mass.
    constituents, constituent_ids: the jet's particles, with momentum, energy and point of production; and their PDG
        numbers and three times their charges.
    spectators, spectator_ids: the same for the event's charged particles outside of the selected jets, which help to
        find the collision point. They are listed with the first jet of their event.
    hadrons, hadron_ids: weakly decaying beauty and charm hadrons to which this jet is the nearest, within ΔR < 0.8,
        with momentum, energy and point of decay; and their PDG numbers and heaviest quarks.
    partons: the ΔR of the nearest parton of each kind (`bevatron.simulate.collisions.partons`).
    constituent_origins, spectator_origins: with `track_truth`, numbers of `bevatron.raw.track_origins`.

    Targets: `event` uint64, `process` int64. The id is event << 8 | rank of the jet in its event. Raises UserError if
    an event has more jets than ids can number.
    """
    entries = select_visible(particles, options.particle_eta_max)
    if options.calorimeter:
        thirds = charges(particles.pdg_id[entries])
        jets = cluster_calorimeter_jets(particles, thirds, entries, options.jet_radius, options.jet_pt_min, random)
    else:
        jets = cluster_jets(particles, entries, options.jet_radius, options.jet_pt_min)
    hadrons = find_weakly_decaying(particles)
    matched = match_nearest_jet(particles, hadrons, jets)  # before the cut in eta: the nearest jet may be outside
    inside = np.flatnonzero(np.abs(jets.eta) < options.jet_eta_max)
    jets, matched = jets.take(inside), matched.take(inside)
    if jets.rank.max(initial=0) >= MAX_JETS:
        event = first_event + int(jets.event[jets.rank.argmax()])
        what = f"event {event} has {int(jets.rank.max()) + 1} jets, more than the {MAX_JETS} that an id can number"
        raise UserError("simulation.source.jet_pt_min", what, "raise it")

    entry = jets.constituents.values
    ids = np.stack([particles.pdg_id[entry], charges(particles.pdg_id[entry])], axis=1)
    hadron, quark = hadrons.entry[matched.values], hadrons.quark[matched.values]
    hadron_ids = np.stack([particles.pdg_id[hadron], quark], axis=1)
    kinematics = np.stack([jets.pt, jets.eta, jets.phi, jets.mass], axis=1).astype(np.float32)
    members = _lists_like(_four_momenta(particles, entry, particles.vertex[entry]), jets.constituents)
    decays = _lists_like(_four_momenta(particles, hadron, decay_vertex(particles, hadron)), matched)
    outside = find_spectators(particles, charges, entries, jets)
    other = outside.values
    others = _lists_like(_four_momenta(particles, other, particles.vertex[other]), outside)
    other_ids = _lists_like(np.stack([particles.pdg_id[other], charges(particles.pdg_id[other])], axis=1), outside)
    origins = {}
    if options.track_truth:
        for name, lists in (("constituent_origins", jets.constituents), ("spectator_origins", outside)):
            found = find_origins(particles, lists.values)[:, None]
            origins[name] = Group(_lists_like(found, lists), ("origin",), ("",))
    event = np.uint64(first_event) + jets.event.astype(np.uint64)
    return Samples(
        inputs={
            "jet": Group(Dense(kinematics), ("pt", "eta", "phi", "mass"), ("GeV", "", "rad", "GeV")),
            "constituents": Group(members, FOUR_MOMENTUM, UNITS),
            "constituent_ids": Group(_lists_like(ids, jets.constituents), ("pdg_id", "charge_thirds"), ("", "e/3")),
            "spectators": Group(others, FOUR_MOMENTUM, UNITS),
            "spectator_ids": Group(other_ids, ("pdg_id", "charge_thirds"), ("", "e/3")),
            "partons": Group(find_partons(particles, jets), PARTON_FEATURES, PARTON_UNITS),
            "hadrons": Group(decays, FOUR_MOMENTUM, UNITS),
            "hadron_ids": Group(_lists_like(hadron_ids, matched), ("pdg_id", "quark"), ("", "")),
            **origins,
        },
        targets={"event": event, "process": np.full(len(jets), process, np.int64)},
        id=event << np.uint64(8) | jets.rank.astype(np.uint64),
    )


def _four_momenta(particles: Particles, entry: np.ndarray, position: np.ndarray) -> np.ndarray:
    """(n, 7) float32: px, py, pz, energy in GeV, and x, y, z in mm."""
    momentum = [column[entry] for column in (particles.px, particles.py, particles.pz, particles.energy)]
    return np.column_stack([*momentum, position]).astype(np.float32)


def _lists_like(values: np.ndarray, lists: Ragged) -> Ragged:
    return Ragged(values, lists.offsets)
