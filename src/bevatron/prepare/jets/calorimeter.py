"""Jets as a calorimeter measures them: smeared energies of their particles and of pile-up."""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from bevatron.config.sections.section import NonNegative, Positive, Section
from bevatron.prepare.columns import ragged, values_of
from bevatron.store.shards.columns import Samples

ELECTROMAGNETIC, MUON = (11, 22), 13
LEAST_PT = 1e-3  # GeV: pt of a jet of which nothing is left


class EnergyResolution(Section):
    """σ(E) / E = stochastic / √E ⊕ constant ⊕ noise / E, E in GeV."""

    stochastic: NonNegative = Field(description="stochastic term, √GeV")
    constant: NonNegative = Field(description="constant term, a fraction")
    noise: NonNegative = Field(description="noise term of a jet, GeV")


class Calorimeter(Section):
    """How well the energies and directions of jets are measured."""

    # ATLAS Collaboration, JINST 3 (2008) S08003, table 1.1: 10 % / √E ⊕ 0.7 %.
    electromagnetic: EnergyResolution = Field(
        default_factory=lambda: EnergyResolution(stochastic=0.10, constant=0.007, noise=0.0),
        description="of electrons and photons (ATLAS's design)",
    )
    # Pions in ATLAS's barrel, test beam: hep-ex/0004009, as in Delphes' card for ATLAS.
    hadronic: EnergyResolution = Field(
        default_factory=lambda: EnergyResolution(stochastic=0.5205, constant=0.0302, noise=1.59),
        description="of hadrons (ATLAS's barrel in a beam of pions)",
    )
    cell: NonNegative = Field(default=0.1, description="width of a cell in eta and in phi (ATLAS's tile calorimeter)")
    area_radius: Positive = Field(
        default=0.4, description="radius of a jet's area, in which the mean energy of pile-up is subtracted"
    )


@dataclass(frozen=True)
class MeasuredJets:
    """pt (n,) in GeV, eta (n,) and phi (n,) in [-π, π) as measured."""

    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray


def measure_jets(raw: Samples, options: Calorimeter, random: np.random.Generator) -> MeasuredJets:
    """The jets of a shard of collision events, in its order.

    1. The four-momenta of a jet's particles are summed by kind, electrons and photons, and hadrons. Muons and neutrinos
       leave no energy. The pile-up of both kinds in the jet's cone is added (`pile_up_energy`).
    2. Each sum is scaled to an energy that is drawn from a Gaussian with the resolution of its kind, and not below 0.
    3. The direction of the total is smeared by a Gaussian, as if each particle were anywhere in its cell, with the
       width cell / √12 · √(Σ pt²) / Σ pt in eta and in phi.
    4. The mean energy of pile-up is subtracted: its density in the event times π R² (M. Cacciari and G. P. Salam, Phys.
       Lett. B 659 (2008) 119, who estimate the density by a median over the event; here it is that of the pile-up).

    Simplifications: apart from muons and neutrinos, jets have a response of 1; the resolution is the same at all eta;
    particles of the hard collision leave their energy however soft they are; showers do not leak out of the cone.
    """
    members, pdg_id = ragged(raw, "constituents"), np.abs(values_of(raw, "constituent_ids")[:, 0])
    jet, momentum = np.repeat(np.arange(len(raw)), members.lengths), members.values[:, :4].astype(np.float64)
    is_em, is_muon = np.isin(pdg_id, ELECTROMAGNETIC), pdg_id == MUON
    total = np.zeros((len(raw), 4))
    for kind, (used, resolution) in enumerate(
        ((is_em, options.electromagnetic), (~is_em & ~is_muon, options.hadronic))
    ):
        sums = np.zeros((len(raw), 4))
        for axis in range(4):
            sums[:, axis] = np.bincount(jet[used], momentum[used, axis], minlength=len(raw))
        if "pile_up_energy" in raw.inputs:
            sums += values_of(raw, "pile_up_energy")[:, 4 * kind : 4 * kind + 4]
        total += smear_energies(sums, resolution, random)
    px, py, pz, _ = total.T
    pt = np.maximum(np.hypot(px, py), LEAST_PT)
    spread = options.cell / np.sqrt(12) * _concentration(jet, np.where(is_muon, 0.0, np.hypot(*momentum[:, :2].T)), pt)
    eta = np.arcsinh(pz / pt) + spread * random.standard_normal(len(raw))
    phi = np.arctan2(py, px) + spread * random.standard_normal(len(raw))
    if "pile_up_event" in raw.inputs:
        density = values_of(raw, "pile_up_event")[:, 1:3].astype(np.float64).sum(axis=1)
        pt = np.maximum(pt - density * np.pi * options.area_radius**2, LEAST_PT)
    return MeasuredJets(pt, eta, np.remainder(phi + np.pi, 2 * np.pi) - np.pi)


def smear_energies(momentum: np.ndarray, resolution: EnergyResolution, random: np.random.Generator) -> np.ndarray:
    """Four-momenta (n, 4), px, py, pz and E in GeV, scaled to measured energies, which are at least 0."""
    energy = momentum[:, 3]
    sigma = np.sqrt(
        resolution.stochastic**2 * energy
        + (resolution.constant * energy) ** 2
        + np.where(energy > 0, resolution.noise**2, 0.0)
    )
    measured = np.maximum(energy + sigma * random.standard_normal(len(energy)), 0.0)
    return momentum * np.divide(measured, energy, out=np.ones(len(energy)), where=energy > 0)[:, None]


def _concentration(jet: np.ndarray, pt: np.ndarray, jet_pt: np.ndarray) -> np.ndarray:
    """√(Σ pt²) / Σ pt over the particles of each jet, at most 1; 1 / √n for n equal ones."""
    squares, sums = np.bincount(jet, pt**2, len(jet_pt)), np.bincount(jet, pt, len(jet_pt))
    return np.sqrt(squares) / np.maximum(sums, LEAST_PT)
