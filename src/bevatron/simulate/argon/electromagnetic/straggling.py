"""Fluctuations of the energy lost in one step by collisions below the δ-ray cut."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.tracking.material import XI

HARD = 4.0  # collisions that are drawn one by one, on average
CERTAIN = 1e-3  # the spectrum is taken as 1/T² where its other factor is this close to 1
MIN_TRANSFER = 5e-4  # MeV: collisions are not drawn below, where the atom's binding counts


@compiled
def sample_straggled_loss(mean, path, beta2, top, maximum):
    """A step's energy loss in MeV, from its mean over `path` cm; collisions pass up to `top` of
    the `maximum` that kinematics allows.

    Vavilov's problem (Sov. Phys. JETP 5 (1957) 749) with the collision spectrum ξ/T² (1 - β² T/T_most) cut at `top`,
    ξ = XI path / β². Collisions above t, which are `HARD` on average, are drawn from the spectrum; those below are many
    (their κ = ξ/t is HARD or more) and add a Gaussian of variance ξ t around the rest of the mean. So the long tail is
    exact, the core good to the few per cent by which a Vavilov distribution at κ = 4 differs from a Gaussian; the
    atomic shells' widening (Blunck and Leisegang) is left out.
    """
    xi = XI * path / beta2
    minimum = max(xi / HARD, MIN_TRANSFER)
    if minimum >= top:
        loss = mean + math.sqrt(xi * top * (1.0 - 0.5 * beta2 * top / maximum)) * np.random.normal()
        return loss if loss > 0.0 else mean
    length = math.log(top / minimum)
    loss = mean - xi * (length - beta2 * (top - minimum) / maximum) + math.sqrt(xi * minimum) * np.random.normal()
    for _ in range(np.random.poisson(xi * (1.0 / minimum - 1.0 / top))):
        transfer = minimum * top / (top - np.random.random() * (top - minimum))
        fraction = beta2 * transfer / maximum
        if fraction < CERTAIN or np.random.random() > fraction:
            loss += transfer
    return loss if loss > 0.0 else mean
