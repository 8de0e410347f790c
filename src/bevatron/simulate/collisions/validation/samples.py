"""The events that are compared with published numbers: Z decays, jets at 8 TeV, and the study's own collisions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bevatron.simulate.collisions.clustering import cluster_jets, select_visible
from bevatron.simulate.collisions.particles import Particles
from bevatron.simulate.collisions.pythia import SEEDS, Collisions
from bevatron.simulate.collisions.validation.decays import STRANGE, HadronDecays, count_decays, d_star_energies
from bevatron.simulate.collisions.validation.published import JET_CHARGED, JET_PT_EDGES

WHERE = "simulation.source"
BEAM = 45.594  # GeV: half the mass of the Z
Z_QUARKS = {"b": "5", "c": "4", "uds": "1 2 3"}
Z_SETTINGS = (
    "Beams:idA = 11",
    "Beams:idB = -11",
    f"Beams:eCM = {2 * BEAM!r}",
    "PDF:lepton = off",
    "WeakSingleBoson:ffbar2gmZ = on",
    "23:onMode = off",
)
KAON_LONG = 130
# What is published of Z decays counts the products of K⁰_S, Λ and other strange hadrons. They decay here too, also
# where the study's own settings leave them undecayed, as those of `jets` do.
Z_DECAYS = (
    "ParticleDecays:limitTau0 = off",
    *(f"{number}:mayDecay = on" for number in STRANGE if number != KAON_LONG),
)
JET_SETTINGS = (
    "Beams:idA = 2212",
    "Beams:idB = 2212",
    "Beams:eCM = 8000.",
    "HardQCD:all = on",
    "ParticleDecays:limitTau0 = on",  # ATLAS counts particles with lifetimes above 30 ps as stable
    "ParticleDecays:tau0Max = 9.",  # mm
)


@dataclass(frozen=True)
class ZDecays:
    """Z decays to pairs of certain quarks: their heavy hadrons; charged (n_events,): number of charged particles in
    each event; d_star (n,): energies of D*± in GeV.
    """

    hadrons: HadronDecays
    charged: np.ndarray
    d_star: np.ndarray


def seeds_of(seed: int, n: int) -> list[int]:
    """Seeds for Pythia, n of them, that follow from `seed`."""
    return [int(word % SEEDS) for word in np.random.SeedSequence(seed).generate_state(n, np.uint64)]


def generate_z(quarks: str, events: int, settings: Sequence[str], seed: int) -> ZDecays:
    """Decays of a Z at rest to one of the quarks: a key of `Z_QUARKS`. No setting of the study changes `Z_DECAYS`."""
    of_quarks = f"23:onIfAny = {Z_QUARKS[quarks]}"
    collisions = Collisions([*Z_SETTINGS, of_quarks, *settings, *Z_DECAYS], seed, WHERE)
    hadrons, charged, d_star = [], [], []
    for particles, charge in _with_charges(collisions, events):
        hadrons.append(count_decays(particles, charge))
        stable = (particles.status > 0) & (charge != 0)
        charged.append(np.bincount(particles.event[stable], minlength=particles.events))
        d_star.append(d_star_energies(particles))
    return ZDecays(HadronDecays.concatenate(hadrons), np.concatenate(charged), np.concatenate(d_star))


def generate_hadrons(settings: Sequence[str], events: int, seed: int) -> HadronDecays:
    """The heavy hadrons of collisions with these settings."""
    collisions = Collisions(list(settings), seed, WHERE)
    return HadronDecays.concatenate([count_decays(*batch) for batch in _with_charges(collisions, events)])


def count_in_jets(
    interactions: bool, events: int, settings: Sequence[str], seed: int
) -> dict[float, list[tuple[float, float]]]:
    """The numbers of charged particles in the two leading jets, with the selection of arXiv:1602.00988.

    Returns for each least pt of the particles, in each bin of the jets' pt, the mean and its statistical error, NaN
    without jets. Jets are anti-kT jets with R = 0.4 and |η| < 2.1. Both have pt > 50 GeV, and the pt of the first is
    less than 1.5 times that of the second. Each bin has its own `events`, with a hard scattering above 0.8 times its
    lower edge. Jets of one event are treated as independent.
    """
    found: dict[float, list[tuple[float, float]]] = {least: [] for least in JET_CHARGED}
    on = "on" if interactions else "off"
    for low, high, own in zip(JET_PT_EDGES, JET_PT_EDGES[1:], seeds_of(seed, len(JET_PT_EDGES)), strict=False):
        hard = f"PhaseSpace:pTHatMin = {0.8 * low:g}"
        own_settings = [*JET_SETTINGS, hard, f"PartonLevel:MPI = {on}", *settings]
        counts: dict[float, list[np.ndarray]] = {least: [np.zeros(0)] for least in JET_CHARGED}
        for particles, charge in _with_charges(Collisions(own_settings, own, WHERE), events):
            for least, numbers in _charged_by_jet(particles, charge, low, high).items():
                counts[least].append(numbers)
        for least, numbers in counts.items():
            of_bin = np.concatenate(numbers)
            n = len(of_bin)
            found[least].append((of_bin.mean(), of_bin.std(ddof=1) / np.sqrt(n)) if n > 1 else (np.nan, np.nan))
    return found


def _charged_by_jet(particles: Particles, charge: np.ndarray, low: float, high: float) -> dict[float, np.ndarray]:
    jets = cluster_jets(particles, select_visible(particles, 4.9), 0.4, 25.0)
    jets = jets.take(np.flatnonzero(np.abs(jets.eta) < 2.1))
    first = np.searchsorted(jets.event, np.arange(particles.events))
    two = first[np.bincount(jets.event, minlength=particles.events) >= 2]
    two = two[(jets.pt[two + 1] > 50.0) & (jets.pt[two] < 1.5 * jets.pt[two + 1])]
    leading = np.concatenate([two, two + 1])
    leading = leading[(jets.pt[leading] > low) & (jets.pt[leading] < high)]
    inside = jets.take(leading).constituents
    pt = np.hypot(particles.px, particles.py)[inside.values]
    is_charged, jet = charge[inside.values] != 0, np.repeat(np.arange(len(leading)), inside.lengths)
    return {
        least: np.bincount(jet[is_charged & (pt > least)], minlength=len(leading)).astype(float)
        for least in JET_CHARGED
    }


def _with_charges(collisions: Collisions, events: int) -> Iterator[tuple[Particles, np.ndarray]]:
    for particles in collisions.batches(events):
        yield particles, collisions.charges(particles.pdg_id)
