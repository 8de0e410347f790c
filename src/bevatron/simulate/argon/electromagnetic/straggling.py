"""Fluctuations of the energy lost in one step by collisions below the δ-ray cut."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.tracking.material import XI

HARD = 4.0  # collisions that are drawn one by one, on average
CERTAIN = 1e-3  # the spectrum is taken as 1/T² where its other factor is this close to 1
SOFTEST = 5e-4  # MeV: collisions are not drawn below, where the atom's binding counts


@compiled
def straggled(mean, path, beta2, top, most):
    """A step's energy loss in MeV, from its mean over `path` cm; collisions pass up to `top`, and would up to `most`.

    Vavilov's problem (Sov. Phys. JETP 5 (1957) 749) with the collision spectrum ξ/T² (1 - β² T/T_most) cut at `top`,
    ξ = XI path / β². Collisions above t, which are `HARD` on average, are drawn from the spectrum; those below are many
    (their κ = ξ/t is HARD or more) and add a Gaussian of variance ξ t around the rest of the mean. So the long tail is
    exact, the core good to the few per cent by which a Vavilov distribution at κ = 4 differs from a Gaussian; the
    atomic shells' widening (Blunck and Leisegang) is left out.
    """
    xi = XI * path / beta2
    least = max(xi / HARD, SOFTEST)
    if least >= top:
        loss = mean + math.sqrt(xi * top * (1.0 - 0.5 * beta2 * top / most)) * np.random.normal()
        return loss if loss > 0.0 else mean
    length = math.log(top / least)
    loss = mean - xi * (length - beta2 * (top - least) / most) + math.sqrt(xi * least) * np.random.normal()
    for _ in range(np.random.poisson(xi * (1.0 / least - 1.0 / top))):
        passed = least * top / (top - np.random.random() * (top - least))
        fraction = beta2 * passed / most
        if fraction < CERTAIN or np.random.random() > fraction:
            loss += passed
    return loss if loss > 0.0 else mean
