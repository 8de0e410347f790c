"""The flavour of a jet, by the heaviest parton near it."""

import numpy as np

from bevatron.prepare.jets.flavour import LIGHT, QUARKS
from bevatron.store.shards.columns import Ragged


def assign_parton_flavour(partons: Ragged, delta_r: float) -> np.ndarray:
    """2 (beauty) if a b quark is within delta_r of the jet's axis, else 1 (charm) if a c quark is, else 0 (light); (n,)
    int64.

    partons: for each kind of parton near the jet its |PDG number| and the ΔR of the nearest one, values (total, 2).
    This is Delphes' default (JetFlavorAssociation.cc: the largest quark number within ΔR, gluons counting as 0), with
    the card's 0.5, pt > 1 GeV and |eta| <= 2.5.
    """
    jet = np.repeat(np.arange(len(partons)), partons.lengths)
    kind, distance = partons.values.T
    label = np.full(len(partons), LIGHT, np.int64)
    for quark, number in sorted(QUARKS.items()):  # beauty last: it overrules charm
        label[jet[(kind == quark) & (distance <= delta_r)]] = number
    return label
