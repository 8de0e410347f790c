"""The flavour of a jet from the heaviest parton near it."""

import numpy as np

from bevatron.prepare.jets.flavour import LIGHT, QUARKS
from bevatron.store.shards.columns import Ragged


def assign_parton_flavour(partons: Ragged, delta_r: float) -> np.ndarray:
    """The flavour of each jet, (n,) int64: 2 (beauty) if a b quark is within delta_r of its axis, otherwise 1 (charm)
    if a c quark is, otherwise 0 (light).

    partons: values (total, 2), for each kind of parton near a jet its |PDG number| and the ΔR of the nearest one. This
    is the default of Delphes (JetFlavorAssociation.cc: the largest quark number within ΔR, where gluons count as 0).
    The authors' card has ΔR 0.5, and partons with pt > 1 GeV and |eta| <= 2.5.
    """
    jet = np.repeat(np.arange(len(partons)), partons.lengths)
    kind, distance = partons.values.T
    label = np.full(len(partons), LIGHT, np.int64)
    for quark, number in sorted(QUARKS.items()):  # beauty last: it overrules charm
        label[jet[(kind == quark) & (distance <= delta_r)]] = number
    return label
