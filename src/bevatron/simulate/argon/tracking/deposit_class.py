"""Which class a particle's deposits have in an image, from its ancestry. Compiled.

A particle hands its class on to what it makes, so that nothing has to be looked up in a tree: the class of a new
particle follows from that of its parent, its own kind, and the energy that it starts with. Only a muon's decay has to
say that it made a Michel electron, as a δ-ray of the muon is an electron too (`decays.decay`).

The classes are those of the field's semantic segmentation (MicroBooNE, arXiv:1808.07269 and 2012.08513; L. Dominé and
K. Terao, arXiv:1903.05663; PILArNet, arXiv:2006.01993), but for the last one: PILArNet's low-energy depositions are
fragments of showers too small to tell, which here stay with their shower; ours are what neutrons, and photons of
nuclei, make.
"""

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.tracking.particles import ELECTRON, NEUTRON, PHOTON, PION_ZERO, POSITRON

CLASSES = ("track", "shower", "michel", "delta", "blip")
TRACK, SHOWER, MICHEL, DELTA, BLIP = range(5)
UNCLASSED = -1

SHORT_TRACK = 30.0  # MeV: a proton of less stops within about 0.8 cm, three wires of MicroBooNE


@compiled
def class_of_primary(pdg):
    """Of a particle that an event starts with."""
    return class_of_child(0, UNCLASSED, pdg, 1e9)


@compiled
def class_of_child(parent_pdg, parent_class, pdg, kinetic):
    """The class of a new particle, whose parent has the class `parent_class`; kinetic: its energy, MeV.

    Electrons and photons have the class of what they come from: in a shower all are of the shower, and all that a
    Michel electron or a δ-ray radiates is its own. An electron from a track is a δ-ray; a photon from a track is one
    of a nucleus. Charged hadrons and muons are tracks, but for those that a neutron knocks out with less than 30 MeV.
    """
    if pdg in (ELECTRON, POSITRON, PHOTON):
        if parent_class == UNCLASSED:
            return SHOWER
        if parent_class == TRACK:
            return BLIP if pdg == PHOTON else DELTA
        return parent_class
    if pdg == NEUTRON:
        return BLIP
    if pdg == PION_ZERO:
        return SHOWER
    if (parent_pdg == NEUTRON or parent_class == BLIP) and kinetic < SHORT_TRACK:
        return BLIP
    return TRACK
