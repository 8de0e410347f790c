"""The source `jets`: proton collisions by Pythia 8, clustered by FastJet, kept at particle level."""

import logging
from time import perf_counter

import numpy as np
from pydantic import Field

from bevatron.config import kinds
from bevatron.config.kinds import source
from bevatron.config.section import Count, Name, Positive
from bevatron.simulate.clustering import cluster, visible
from bevatron.simulate.hadrons import by_nearest_jet, decay_vertex, weakly_decaying
from bevatron.simulate.particles import Particles
from bevatron.simulate.pythia import Collisions
from bevatron.simulate.pythia import versions as pythia_versions
from bevatron.store.columns import Dense, Group, Ragged, Samples

logger = logging.getLogger("bevatron")

LIGHT = ("gg2gg", "gg2qqbar", "qg2qg", "qq2qq", "qqbar2gg", "qqbar2qqbarNew")
PROCESSES = {
    "beauty": ["HardQCD:hardbbbar = on"],
    "charm": ["HardQCD:hardccbar = on"],
    # new quark pairs are u, d, s alone; charm and beauty arise in showers and from the proton's sea
    "light": [*(f"HardQCD:{process} = on" for process in LIGHT), "HardQCD:nQuarkNew = 3"],
}
FOUR_MOMENTUM = ("px", "py", "pz", "energy", "x", "y", "z")
UNITS = ("GeV",) * 4 + ("mm",) * 3


@source("jets")
class Jets:
    """Jets of the processes in `processes`, the same number of events of each in every shard.

    One sample is one jet; id = shard << 40 | event << 8 | rank of the jet in its event. Input groups: `jet`
    (pt, eta, phi, mass), `constituents` (momentum, energy, place of production), `constituent_ids` (PDG
    number, three times the charge), `hadrons` (weakly decaying beauty and charm hadrons to which this jet is
    the nearest within ΔR < 0.8: momentum, energy, place of decay), `hadron_ids` (PDG number, heaviest quark).
    Targets: `event` uint64, unique in the study; `process` int64, the place of its name in alphabetical
    order.

    Approximations: generator level, so no detector material and no field (curvature comes in with the impact
    parameters, in the prepare stage); no pile-up; the collision is at the origin, without a beam spot.
    """

    class Options(kinds.Options):
        events: Count = Field(1_000, description="events of each process in each shard", lt=2**24)
        energy: Positive = Field(13_000.0, description="energy of the two protons together, GeV")
        pt_hat_min: Positive = Field(25.0, description="least pt of the hard scattering, GeV")
        multiple_interactions: bool = Field(
            True, description="further parton collisions of the same protons; without them six times as fast"
        )
        jet_radius: Positive = Field(0.4, description="radius parameter of the anti-kT algorithm")
        jet_pt_min: Positive = Field(20.0, description="least pt of a jet, GeV")
        jet_eta_max: Positive = Field(2.5, description="largest |eta| of a jet")
        particle_eta_max: Positive = Field(4.9, description="largest |eta| of the particles clustered")
        processes: dict[Name, list[str]] = Field(
            PROCESSES, description="by name, the Pythia settings that switch a process on", min_length=1
        )
        settings: list[str] = Field([], description="further Pythia settings, of all processes")

    def simulate(self, options: Options, shard: int, seed: int) -> tuple[Samples, dict]:
        """One shard of jets, and the time spent inside Pythia. Raises UserError for settings Pythia
        refuses."""
        start, seconds, starting, done = perf_counter(), 0.0, 0.0, 0
        total = options.events * len(options.processes)
        parts: list[Samples] = []
        said = start
        for number, name in enumerate(sorted(options.processes)):
            settings = [*self.settings(options), *options.processes[name]]
            collisions = Collisions(settings, _mixed(seed, number), f"simulation.source.processes.{name}")
            for particles in collisions.batches(options.events):
                parts.append(self.jets_of(particles, collisions, options, (shard << 32) + done, number))
                done += particles.events
                if perf_counter() - said > 10.0:
                    said = perf_counter()
                    rate = done / (said - start)
                    logger.info(f"shard {shard}: {done} of {total} events, {rate:.0f} a second")
            seconds += collisions.seconds
            starting += collisions.starting
        samples = _joined(parts, {"processes": sorted(options.processes)})
        return samples, {
            "events": done,
            "seconds_in_generator": seconds,
            "seconds_starting_generator": starting,
        }

    def events(self, options: Options) -> int:
        """Events of a shard: `bevatron plan` asks."""
        return options.events * len(options.processes)

    def versions(self) -> dict[str, str]:
        from importlib.metadata import version

        return {**pythia_versions(), "fastjet": version("fastjet"), "awkward": version("awkward")}

    @staticmethod
    def settings(options: Options) -> list[str]:
        interactions = "on" if options.multiple_interactions else "off"
        return [
            "Beams:idA = 2212",
            "Beams:idB = 2212",
            f"Beams:eCM = {options.energy!r}",
            f"PhaseSpace:pTHatMin = {options.pt_hat_min!r}",
            f"PartonLevel:MPI = {interactions}",
            *options.settings,
        ]

    @staticmethod
    def jets_of(
        particles: Particles, collisions: Collisions, options: Options, first_event: int, process: int
    ) -> Samples:
        """The jets of one batch of events, which are numbered from `first_event`."""
        entries = visible(particles, options.particle_eta_max)
        jets = cluster(particles, entries, options.jet_radius, options.jet_pt_min)
        hadrons = weakly_decaying(particles)
        matched = by_nearest_jet(particles, hadrons, jets)  # before the cut in eta: the nearest jet may be outside
        inside = np.flatnonzero(np.abs(jets.eta) < options.jet_eta_max)
        jets, matched = jets.take(inside), matched.take(inside)

        entry = jets.constituents.values
        ids = np.stack([particles.pdg_id[entry], collisions.charges(particles.pdg_id[entry])], axis=1)
        hadron, quark = hadrons.entry[matched.values], hadrons.quark[matched.values]
        hadron_ids = np.stack([particles.pdg_id[hadron], quark], axis=1)
        kinematics = np.stack([jets.pt, jets.eta, jets.phi, jets.mass], axis=1).astype(np.float32)
        members = _lists(_four_momenta(particles, entry, particles.vertex[entry]), jets.constituents)
        decays = _lists(_four_momenta(particles, hadron, decay_vertex(particles, hadron)), matched)
        event = np.uint64(first_event) + jets.event.astype(np.uint64)
        return Samples(
            inputs={
                "jet": Group(Dense(kinematics), ("pt", "eta", "phi", "mass"), ("GeV", "", "rad", "GeV")),
                "constituents": Group(members, FOUR_MOMENTUM, UNITS),
                "constituent_ids": Group(_lists(ids, jets.constituents), ("pdg_id", "charge_thirds"), ("", "e/3")),
                "hadrons": Group(decays, FOUR_MOMENTUM, UNITS),
                "hadron_ids": Group(_lists(hadron_ids, matched), ("pdg_id", "quark"), ("", "")),
            },
            targets={"event": event, "process": np.full(len(jets), process, np.int64)},
            id=event << np.uint64(8) | jets.rank.astype(np.uint64),
        )


def _mixed(seed: int, number: int) -> int:
    """The seed of process `number`: independent streams from one seed (numpy's SeedSequence)."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])


def _four_momenta(particles: Particles, entry: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(n, 7) float32: px, py, pz, energy in GeV, and x, y, z in mm."""
    momentum = [column[entry] for column in (particles.px, particles.py, particles.pz, particles.energy)]
    return np.column_stack([*momentum, place]).astype(np.float32)


def _lists(values: np.ndarray, like: Ragged) -> Ragged:
    return Ragged(values, like.offsets)


def _joined(parts: list[Samples], attributes: dict) -> Samples:
    """All batches' samples one after the other."""
    inputs = {}
    for name, group in parts[0].inputs.items():
        columns = [part.inputs[name].column for part in parts]
        values = np.concatenate([column.values for column in columns])
        if isinstance(group.column, Dense):
            column = Dense(values)
        else:
            lengths = np.concatenate([column.lengths for column in columns])
            column = Ragged(values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
        inputs[name] = Group(column, group.features, group.units)
    targets = {name: np.concatenate([part.targets[name] for part in parts]) for name in parts[0].targets}
    return Samples(inputs, targets, np.concatenate([part.id for part in parts]), None, attributes)
